//! Errors of displays.

use std::io;
use std::path::{Path, PathBuf};

use emocue_models::failure::{Failure, exit, sentence};
use emocue_models::files::ExistsError;

use super::SINKS;

/// Why a display could not be opened or could not show a frame.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// No sink has this name.
    #[error("unknown display {spec:?}")]
    UnknownSink {
        /// The requested display.
        spec: String,
    },
    /// The sink needs a folder.
    #[error("the display {sink} needs a folder")]
    NoFolder {
        /// The sink's name.
        sink: &'static str,
    },
    /// The sink needs a file.
    #[error("the display {sink} needs a file")]
    NoFile {
        /// The sink's name.
        sink: &'static str,
    },
    /// ffmpeg cannot be started, or does not write the video.
    #[error("cannot write {}: ffmpeg: {reason}", path.display())]
    Ffmpeg {
        /// The video.
        path: PathBuf,
        /// Its message or the system's error.
        reason: String,
    },
    /// The sink takes no argument.
    #[error("the display {sink} takes no argument, found {argument:?}")]
    NoArgument {
        /// The sink's name.
        sink: &'static str,
        /// What followed the colon.
        argument: String,
    },
    /// The sink's argument is invalid.
    #[error("the display {sink} cannot use {argument:?}")]
    BadArgument {
        /// The sink's name.
        sink: &'static str,
        /// What followed the colon.
        argument: String,
        /// How it is written, as a part of a sentence.
        next: &'static str,
    },
    /// A panel cannot be opened, or does not answer.
    #[error("{what}: {reason}")]
    Panel {
        /// The operation, with the bus.
        what: String,
        /// The system's error.
        reason: String,
        /// What to do about it, as a part of a sentence.
        next: String,
    },
    /// The file exists.
    #[error(transparent)]
    Exists(ExistsError),
    /// The output is the file that the camera reads.
    #[error("{} is the input", path.display())]
    Input {
        /// The output.
        path: PathBuf,
    },
    /// A folder or a file could not be created or written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write to standard output: {source}")]
    Output {
        /// Why.
        source: io::Error,
    },
    /// Standard output's reader has gone, as in `emocue-badge … | head`: end quietly.
    #[error("standard output was closed by its reader")]
    Closed,
    /// The picture could not be encoded as PNG.
    #[error("cannot make a PNG of {width}x{height} px for {}: {reason}", path.display())]
    Encode {
        /// The file it was for.
        path: PathBuf,
        /// Width, px.
        width: u32,
        /// Height, px.
        height: u32,
        /// The encoder's message.
        reason: String,
    },
}

impl ShowError {
    /// Whether the output's reader has closed it, so that a run ends without an error message.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// A failed write to `path`.
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source }
    }

    /// A failed write to `path`, or to standard output without one.
    pub(crate) fn stream(path: Option<&Path>, source: io::Error) -> Self {
        match path {
            _ if source.kind() == io::ErrorKind::BrokenPipe => Self::Closed,
            Some(path) => Self::write(path, source),
            None => Self::Output { source },
        }
    }
}

impl Failure for ShowError {
    fn help(&self) -> Option<String> {
        match self {
            Self::UnknownSink { .. } => Some(format!("Use one of: {}.", usages())),
            Self::NoFolder { sink } => Some(format!("Name it: {sink}:DIR.")),
            Self::NoFile { sink } => Some(format!("Name it: {sink}:FILE.")),
            Self::Ffmpeg { .. } => Some(
                "Choose another ending, such as .mp4, or write FILE.y4m without ffmpeg.".into(),
            ),
            Self::NoArgument { argument, .. } => Some(format!("Leave out {argument:?}.")),
            Self::BadArgument { next, .. } => Some(sentence(next)),
            Self::Panel { next, .. } => Some(sentence(next)),
            Self::Write { source, .. } | Self::Output { source } => Some(sentence(advice(source))),
            Self::Exists(error) => error.help(),
            Self::Input { .. } => Some("Choose another file for the output.".into()),
            Self::Closed | Self::Encode { .. } => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownSink { .. }
            | Self::NoFolder { .. }
            | Self::NoFile { .. }
            | Self::NoArgument { .. }
            | Self::BadArgument { .. }
            | Self::Input { .. } => exit::USAGE,
            Self::Panel { .. }
            | Self::Exists(_)
            | Self::Ffmpeg { .. }
            | Self::Write { .. }
            | Self::Output { .. }
            | Self::Closed
            | Self::Encode { .. } => exit::OUTPUT,
        }
    }
}

fn usages() -> String {
    SINKS.iter().map(|sink| sink.usage).collect::<Vec<_>>().join(", ")
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space or name a folder on another disk"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "name a folder that you may write to"
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "a file is in the way, name another folder"
        }
        io::ErrorKind::IsADirectory => "a folder has that name, name another file",
        io::ErrorKind::NotFound => "its folder does not exist, make it first",
        _ => "check the disk and the path",
    }
}
