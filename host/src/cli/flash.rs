//! `emocue flash`

mod console;

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use clap::error::ErrorKind;

use super::interrupt::stop_on_ctrl_c;
use console::{Console, Person};
use emocue_flash::bundle::{Wishes, prepare};
use emocue_flash::image::Image;
use emocue_flash::mount::Mount;
use emocue_flash::parts::{App, Config, choose};
use emocue_flash::ssh::{Settings, Ssh, SshError};
use emocue_flash::target::Port;
use emocue_flash::{FlashError, Part, Parts, Plan, Root, Target, serial};

/// Put program, bundle and configuration onto a badge.
#[derive(Args, Debug)]
#[command(after_help = "\
Everything is checked, written beside its place, read back and compared before anything is replaced; --dry-run only \
shows what would be done.

  emocue flash --to ssh://pi@badge.local --app emocue-badge --config emocue.toml --bundle default
  emocue flash --to /media/you/rootfs --app emocue-badge --config emocue.toml
  emocue flash --to raspios.img --app emocue-badge --config emocue.toml --bundle mine.emocue
  emocue flash --to serial:/dev/ttyACM0 --bundle mine.emocue
  emocue flash --to serial:/dev/ttyACM0 --rollback

docs/first-flash.md goes from parts to a running badge in five steps, docs/recovery.md helps when it does not run.")]
pub struct FlashArgs {
    /// The badge: ssh://user@host[:port][/root], a mounted card's folder, a card's image, or serial:DEVICE[@baud]
    #[arg(long, value_name = "TARGET")]
    to: Target,
    /// What to flash; without it, every part whose file is named
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    what: Vec<Part>,
    /// The program, as `cargo xtask cross` or `cross build` makes it; its service files come with it
    #[arg(long, value_name = "FILE")]
    app: Option<PathBuf>,
    /// The networks: a bundle's file, or `default` for the one inside this program
    #[arg(long, value_name = "FILE")]
    bundle: Option<String>,
    /// The configuration, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Your secret key, where a bundle must be signed; ~/.config/emocue/badge.key unless named
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// What the bundle is meant for, instead of being asked
    #[arg(long, value_name = "TEXT")]
    intended_use: Option<String>,
    /// Send nothing, and let a badge on a cable return to the bundle before
    #[arg(long, conflicts_with_all = ["what", "app", "bundle", "config", "dry_run"])]
    rollback: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrite without asking
    #[arg(long)]
    yes: bool,
    /// Of an image: the partition with the root, where it is not the largest one with ext4
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    #[command(flatten)]
    ssh: SshArgs,
}

/// How `ssh` is called.
#[derive(Args, Clone, Debug)]
pub struct SshArgs {
    /// An option for ssh, as its -o takes it; again for another. None that weakens the check of the host key
    #[arg(long, value_name = "KEY=VALUE")]
    ssh_option: Vec<String>,
    /// Another configuration file for ssh, as its -F takes it
    #[arg(long, value_name = "FILE")]
    ssh_config: Option<PathBuf>,
}

impl SshArgs {
    /// As settings.
    ///
    /// # Errors
    /// [`SshError::Option`] for options that are not passed on.
    pub fn settings(&self) -> Result<Settings, SshError> {
        Settings::new(self.ssh_config.clone(), &self.ssh_option)
    }
}

/// Flashes a badge.
///
/// # Errors
/// [`FlashError`]; what was on the badge is still there unless it says otherwise.
pub fn run(args: &FlashArgs) -> Result<(), Box<dyn Error>> {
    if args.rollback {
        let Target::Serial(port) = &args.to else { return Err(FlashError::RollbackByCable.into()) };
        return roll_back(args, port);
    }
    let settings = args.ssh.settings()?;
    let parts = args.chosen()?;
    if args.partition.is_some() && !matches!(args.to, Target::Image(_)) {
        wrong("--partition is for images alone");
    }
    if parts.contains(&Part::App) && matches!(args.to, Target::Serial(_)) {
        return Err(FlashError::AppByCable.into());
    }
    let parts = args.read(&parts)?;
    let mut root: Box<dyn Root> = match &args.to {
        Target::Serial(port) => return through_cable(args, port, &parts),
        Target::Ssh(address) => Box::new(Ssh::open(address.clone(), settings)?),
        Target::Mount(path) => Box::new(Mount::open(path)?),
        Target::Image(path) => Box::new(Image::open(path, args.partition)?),
    };
    let plan = Plan::new(root.as_mut(), &parts)?;
    print!("{plan}");
    let changes = plan.changes();
    if args.dry_run {
        println!("Nothing was changed.");
        return Ok(());
    }
    let overwritten: Vec<&str> = plan.overwritten().collect();
    if !overwritten.is_empty() {
        args.confirm(&format!("Overwrite {}?", overwritten.join(", ")))?;
    }
    let mut console = Console::new(stop_on_ctrl_c()?);
    if changes.is_empty() {
        println!("All of it is there already.");
    } else {
        root.install(&changes, &mut console)?;
        println!("All of it is in place.");
    }
    if let Some(left) = root.self_test(&mut console)? {
        println!("{left}");
    }
    Ok(())
}

