//! Why there is no frame.

use std::io;

use emocue_config::SOURCES_BRIEF;
use emocue_models::failure::{Failure, exit};

use super::pipe::PipeError;
use super::v4l2::V4l2Error;
use crate::ffmpeg;

/// A frame or a whole source that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The operating system refused.
    #[error("cannot read {name}: {reason}")]
    Io {
        /// The path, or `"stdin"`.
        name: String,
        /// The system's error.
        reason: io::Error,
    },
    /// A camera's node or an address, named like a file.
    #[error("{name} is not a picture, a folder or a Y4M file")]
    NotAFile {
        /// As it was named.
        name: String,
        /// How such a source is named.
        next: String,
    },
    /// A folder without pictures.
    #[error("{name}: no pictures in this folder{}{skipped}", if skipped.is_empty() { "" } else { "; skipped: " })]
    EmptyFolder {
        /// The folder.
        name: String,
        /// What is in it instead, in one line; empty where nothing is.
        skipped: String,
    },
    /// Neither a picture nor a stream.
    #[error("{name}: not a picture or a video of a known format")]
    UnknownFormat {
        /// The file.
        name: String,
    },
    /// A picture or stream that claims more than [`MAX_PIXELS`](emocue_models::picture::MAX_PIXELS).
    #[error("{name}: {width}x{height} px is more than 50 megapixels")]
    TooLarge {
        /// The file.
        name: String,
        /// Claimed width, px.
        width: u64,
        /// Claimed height, px.
        height: u64,
    },
    /// A picture that takes too much memory to decode.
    #[error("{name}: {reason}")]
    TooMuchMemory {
        /// The file.
        name: String,
        /// Its size, and the limit.
        reason: String,
    },
    /// The file ends before its content does.
    #[error("{name}: cut off at byte {at}: {missing}")]
    Truncated {
        /// The file or stream.
        name: String,
        /// How many bytes there were.
        at: u64,
        /// What was still expected.
        missing: &'static str,
    },
    /// A damaged or unsupported picture.
    #[error("{name}: not a picture that can be read: {reason}")]
    Picture {
        /// The file.
        name: String,
        /// The decoder's message.
        reason: String,
    },
    /// A damaged or unsupported stream.
    #[error("{name}: byte {at}: {reason}")]
    Stream {
        /// The file or stream.
        name: String,
        /// Where reading stopped.
        at: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A video file, and no program to decode it.
    #[error("{name} is a video, and ffmpeg, which decodes it, is not installed")]
    NoFfmpeg {
        /// The file.
        name: String,
    },
    /// A video file that ffmpeg does not decode.
    #[error("{name}: ffmpeg ended ({status}): {said}")]
    Video {
        /// The file.
        name: String,
        /// Its exit status, as text.
        status: String,
        /// The last line that it wrote to standard error.
        said: String,
    },
    /// A V4L2 camera that gives no frames.
    #[error(transparent)]
    V4l2(#[from] V4l2Error),
    /// A child process that gives no frames.
    #[error(transparent)]
    Pipe(#[from] PipeError),
}

impl CameraError {
    /// Whether another try may succeed without a change of the configuration: the camera was unplugged, slow or in use,
    /// or its program died or wrote invalid data. Missing permission, missing support and wrong settings are permanent.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::V4l2(error) => error.may_heal(),
            Self::Pipe(error) => error.may_heal(),
            // From a live camera, whose program wrote this.
            Self::TooLarge { .. } | Self::Stream { .. } => true,
            _ => false,
        }
    }
}

impl Failure for CameraError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Io { reason, .. } => match reason.kind() {
                io::ErrorKind::NotFound => return Some(format!("{SOURCES_BRIEF}.")),
                io::ErrorKind::PermissionDenied => "Check who may read it.",
                _ => "Check the file and its disk.",
            },
            Self::NotAFile { next, .. } => return Some(next.clone()),
            Self::EmptyFolder { .. } => "Put .jpg, .jpeg or .png files into it.",
            Self::UnknownFormat { .. } if !cfg!(feature = "pictures") => {
                "Save it as JPEG or PNG, or build this program with the feature `pictures`, which reads WebP, GIF, BMP and TIFF."
            }
            Self::UnknownFormat { .. } => "Save it as JPEG or PNG; a video, as MP4.",
            Self::NoFfmpeg { .. } => {
                return Some(format!(
                    "{} Or convert it elsewhere: `ffmpeg -i VIDEO -pix_fmt yuv420p FILE.y4m`.",
                    ffmpeg::INSTALL
                ));
            }
            Self::Video { .. } => "Can another player show it? Copy or record it again.",
            Self::TooLarge { .. } | Self::TooMuchMemory { .. } => "Scale it down first.",
            Self::Truncated { .. } => "Copy or record it again.",
            Self::Picture { .. } => "Save it again as JPEG or PNG.",
            Self::Stream { .. } => {
                "Write it again with `ffmpeg -nostdin -i VIDEO -pix_fmt yuv420p -f yuv4mpegpipe FILE.y4m`."
            }
            Self::V4l2(error) => return error.help(),
            Self::Pipe(error) => return error.help(),
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}
