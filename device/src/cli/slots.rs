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
    /// Check a signed bundle and put it on trial; a badge that runs takes it up at once
    Install {
        /// The bundle
        file: PathBuf,
        /// Take an older release too
        #[arg(long)]
        force: bool,
        /// Remove the file, unless it only lacks a press of the button or room on the disk
        #[arg(long)]
        remove: bool,
    },
    /// Run a bundle's networks on the portraits inside this program, with bounded memory and time
    Check {
        /// The bundle; the embedded one where none is given
        file: Option<PathBuf>,
    },
    /// Keep the bundle on trial without waiting for its healthy minute
    Confirm,
    /// Tell what would start, and what lies in both slots
    Status {
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Return to what ran before
    Rollback,
}
