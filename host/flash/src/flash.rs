//! The steps of a flash: read all files, check all of them, plan, confirm, write, self-test.

use std::path::{Path, PathBuf};

use emocue_models::bundle::DEFAULT_NAME;

use crate::component::{Component, Components, NamedFiles, select};
use crate::console::FlashConsole;
use crate::error::FlashError;
use crate::image::Image;
use crate::mount::Mount;
use crate::plan::FlashPlan;
use crate::root::RootFs;
use crate::serial::{self, Cable, SerialError};
use crate::ssh::{Ssh, SshSettings};
use crate::target::{FlashTarget, Port};

/// What to flash, and to which target.
#[derive(Clone, Debug)]
pub struct FlashOptions {
    /// The target.
    pub to: FlashTarget,
    /// The components; if empty, those whose files are named.
    pub what: Vec<Component>,
    /// The program's file.
    pub app: Option<PathBuf>,
    /// The bundle's file, or the name of the default bundle.
    pub bundle: Option<PathBuf>,
    /// The configuration's file.
    pub config: Option<PathBuf>,
    /// The key to sign the bundle with; by default [`crate::bundle::default_key`].
    pub key: Option<PathBuf>,
    /// The intended use of the bundle; by default the bundle's, else the user is asked.
    pub intended_use: Option<String>,
    /// For an image: the number of the root partition.
    pub partition: Option<u32>,
    /// Settings for `ssh`.
    pub ssh: SshSettings,
    /// Change nothing.
    pub dry_run: bool,
    /// Overwrite without asking.
    pub yes: bool,
}

impl FlashOptions {
    /// The components that are flashed.
    ///
    /// # Errors
    /// Options that contradict each other.
    fn components(&self) -> Result<Vec<Component>, FlashError> {
        let named = [
            (Component::App, self.app.is_some()),
            (Component::Bundle, self.bundle.is_some()),
            (Component::Config, self.config.is_some()),
        ];
        let named = named.into_iter().filter(|(_, named)| *named).map(|(component, _)| component);
        let components = select(&self.what, &named.collect::<Vec<_>>())?;
        if self.partition.is_some() && !matches!(self.to, FlashTarget::Image(_)) {
            return Err(FlashError::PartitionWithoutImage);
        }
        if components.contains(&Component::App) && matches!(self.to, FlashTarget::Serial(_)) {
            return Err(SerialError::App.into());
        }
        Ok(components)
    }

    /// Reads every file that is needed, once.
    fn read(&self) -> Result<NamedFiles, FlashError> {
        let components = self.components()?;
        let wanted = |component| components.contains(&component);
        Ok(NamedFiles::read(
            self.app.as_deref().filter(|_| wanted(Component::App)),
            wanted(Component::Bundle)
                .then(|| self.bundle.as_deref().unwrap_or(Path::new(DEFAULT_NAME))),
            self.config.as_deref().filter(|_| wanted(Component::Config)),
            self.key.as_deref().filter(|_| wanted(Component::Bundle)),
        )?)
    }
}

/// Flashes a badge.
///
/// # Errors
/// [`FlashError`]; the badge is unchanged unless the text says otherwise.
pub fn flash(options: &FlashOptions, console: &mut dyn FlashConsole) -> Result<(), FlashError> {
    let files = options.read()?;
    let components = files.check(options.intended_use.as_deref(), options.dry_run, console)?;
    match &options.to {
        FlashTarget::Ssh(address) => {
            let ssh = Ssh::open(address.clone(), options.ssh.clone())?;
            onto_root(ssh, &components, options, console)
        }
        FlashTarget::Mount(path) => onto_root(Mount::open(path)?, &components, options, console),
        FlashTarget::Image(path) => {
            let image = Image::open(path, options.partition)?;
            onto_root(image, &components, options, console)
        }
        FlashTarget::Serial(port) => through_cable(port, &components, options, console),
    }
}

/// Flashes files onto a root file system.
fn onto_root<R: RootFs>(
    mut root: R,
    components: &Components,
    options: &FlashOptions,
    console: &mut dyn FlashConsole,
) -> Result<(), FlashError>
where
    FlashError: From<R::Error>,
{
    let plan = FlashPlan::new(&mut root, components)?;
    root.check(&plan.changes())?;
    let overwritten: Vec<&str> = plan.overwritten().collect();
    let question =
        (!overwritten.is_empty()).then(|| format!("Overwrite {}?", overwritten.join(", ")));
    if !confirmed(&plan.to_string(), question.as_deref(), options, console)? {
        return Ok(());
    }
    let changes = plan.changes();
    if changes.is_empty() {
        console.say("All of it is there already.");
    } else {
        root.install(&changes, console)?;
        console.say("All of it is in place.");
    }
    if let Some(left) = root.self_test(console)? {
        console.say(&left);
    }
    Ok(())
}

/// Flashes the components that a badge accepts over its cable.
fn through_cable(
    port: &Port,
    components: &Components,
    options: &FlashOptions,
    console: &mut dyn FlashConsole,
) -> Result<(), FlashError> {
    let mut cable = Cable::connect(&port.to_string(), || serial::open(port), serial::settings())?;
    let plan = cable.plan(components)?;
    let question = plan.overwrites().then_some("Send other settings to the badge?");
    if confirmed(&plan.to_string(), question, options, console)? {
        cable.flash(&plan, components, console)?;
    }
    cable.close();
    Ok(())
}

/// Rolls a badge on a cable back to the bundle before the current one.
///
/// # Errors
/// [`FlashError::RollbackByCable`] for other targets, [`SerialError`] with the badge's message.
pub fn roll_back(
    target: &FlashTarget,
    yes: bool,
    console: &mut dyn FlashConsole,
) -> Result<(), FlashError> {
    let FlashTarget::Serial(port) = target else { return Err(FlashError::RollbackByCable) };
    let mut cable = Cable::connect(&port.to_string(), || serial::open(port), serial::settings())?;
    begin(Some("Return to the bundle before?"), yes, console)?;
    cable.roll_back(console)?;
    cable.close();
    Ok(())
}

/// Shows the plan, and asks if something is overwritten; returns whether to continue.
fn confirmed(
    plan: &str,
    question: Option<&str>,
    options: &FlashOptions,
    console: &mut dyn FlashConsole,
) -> Result<bool, FlashError> {
    console.say(plan.trim_end_matches('\n'));
    if options.dry_run {
        console.say("Nothing was changed.");
        return Ok(false);
    }
    begin(question, options.yes, console)?;
    Ok(true)
}

/// Asks unless `yes`; afterwards Ctrl-C is handled.
fn begin(
    question: Option<&str>,
    yes: bool,
    console: &mut dyn FlashConsole,
) -> Result<(), FlashError> {
    if let Some(question) = question.filter(|_| !yes) {
        match console.agrees(question) {
            Some(true) => {}
            Some(false) => return Err(FlashError::Declined),
            None => return Err(FlashError::NobodyToAsk(question.to_owned())),
        }
    }
    console.catch_interrupts().map_err(FlashError::Interrupts)
}
