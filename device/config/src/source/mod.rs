//! `--camera SOURCE`: which source a text names.

mod error;
mod keys;
mod pipe;
mod synthetic;
mod v4l2;

use std::path::PathBuf;
use std::str::FromStr;

pub use error::{SOURCES, SOURCES_BRIEF, SourceError};
pub use pipe::{Coding, PipeSettings, is_command, presets};
pub use synthetic::SyntheticSettings;
pub use v4l2::{Pixels, RequestedFormat, V4l2Settings};

/// A source of frames as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A V4L2 camera.
    V4l2(V4l2Settings),
    /// The first V4L2 camera.
    Webcam,
    /// A child process.
    Pipe(PipeSettings),
    /// A picture, a folder or a stream, detected by content.
    Path(PathBuf),
    /// Y4M on standard input.
    Stdin,
    /// The embedded portraits.
    Portraits,
    /// A synthetic clip.
    Synthetic(SyntheticSettings),
}

impl Source {
    /// Whether it is a camera, which has no last frame.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::V4l2(_) | Self::Webcam | Self::Pipe(_))
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("", "") => Err(SourceError("no source is named".to_owned())),
            ("-", "") => Ok(Self::Stdin),
            ("portraits", "") => Ok(Self::Portraits),
            ("webcam", "") => Ok(Self::Webcam),
            ("v4l2", settings) => Ok(Self::V4l2(settings.parse()?)),
            ("pipe", settings) => Ok(Self::Pipe(settings.parse()?)),
            ("synthetic", settings) => Ok(Self::Synthetic(settings.parse()?)),
            _ => Ok(Self::Path(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure::Failure as _;

    use super::*;

    #[test]
    fn texts_name_sources() {
        let source = |text: &str| text.parse::<Source>().unwrap();
        assert_eq!(source("-"), Source::Stdin);
        assert_eq!(source("portraits"), Source::Portraits);
        assert_eq!(source("webcam"), Source::Webcam);
        assert!(source("webcam").is_live() && !source("portraits").is_live());
        assert_eq!(source("synthetic"), Source::Synthetic(SyntheticSettings::default()));
        assert_eq!(source("synthetic:"), Source::Synthetic(SyntheticSettings::default()));
        let settings = SyntheticSettings { frames: 3, ..SyntheticSettings::default() };
        assert_eq!(source("synthetic:frames=3"), Source::Synthetic(settings));
        assert!(
            matches!(source("v4l2:/dev/video0?fps=15"), Source::V4l2(settings) if settings.wanted.fps == 15)
        );
        assert!(
            matches!(source("pipe:cat a:b?c=d"), Source::Pipe(settings) if settings.command == "cat a:b?c=d")
        );
        assert_eq!(source("a:b/c.jpg"), Source::Path("a:b/c.jpg".into()));
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_is_possible() {
        for text in [
            "",
            "synthetic:frames=x",
            "synthetic:size=640",
            "synthetic:colour=red",
            "v4l2:",
            "pipe:",
        ] {
            let help = text.parse::<Source>().unwrap_err().help().unwrap();
            assert!(help.contains("--camera takes"), "{help}");
        }
        let error = "synthetic:fps=0".parse::<Source>().unwrap_err().to_string();
        assert!(error.starts_with("synthetic: fps=0"), "{error}");
    }
}
