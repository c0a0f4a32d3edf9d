//! `--camera SOURCE`: which source a text names, and opening it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::pipe::PipeSettings;
use super::v4l2::V4l2Settings;
use super::{Camera, CameraError, Stills, Synthetic, SyntheticSettings, Y4m, folder, y4m};

/// What [`Source`] accepts, for help and errors.
pub const SOURCES: &str = "v4l2:/dev/videoN[?size=WxH&fps=N&format=auto|grey|nv12|yuyv|mjpg]; \
    pipe:rpicam[?size=WxH&fps=N] or pipe:gst-argus[?...] for a camera module on a Raspberry Pi or Jetson; \
    pipe:COMMAND for a program that writes Y4M, pipe:?format=yuv420|grey&size=WxH[&range=full|limited] COMMAND \
    for one that writes raw frames; a picture (.jpg, .png), a folder of pictures, a Y4M file, - for Y4M on \
    standard input, portraits, or synthetic[:frames=N,size=WxH,seed=N,fps=N]";

/// A source of frames as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A camera that V4L2 knows.
    V4l2(V4l2Settings),
    /// A child process.
    Pipe(PipeSettings),
    /// A picture, a folder or a stream: its content tells which.
    Path(PathBuf),
    /// Y4M on standard input.
    Stdin,
    /// The embedded portraits.
    Portraits,
    /// A drawn clip.
    Synthetic(SyntheticSettings),
}

/// A `--camera` text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; --camera takes {SOURCES}")]
pub struct SourceError(pub(super) String);

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("", "") => Err(SourceError("no source is named".to_owned())),
            ("-", "") => Ok(Self::Stdin),
            ("portraits", "") => Ok(Self::Portraits),
            ("v4l2", settings) => Ok(Self::V4l2(settings.parse()?)),
            ("pipe", settings) => Ok(Self::Pipe(settings.parse()?)),
            ("synthetic", settings) => Ok(Self::Synthetic(settings.parse()?)),
            _ => Ok(Self::Path(text.into())),
        }
    }
}

impl Source {
    /// Opens the source; pictures are read frame by frame later, and live cameras opened by their first frame.
    ///
    /// # Errors
    /// [`CameraError`] when nothing can come from it: a missing file, an empty folder, a bad header, a kind of camera
    /// that this program was built without.
    pub fn open(&self) -> Result<Box<dyn Camera>, CameraError> {
        Ok(match self {
            Self::V4l2(settings) => settings.open()?,
            Self::Pipe(settings) => settings.open()?,
            Self::Path(path) => return open_path(path),
            Self::Stdin => {
                Box::new(Y4m::new("stdin", BufReader::with_capacity(1 << 16, io::stdin()))?)
            }
            Self::Portraits => Box::new(Stills::portraits()),
            Self::Synthetic(settings) => Box::new(Synthetic::new(settings)?),
        })
    }
}

fn open_path(path: &Path) -> Result<Box<dyn Camera>, CameraError> {
    let fail = |reason| CameraError::Io { name: path.display().to_string(), reason };
    if path.is_dir() {
        return Ok(Box::new(Stills::files(folder::pictures(path)?)));
    }
    let file = File::open(path).map_err(fail)?;
    let is_file = file.metadata().map_err(fail)?.is_file();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    // A stream may come from a named pipe, which can be neither rewound nor opened twice.
    if !is_file || reader.fill_buf().map_err(fail)?.starts_with(y4m::MAGIC) {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        return Ok(Box::new(Y4m::new(&name, reader)?));
    }
    Ok(Box::new(Stills::files(vec![path.to_owned()])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_sources() {
        let source = |text: &str| text.parse::<Source>().unwrap();
        assert_eq!(source("-"), Source::Stdin);
        assert_eq!(source("portraits"), Source::Portraits);
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
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(error.contains("--camera takes"), "{error}");
        }
        let error = "synthetic:fps=0".parse::<Source>().unwrap_err().to_string();
        assert!(error.starts_with("synthetic: fps=0"), "{error}");
    }

    #[test]
    fn a_missing_file_says_what_a_source_can_be() {
        let error = Source::Path("no/such/webcam".into()).open().err().unwrap().to_string();
        assert!(error.starts_with("cannot read no/such/webcam: "), "{error}");
        assert!(error.contains("a folder of pictures"), "{error}");
    }
}
