//! Errors of subcommands, and their exit codes.

use std::io;
use std::path::PathBuf;

use emocue_config::{ConfigError, LanguageError, SourceError, UsePlace};
use emocue_device::badge::BadgeError;
use emocue_device::bench::BenchError;
use emocue_device::bundle::LoadError;
use emocue_device::camera::CameraError;
use emocue_device::cue::CueError;
use emocue_device::show::ShowError;
use emocue_device::slots::SlotError;
use emocue_models::failure::{self, exit};
use emocue_run::SelfTestError;

/// The message is that of the cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Language(#[from] LanguageError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Input(#[from] CameraError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Show(#[from] ShowError),
    #[error(transparent)]
    Pin(#[from] CueError),
    #[error(transparent)]
    Badge(#[from] BadgeError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Slot(#[from] SlotError),
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
    #[error("no badge answers at {}: {source}", path.display())]
    NobodyServes { path: PathBuf, source: io::Error },
    #[error("no game with the camera: the configuration says use = {:?} and records no reason", place.name())]
    NotAllowed { place: UsePlace },
    #[error("a game takes a live camera, and {source_name} is not one")]
    NotLive { source_name: String },
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[error("cannot start sh: {0}")]
    Guard(io::Error),
    /// No frame could be read, and each was already reported.
    #[error("nothing could be read")]
    NothingRead,
}

impl Failure {
    /// The failure of the part that failed.
    fn part(&self) -> Option<&dyn failure::Failure> {
        Some(match self {
            Self::Config(error) => error,
            Self::Language(error) => error,
            Self::Source(error) => error,
            Self::Input(error) => error,
            Self::Load(error) => error,
            Self::Show(error) => error,
            Self::Pin(error) => error,
            Self::Badge(error) => error,
            Self::Bench(error) => error,
            Self::Slot(error) => error,
            Self::SelfTest(error) => error,
            Self::NobodyServes { .. }
            | Self::NotAllowed { .. }
            | Self::NotLive { .. }
            | Self::Output(_)
            | Self::Guard(_)
            | Self::NothingRead => return None,
        })
    }
}

impl failure::Failure for Failure {
    fn help(&self) -> Option<String> {
        match self {
            Self::NobodyServes { .. } => {
                Some("Start it: `systemctl start emocue-badge`.".to_owned())
            }
            Self::NotAllowed { .. } => Some(
                "Write reason = \"medical\", \"safety\" or \"outside-eu\" where that is true \
                 (docs/responsible-use.md), or play `emocue-badge practice cards`."
                    .to_owned(),
            ),
            Self::NotLive { .. } => {
                Some("Name v4l2:/dev/videoN, or pipe:COMMAND for what a program gives.".to_owned())
            }
            _ => self.part()?.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::NobodyServes { .. } => exit::FOLDER,
            Self::NotAllowed { .. } | Self::NotLive { .. } => exit::USAGE,
            Self::Output(_) => exit::OUTPUT,
            Self::Guard(_) | Self::NothingRead => exit::INPUT,
            _ => self.part().map_or(exit::FAILED, failure::Failure::exit_code),
        }
    }
}
