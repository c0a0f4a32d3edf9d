//! Errors of journals' files.

use std::io;
use std::path::PathBuf;

use emocue_models::failure::{Failure, exit};

use crate::key::RandomError;
use crate::{HEADER, MAX_FILE, MAX_FILES, MAX_RECORDS};

/// An interval cannot be sealed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum SealError {
    /// The system gives no random numbers.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The library refuses the key: it refuses only public keys of low order.
    #[error("the interval cannot be sealed: {0}")]
    Hpke(hpke::HpkeError),
}

/// Bytes that cannot be read as a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are something else.
    #[error("this is not a journal of a badge")]
    NotJournal,
    /// The power failed before the header was on the disk; no record was either.
    #[error("nothing is in it: the power failed while it was begun")]
    NotBegun,
    /// The header is damaged.
    #[error("its first {HEADER} bytes are damaged, and without them no record opens")]
    Header,
    /// A later program wrote it; the version of its format.
    #[error("a later program wrote it: its format is {0}, and this program reads 1")]
    Later(u8),
    /// More bytes than a badge writes.
    #[error("{0} bytes are more than the {MAX_FILE} that a journal has at most")]
    TooLong(u64),
    /// It is sealed to another key; the first digits of both public keys.
    #[error("it is sealed to the key {sealed_to}…, and this key is {given}…")]
    OtherKey {
        /// The file's.
        sealed_to: String,
        /// That of the secret key.
        given: String,
    },
}

impl Failure for ReadError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NotJournal | Self::TooLong(_) => {
                "Name files that `emocue journal pull` copied, or the folder that holds them."
            }
            Self::NotBegun => "Remove it where you like.",
            Self::Header => "Copy it from the badge again: `emocue journal pull`.",
            Self::Later(_) => "Update this program.",
            Self::OtherKey { sealed_to, .. } => {
                return Some(format!(
                    "Name the file of the secret key whose public key begins with {sealed_to}: `emocue journal key FILE \
                     --public` prints a file's public key. Without that file nobody can open it."
                ));
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// A journal's file or folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder cannot be created or read.
    #[error("cannot use the folder of journals {}: {source}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The folder has the most files that are allowed; no file is removed for a new one.
    #[error("{} has {MAX_FILES} journals, as many as a badge keeps", .0.display())]
    Full(PathBuf),
    /// The file has the most records that are allowed.
    #[error("{} has {MAX_RECORDS} intervals, as many as a journal keeps", .0.display())]
    FileFull(PathBuf),
    /// A file cannot be created or written. Records that were appended before are still in it.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not a journal that can be opened.
    #[error("{}: {reason}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: ReadError,
    },
    /// An interval cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Failure for JournalError {
    fn help(&self) -> Option<String> {
        let source = match self {
            Self::Content { reason, .. } => return reason.help(),
            Self::Full(folder) => {
                return Some(format!(
                    "Copy them (`emocue journal pull`), then remove some: `emocue journal forget {}` on the badge's card.",
                    folder.display()
                ));
            }
            Self::FileFull(_) => return Some("Begin another journal.".to_owned()),
            Self::Seal(_) => return None,
            Self::Folder { source, .. }
            | Self::Write { source, .. }
            | Self::Read { source, .. } => source,
        };
        let help = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "Remove what you do not need from the card."
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                "The card is mounted for reading only: it may be worn out, or its lock may be set."
            }
            io::ErrorKind::PermissionDenied => {
                "It belongs to another user; with sudo it may be possible."
            }
            _ => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Folder { .. } | Self::Full(_) | Self::FileFull(_) => exit::FOLDER,
            Self::Write { .. } => exit::OUTPUT,
            Self::Read { .. } | Self::Content { .. } => exit::INPUT,
            Self::Seal(_) => exit::FAILED,
        }
    }
}
