//! Why a verb ended early, and with which exit code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use emocue_config::{ConfigError, SourceError};
use emocue_device::badge::BadgeError;
use emocue_device::bench::BenchError;
use emocue_device::bundle::LoadError;
use emocue_device::camera::CameraError;
use emocue_device::cue::CueError;
use emocue_device::show::ShowError;
use emocue_device::slots::{Refusal, SlotError};
use emocue_run::SelfTestError;

/// The message is the cause's own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
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
    #[error("no badge answers at {}: {source}; start it: systemctl start emocue-badge", path.display())]
    NobodyServes { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// Every frame was bad, and each was told already.
    #[error("nothing could be read")]
    NothingRead,
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) | Self::Source(_) => 2,
            Self::Input(_)
            | Self::Badge(BadgeError::Camera(_))
            | Self::Bench(BenchError::Camera(_))
            | Self::NothingRead => 3,
            Self::Output(_) => 4,
            Self::Slot(SlotError::Refused { reason: Refusal::NotAccepted { .. }, .. }) => 8,
            Self::Load(_)
            | Self::Badge(BadgeError::Vision(_))
            | Self::Bench(_)
            | Self::SelfTest(_)
            | Self::Slot(SlotError::Refused { .. }) => 5,
            Self::Pin(_) => 6,
            Self::Slot(SlotError::NoTrial | SlotError::NothingBefore) => 1,
            Self::Slot(SlotError::Folder { .. } | SlotError::Busy(_))
            | Self::NobodyServes { .. } => 7,
            Self::Show(error) | Self::Badge(BadgeError::Show(error)) => match error {
                ShowError::UnknownSink { .. }
                | ShowError::NoFolder { .. }
                | ShowError::NoArgument { .. }
                | ShowError::BadArgument { .. } => 2,
                _ => 4,
            },
        })
    }
}
