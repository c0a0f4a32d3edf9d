//! Texts that are not a source, and the list of those that are.

use emocue_models::failure::{Failure, exit};

/// A short form of [`SOURCES`], for an error of one line.
pub const SOURCES_BRIEF: &str = "--camera takes a picture, a folder of pictures, a Y4M file or a camera; `emocue-badge \
    run --help` lists all";

/// What [`Source`](super::Source) accepts, for help and errors.
pub const SOURCES: &str = "webcam, the first camera that V4L2 knows; v4l2:/dev/videoN[?size=WxH&fps=N&format=auto|grey|nv12|yuyv|mjpg]; \
    pipe:rpicam[?size=WxH&fps=N] or pipe:gst-argus[?...] for a camera module on a Raspberry Pi or Jetson; \
    pipe:COMMAND for a program that writes Y4M, pipe:?format=yuv420|grey&size=WxH[&range=full|limited] COMMAND \
    for one that writes raw frames; a picture (.jpg, .png), a folder of pictures, a Y4M file or, where ffmpeg is installed, \
    another video, - for Y4M on standard input, portraits, or synthetic[:frames=N,size=WxH,seed=N,fps=N]";

/// A `--camera` text that is not a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub(super) String);

impl Failure for SourceError {
    fn help(&self) -> Option<String> {
        let kind = self.0.split(':').next().unwrap_or_default();
        let prefix = format!("{kind}:");
        let parts: Vec<&str> = SOURCES.split("; ").collect();
        let usage: Vec<&str> = match kind {
            "v4l2" | "pipe" => parts.into_iter().filter(|part| part.starts_with(&prefix)).collect(),
            "synthetic" => vec!["synthetic[:frames=N,size=WxH,seed=N,fps=N]"],
            _ => return Some(format!("{SOURCES_BRIEF}.")),
        };
        Some(format!("--camera takes {}.", usage.join("; ")))
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}
