//! The arguments of `emocue-badge slot`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::AFTER_HELP;

/// Bundles that came after the program.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct SlotVerb {
    /// What to do with them.
    #[command(subcommand)]
    pub action: SlotAction,
    /// Where they are.
    #[command(flatten)]
    pub place: SlotArgs,
}

/// Where slots are, and who is trusted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where")]
pub struct SlotArgs {
    /// The badge's configuration, which names the folder and the trusted keys in its section `update`
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Another folder than the configuration's
    #[arg(long, value_name = "DIR", global = true)]
    pub state: Option<PathBuf>,
}

/// What is done with slots.
#[derive(Debug, Subcommand)]
pub enum SlotAction {
    /// Check a signed bundle and put it on trial; a running badge switches to it immediately
    Install {
        /// The bundle
        file: PathBuf,
        /// Accept an older release
        #[arg(long)]
        force: bool,
        /// Remove the file, unless only a press of the button or disk space is missing
        #[arg(long)]
        remove: bool,
    },
    /// Run a bundle's networks on the embedded portraits, with bounded memory and time
    Check {
        /// The bundle (default: the embedded one)
        file: Option<PathBuf>,
    },
    /// Confirm the bundle on trial now, without its healthy minute
    Confirm,
    /// Print which bundle would start, and the content of both slots
    Status {
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Roll back to the previous bundle
    Rollback,
}
