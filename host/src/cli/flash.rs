//! `emocue flash`

mod console;

use std::path::PathBuf;

use crate::guard::check_bundle;
use clap::Args;
use emocue_flash::ssh::{SshError, SshSettings};
use emocue_flash::{Component, FlashOptions, FlashTarget};
use emocue_models::failure::Failure;

use console::Console;

/// Install program, bundle and configuration on a badge.
#[derive(Args, Debug)]
#[command(after_help = "\
Everything is checked, written next to its destination, read back and compared before anything is replaced; --dry-run \
only shows what would change.

  emocue flash --to ssh://pi@badge.local --app emocue-badge --config emocue.toml --bundle default
  emocue flash --to /media/you/rootfs --app emocue-badge --config emocue.toml
  emocue flash --to raspios.img --app emocue-badge --config emocue.toml --bundle mine.emocue
  emocue flash --to serial:/dev/ttyACM0 --bundle mine.emocue
  emocue flash --to serial:/dev/ttyACM0 --rollback

Over a cable the badge may ask its wearer on its panel: compare its digits with those shown here, and hold its button \
for 3 s if they are the same.

docs/first-flash.md goes from parts to a running badge in five steps, docs/recovery.md helps when it does not run.")]
pub struct FlashArgs {
    /// The badge: ssh://user@host[:port][/root], a mounted card's folder, a card's image, or serial:DEVICE[@baud]
    #[arg(long, value_name = "TARGET")]
    to: FlashTarget,
    /// What to flash; by default, every component whose file is named
    #[arg(long, value_name = "COMPONENTS", value_delimiter = ',')]
    what: Vec<Component>,
    /// The program, as `cargo xtask cross` or `cross build` makes it; its service files are included
    #[arg(long, value_name = "FILE")]
    app: Option<PathBuf>,
    /// The networks: a bundle's file, or `default` for the embedded one
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The configuration, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Secret key to sign a bundle with [default: ~/.config/emocue/badge.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Intended use of the bundle (default: asked for)
    #[arg(long, value_name = "TEXT")]
    intended_use: Option<String>,
    /// Return a badge on a cable to the previous bundle; send nothing
    #[arg(long, conflicts_with_all = ["what", "app", "bundle", "config", "dry_run"])]
    rollback: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Overwrite without asking
    #[arg(long)]
    yes: bool,
    /// Image only: the root partition [default: the one with ext4 that has etc, usr, and an init or a shell]
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
    #[command(flatten)]
    ssh: SshArgs,
}

/// How `ssh` is called.
#[derive(Args, Clone, Debug)]
pub struct SshArgs {
    /// Option for ssh, as its -o; repeatable. Options that weaken the check of the host key are refused
    #[arg(long, value_name = "KEY=VALUE")]
    ssh_option: Vec<String>,
    /// Configuration file for ssh, as its -F
    #[arg(long, value_name = "FILE")]
    ssh_config: Option<PathBuf>,
}

impl SshArgs {
    /// The settings for `ssh`.
    ///
    /// # Errors
    /// [`SshError::Option`] for refused options.
    pub fn settings(&self) -> Result<SshSettings, SshError> {
        SshSettings::new(self.ssh_config.clone(), &self.ssh_option)
    }
}

/// Flashes a badge, or rolls it back.
///
/// # Errors
/// [`FlashError`](emocue_flash::FlashError); the badge is unchanged unless it says otherwise.
pub fn run(args: &FlashArgs) -> Result<(), Box<dyn Failure>> {
    let mut console = Console::default();
    if args.rollback {
        return Ok(emocue_flash::roll_back(&args.to, args.yes, &mut console)?);
    }
    let wanted = args.what.is_empty() || args.what.contains(&Component::Bundle);
    if let Some(bundle) = args.bundle.as_deref().filter(|_| wanted) {
        check_bundle(bundle)?;
    }
    Ok(emocue_flash::flash(&args.options()?, &mut console)?)
}

impl FlashArgs {
    fn options(&self) -> Result<FlashOptions, SshError> {
        Ok(FlashOptions {
            to: self.to.clone(),
            what: self.what.clone(),
            app: self.app.clone(),
            bundle: self.bundle.clone(),
            config: self.config.clone(),
            key: self.key.clone(),
            intended_use: self.intended_use.clone(),
            partition: self.partition,
            ssh: self.ssh.settings()?,
            dry_run: self.dry_run,
            yes: self.yes,
        })
    }
}
