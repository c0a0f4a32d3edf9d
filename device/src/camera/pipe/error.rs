//! Why a child process gives no frames.

use std::io;
use std::time::Duration;

use emocue_models::failure::{Failure, exit, sentence};

/// A child process that gives no frames.
#[derive(Debug, thiserror::Error)]
pub enum PipeError {
    /// The shell cannot be started.
    #[error("{name}: cannot start sh: {reason}")]
    NoShell {
        /// The camera.
        name: String,
        /// The system's error.
        reason: io::Error,
    },
    /// The shell does not know the program, or may not run it.
    #[error("{name}: the program cannot be run: {said}")]
    NoProgram {
        /// The camera.
        name: String,
        /// The shell's message.
        said: String,
        /// How to get it, as a part of a sentence.
        remedy: &'static str,
    },
    /// It ended, or closed its output.
    #[error("{name}: the program ended ({status}): {said}")]
    Ended {
        /// The camera.
        name: String,
        /// Its exit status, as text.
        status: String,
        /// The last line that it wrote to standard error.
        said: String,
    },
    /// No whole frame came in time.
    #[error("{name}: no frame for {} ms: {said}", .waited.as_millis())]
    Silent {
        /// The camera.
        name: String,
        /// The time without a frame.
        waited: Duration,
        /// The last line that it wrote to standard error.
        said: String,
    },
    /// Y4M was expected.
    #[error("{name}: not a YUV4MPEG2 stream: it begins with {found:?}")]
    NotY4m {
        /// The camera.
        name: String,
        /// How its output began.
        found: String,
    },
    /// A frame did not begin at its expected position.
    #[error("{name}: frame {index} does not begin where the one before ends")]
    OutOfStep {
        /// The camera.
        name: String,
        /// Number of the frame, from 0.
        index: u64,
    },
    /// The pipe cannot be read.
    #[error("{name}: cannot read the program's output: {reason}")]
    Io {
        /// The camera.
        name: String,
        /// The system's error.
        reason: io::Error,
    },
    /// Not supported on this system: child processes are read with poll(2).
    #[error("{name}: a program's output can be a camera on Unix only")]
    NotHere {
        /// The camera.
        name: String,
    },
}

impl PipeError {
    /// See [`CameraError::may_heal`](crate::camera::CameraError::may_heal).
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Ended { .. }
            | Self::Silent { .. }
            | Self::NotY4m { .. }
            | Self::OutOfStep { .. }
            | Self::Io { .. } => true,
            Self::NoShell { .. } | Self::NoProgram { .. } | Self::NotHere { .. } => false,
        }
    }
}

impl Failure for PipeError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoShell { .. } => return None,
            Self::NoProgram { remedy, .. } => return Some(sentence(remedy)),
            Self::Ended { .. } | Self::Io { .. } => {
                "Run its command by hand to see why; with --wait it is started again."
            }
            Self::Silent { .. } => "Does the program write frames to its standard output?",
            Self::NotY4m { .. } => {
                "Let the program write Y4M, or tell its format: 'pipe:?format=yuv420&size=640x480 COMMAND'."
            }
            Self::OutOfStep { .. } => "With --wait the program is started again.",
            Self::NotHere { .. } => "Pipe it in instead: `PROGRAM | emocue-badge run --camera -`.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}
