//! Errors of flashing, with help.

use std::io;
use std::path::PathBuf;

use emocue_models::failure::{Failure, exit};

use crate::component::ComponentError;
use crate::elf::Machine;
use crate::image::ImageError;
use crate::root::RootError;
use crate::serial::SerialError;
use crate::ssh::SshError;

/// Flashing failed. The badge is unchanged unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// A component is missing, or its file is invalid.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// A partition was named, but the target is not an image.
    #[error("--partition is for images only")]
    PartitionWithoutImage,
    /// A rollback was requested for a target other than a cable.
    #[error("only a badge on a cable can be rolled back from here")]
    RollbackByCable,
    /// The program is for another machine.
    #[error("{} is made for {made_for}, and {place} runs programs for {runs}", path.display())]
    Machine {
        /// The program's file.
        path: PathBuf,
        /// The machine that it is built for.
        made_for: Machine,
        /// The target.
        place: String,
        /// The target's machine.
        runs: Machine,
    },
    /// The path of a file is occupied by something that is not a file.
    #[error("{0} is there already and is not a file, so it is not replaced")]
    InTheWay(String),
    /// A question must be answered, and there is no terminal.
    #[error("{0} There is no terminal to ask on")]
    NobodyToAsk(String),
    /// The answer was no.
    #[error("stopped; what was on the badge is still there")]
    Declined,
    /// Ctrl-C cannot be handled.
    #[error("failed to handle Ctrl-C: {0}")]
    Interrupts(io::Error),
    /// A root file system cannot be read or changed.
    #[error(transparent)]
    Root(#[from] RootError),
    /// An image cannot be read or changed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The badge cannot be reached over SSH, or refuses.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// The badge cannot be reached over the cable, or refuses.
    #[error(transparent)]
    Serial(#[from] SerialError),
}

impl Failure for FlashError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Component(error) => return error.help(),
            Self::Root(error) => return error.help(),
            Self::Image(error) => return error.help(),
            Self::Ssh(error) => return error.help(),
            Self::Serial(error) => return error.help(),
            Self::Machine { runs, .. } => {
                return Some(format!("Build it for that: {}", runs.build_hint()));
            }
            Self::RollbackByCable => {
                "On the badge itself, `emocue-badge slot rollback` does it: docs/recovery.md."
            }
            Self::InTheWay(_) => "Look at what it is, and move it away.",
            Self::NobodyToAsk(_) => "Use --yes to overwrite, or --dry-run to look only.",
            Self::PartitionWithoutImage | Self::Declined | Self::Interrupts(_) => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Component(error) => error.exit_code(),
            Self::Root(error) => error.exit_code(),
            Self::Image(error) => error.exit_code(),
            Self::Ssh(error) => error.exit_code(),
            Self::Serial(error) => error.exit_code(),
            Self::PartitionWithoutImage | Self::RollbackByCable | Self::NobodyToAsk(_) => {
                exit::USAGE
            }
            Self::Machine { .. } => exit::INPUT,
            Self::InTheWay(_) => exit::OUTPUT,
            Self::Declined | Self::Interrupts(_) => exit::FAILED,
        }
    }
}
