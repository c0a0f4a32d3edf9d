//! Why a child process gives no frames.

use std::io;
use std::time::Duration;

/// A child process that gives no frames; every message says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum PipeError {
    /// The shell cannot be started.
    #[error("{name}: cannot start sh: {reason}")]
    NoShell {
        /// The camera.
        name: String,
        /// The system's own words.
        reason: io::Error,
    },
    /// The shell does not know the program, or may not run it.
    #[error("{name}: the program cannot be run: {said}; {remedy}")]
    NoProgram {
        /// The camera.
        name: String,
        /// What the shell said.
        said: String,
        /// How to get it.
        remedy: &'static str,
    },
    /// It ended, or closed its output.
    #[error("{name}: the program ended ({status}): {said}; it is started again")]
    Ended {
        /// The camera.
        name: String,
        /// Its exit status, in the system's words.
        status: String,
        /// The last line that it wrote to standard error.
        said: String,
    },
    /// No whole frame came in time.
    #[error(
        "{name}: no frame for {} ms: {said}; does the program write frames to its standard output?",
        .waited.as_millis()
    )]
    Silent {
        /// The camera.
        name: String,
        /// How long nothing came.
        waited: Duration,
        /// The last line that it wrote to standard error.
        said: String,
    },
    /// Y4M was expected.
    #[error(
        "{name}: no YUV4MPEG2 stream: {found:?} came; let the program write Y4M, or tell its format: \
         'pipe:?format=yuv420&size=640x480 COMMAND'"
    )]
    NotY4m {
        /// The camera.
        name: String,
        /// How its output began.
        found: String,
    },
    /// A frame did not begin where it must.
    #[error(
        "{name}: frame {index} does not begin where the one before ends; the program is started again"
    )]
    OutOfStep {
        /// The camera.
        name: String,
        /// Counts frames from 0.
        index: u64,
    },
    /// The pipe cannot be read.
    #[error("{name}: cannot read the program's output: {reason}; it is started again")]
    Io {
        /// The camera.
        name: String,
        /// The system's own words.
        reason: io::Error,
    },
    /// Child processes are read with poll(2).
    #[error(
        "{name}: a program's output can be a camera on Unix only; pipe it in instead: \
         PROGRAM | emocue-badge run --camera -"
    )]
    NotHere {
        /// The camera.
        name: String,
    },
}

impl PipeError {
    /// See [`CameraError::may_heal`](crate::camera::CameraError::may_heal).
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Ended { .. } | Self::Silent { .. } | Self::OutOfStep { .. } | Self::Io { .. } => {
                true
            }
            Self::NoShell { .. }
            | Self::NoProgram { .. }
            | Self::NotY4m { .. }
            | Self::NotHere { .. } => false,
        }
    }
}
