//! Errors of files on this computer or on a mounted card.

use std::io;
use std::path::{Path, PathBuf};

use emocue_models::failure::{Failure, exit};

/// A file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("failed to read {}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

impl Failure for FileError {
    fn help(&self) -> Option<String> {
        let (Self::Read { source, .. } | Self::Write { source, .. }) = self;
        let help = match source.kind() {
            io::ErrorKind::PermissionDenied => {
                "It belongs to another user, as a card's root does: try the same command with sudo."
            }
            io::ErrorKind::StorageFull => {
                "There is no room left: remove what you do not need there."
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                "It is mounted for reading only: the card's lock may be set, or its file system may need fsck."
            }
            _ => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Read { .. } => exit::INPUT,
            Self::Write { .. } => exit::OUTPUT,
        }
    }
}

/// Makes an error of reading `path`.
pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Read { path: path.to_owned(), source }
}

/// Makes an error of writing `path`.
pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |source| FileError::Write { path: path.to_owned(), source }
}
