//! The loop from camera to displays: [`run`] processes every frame of a file, [`live`] the newest one of a camera.

mod capture;
mod frames;
pub mod live;
mod mailbox;
pub mod pace;
mod screen;
mod session;
mod update;
pub mod watchdog;

use emocue_models::failure::{Failure, exit};
use emocue_run::RunError;

use crate::camera::CameraError;
use crate::show::ShowError;

pub use frames::run;
pub use session::SessionState;
pub use update::{MonitorSetup, UpdateMonitor};

/// Counters of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that were processed and shown.
    pub shown: u64,
    /// Frames that could not be read; for a live camera, how often it went missing.
    pub unreadable: u64,
}

/// What ends a run before its camera does.
#[derive(Debug, thiserror::Error)]
pub enum BadgeError {
    /// A live camera that cannot be used.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// A network failed.
    #[error(transparent)]
    Vision(#[from] RunError),
    /// A display failed.
    #[error(transparent)]
    Show(#[from] ShowError),
    /// The camera does not close, so the loop cannot be restarted.
    #[error("the camera does not close")]
    Stuck,
}

impl Failure for BadgeError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Camera(error) => error.help(),
            Self::Vision(error) => error.help(),
            Self::Show(error) => error.help(),
            Self::Stuck => Some("Start the badge again; its service does.".to_owned()),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Camera(error) => error.exit_code(),
            Self::Vision(error) => error.exit_code(),
            Self::Show(error) => error.exit_code(),
            Self::Stuck => exit::INPUT,
        }
    }
}
