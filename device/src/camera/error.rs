//! Why there is no frame, and what to do about it.

use std::io;

use emocue_config::SOURCES;

use super::pipe::PipeError;
use super::v4l2::V4l2Error;

/// A frame or a whole source that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The operating system refused.
    #[error("cannot read {name}: {reason}; {next}", next = advice(.reason))]
    Io {
        /// The path, or `"stdin"`.
        name: String,
        /// The system's own words.
        reason: io::Error,
    },
    /// A folder without a single picture.
    #[error("{name}: no pictures in this folder; put .jpg, .jpeg or .png files into it")]
    EmptyFolder {
        /// The folder.
        name: String,
    },
    /// Neither a picture nor a stream.
    #[error(
        "{name}: neither JPEG, PNG nor Y4M; a video can be piped in: \
         ffmpeg -i VIDEO -f yuv4mpegpipe - | emocue-badge run --camera -"
    )]
    UnknownFormat {
        /// The file.
        name: String,
    },
    /// A picture or stream that claims more than [`MAX_PIXELS`](emocue_models::picture::MAX_PIXELS).
    #[error("{name}: {width}x{height} px is more than 50 megapixels; scale it down first")]
    TooLarge {
        /// The file.
        name: String,
        /// Claimed width, px.
        width: u64,
        /// Claimed height, px.
        height: u64,
    },
    /// The file ends before its content does.
    #[error("{name}: cut off at byte {at}: {missing}; copy or record it again")]
    Truncated {
        /// The file or stream.
        name: String,
        /// How many bytes there were.
        at: u64,
        /// What was still expected.
        missing: &'static str,
    },
    /// A damaged or unsupported picture.
    #[error("{name}: not a picture that can be read: {reason}; save it again as JPEG or PNG")]
    Picture {
        /// The file.
        name: String,
        /// The decoder's own words.
        reason: String,
    },
    /// A damaged or unsupported stream.
    #[error(
        "{name}: byte {at}: {reason}; write it again with \
         ffmpeg -i VIDEO -pix_fmt yuv420p -f yuv4mpegpipe FILE.y4m"
    )]
    Stream {
        /// The file or stream.
        name: String,
        /// Where reading stopped.
        at: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A V4L2 camera that gives no frames.
    #[error(transparent)]
    V4l2(#[from] V4l2Error),
    /// A child process that gives no frames.
    #[error(transparent)]
    Pipe(#[from] PipeError),
}

impl CameraError {
    /// Whether asking again later may go well without anybody's help beyond the camera's: it was unplugged, slow,
    /// in use or its program died. What is not permitted, not supported or set wrongly stays so.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::V4l2(error) => error.may_heal(),
            Self::Pipe(error) => error.may_heal(),
            _ => false,
        }
    }
}

/// The next step after an input error of the operating system.
fn advice(reason: &io::Error) -> String {
    match reason.kind() {
        io::ErrorKind::NotFound => format!("--camera takes {SOURCES}"),
        io::ErrorKind::PermissionDenied => "check who may read it".to_owned(),
        _ => "check the file and its disk".to_owned(),
    }
}