#[cfg(unix)]
fn through_cable(args: &FlashArgs, port: &Port, parts: &Parts) -> Result<(), Box<dyn Error>> {
    let name = port.to_string();
    let open = || serial::open(port);
    let mut cable = serial::Cable::connect(&name, open, serial::settings())?;
    let plan = cable.plan(parts)?;
    print!("{plan}");
    if args.dry_run {
        println!("Nothing was changed.");
    } else {
        if plan.overwrites() {
            args.confirm("Overwrite the badge's configuration?")?;
        }
        let mut console = Console::new(stop_on_ctrl_c()?);
        cable.flash(&plan, parts, &mut console)?;
    }
    cable.close();
    Ok(())
}

#[cfg(unix)]
fn roll_back(args: &FlashArgs, port: &Port) -> Result<(), Box<dyn Error>> {
    let name = port.to_string();
    let mut cable = serial::Cable::connect(&name, || serial::open(port), serial::settings())?;
    args.confirm("Return to the bundle before?")?;
    cable.roll_back(&mut Console::new(stop_on_ctrl_c()?))?;
    cable.close();
    Ok(())
}

#[cfg(not(unix))]
fn roll_back(_args: &FlashArgs, _port: &Port) -> Result<(), Box<dyn Error>> {
    Err("serial ports cannot be used on this system".into())
}

#[cfg(not(unix))]
fn through_cable(_args: &FlashArgs, _port: &Port, _parts: &Parts) -> Result<(), Box<dyn Error>> {
    Err("serial ports cannot be used on this system".into())
}

impl FlashArgs {
    /// The parts that are flashed.
    fn chosen(&self) -> Result<Vec<Part>, FlashError> {
        let named = [
            (Part::App, self.app.is_some()),
            (Part::Bundle, self.bundle.is_some()),
            (Part::Config, self.config.is_some()),
        ];
        let named = named.into_iter().filter(|(_, named)| *named).map(|(part, _)| part);
        choose(&self.what, &named.collect::<Vec<_>>())
    }

    /// Reads their files.
    fn read(&self, parts: &[Part]) -> Result<Parts, FlashError> {
        let wanted = |part: Part| parts.contains(&part);
        let app = self.app.as_deref().filter(|_| wanted(Part::App)).map(App::read).transpose()?;
        let config = self.config.as_deref().filter(|_| wanted(Part::Config));
        let config = config.map(Config::read).transpose()?;
        let wishes = Wishes {
            key: self.key.clone(),
            intended_use: self.intended_use.clone(),
            dry_run: self.dry_run,
        };
        let bundle = match wanted(Part::Bundle) {
            true => {
                Some(prepare(self.bundle.as_deref().unwrap_or("default"), &wishes, &mut Person)?)
            }
            false => None,
        };
        Ok(Parts { app, bundle, config })
    }

    /// Asks before something is overwritten; whoever says no ends the program here.
    fn confirm(&self, question: &str) -> Result<(), FlashError> {
        if self.yes {
            return Ok(());
        }
        match console::agrees(question) {
            Some(true) => Ok(()),
            Some(false) => Err(FlashError::Interrupted),
            None => wrong(&format!(
                "{question} There is no terminal to ask on\n  Say --yes to overwrite, or --dry-run to look only."
            )),
        }
    }
}

/// Ends the program as it ends for wrong arguments.
fn wrong(message: &str) -> ! {
    clap::Error::raw(ErrorKind::MissingRequiredArgument, format!("{message}\n")).exit()
}
