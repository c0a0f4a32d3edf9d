//! The interface to a badge's root file system, and the files that are written to it.

use std::path::PathBuf;

use emocue_models::bundle::Sha256;
use emocue_models::failure::{Failure, exit};

use crate::component::Component;
use crate::console::FlashProgress;
use crate::elf::Machine;
use crate::file::FileError;
use crate::table::BadgeFile;

/// The existing file at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Nothing,
    /// A file.
    File {
        /// SHA-256 of its content.
        sha256: Sha256,
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link, with its target.
    Link(String),
    /// A folder or a device, which is never replaced.
    Other,
}

/// A file or link to write, and its present state.
#[derive(Debug)]
pub struct PlannedFile<'a> {
    /// Its path and mode.
    pub place: &'static BadgeFile,
    /// Its new content.
    pub content: FileContent<'a>,
    /// Its present state.
    pub status: FileStatus,
}

/// The content of a file to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileContent<'a> {
    /// A file.
    File(&'a [u8]),
    /// A symbolic link.
    Link(&'static str),
}

/// The present state of a file, compared with its new content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// It has the same content: nothing is written.
    Same,
    /// It has other content, which is overwritten.
    Differs,
    /// Nothing.
    New,
    /// It is not written as a file, but handed to the badge, which handles it in this way.
    HandedOver(&'static str),
}

/// A root file system: of a mounted card, in an image, or of a badge over SSH.
pub trait RootFs {
    /// Its error.
    type Error: From<RootError>;

    /// Its kind and location, for users.
    fn title(&self) -> String;

    /// The machine of its programs, according to the header of its shell.
    ///
    /// # Errors
    /// [`RootError::UnknownMachine`] when that cannot be determined.
    fn machine(&mut self) -> Result<Machine, Self::Error>;

    /// The existing file at `path`.
    ///
    /// # Errors
    /// When that cannot be determined.
    fn existing(&mut self, path: &str) -> Result<Existing, Self::Error>;

    /// How a component that is not written as a file is handled, in words; `None` for an ordinary file.
    fn handed_over(&self, _component: Component) -> Option<&'static str> {
        None
    }

    /// Checks that `files` can be written, as far as that is possible before anything is changed.
    ///
    /// # Errors
    /// The reason why they cannot be written.
    fn check(&mut self, _files: &[&PlannedFile<'_>]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Writes `files`, or leaves everything unchanged.
    ///
    /// # Errors
    /// [`RootError::Interrupted`] when `progress` requests a stop, and any other error.
    fn install(
        &mut self,
        files: &[&PlannedFile<'_>],
        progress: &mut dyn FlashProgress,
    ) -> Result<(), Self::Error>;

    /// Runs the badge's self-test if the badge can be reached; returns what is left to do, in words.
    ///
    /// # Errors
    /// The failure of the self-test.
    fn self_test(
        &mut self,
        progress: &mut dyn FlashProgress,
    ) -> Result<Option<String>, Self::Error>;
}

/// The errors that are common to all root file systems.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder or an image that is not the root of a badge.
    #[error("{} {reason}", path.display())]
    NotRoot {
        /// Path of the folder or image.
        path: PathBuf,
        /// The reason.
        reason: String,
        /// Help: which folder might be the right one.
        help: &'static str,
    },
    /// The machine of its programs cannot be determined.
    #[error("cannot determine what programs {place} runs: {reason}")]
    UnknownMachine {
        /// The target.
        place: String,
        /// The reason.
        reason: String,
    },
    /// Symbolic links form a cycle.
    #[error("{0} leads through too many symbolic links")]
    Links(String),
    /// The bytes read back differ from those written.
    #[error("{0} reads back differently from what was written, so it was not put into place")]
    ReadBack(String),
    /// Ctrl-C.
    #[error("stopped; what was on the badge is still there")]
    Interrupted,
}

impl Failure for RootError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::File(error) => return error.help(),
            Self::NotRoot { help, .. } => help,
            Self::UnknownMachine { .. } => "Check that it is the root of a Linux system.",
            Self::Links(_) => "Fix the links there.",
            Self::ReadBack(_) => "The card or the disk may be failing: try another one.",
            Self::Interrupted => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::File(error) => error.exit_code(),
            Self::NotRoot { .. } | Self::UnknownMachine { .. } | Self::Links(_) => exit::INPUT,
            Self::ReadBack(_) => exit::OUTPUT,
            Self::Interrupted => exit::INTERRUPTED,
        }
    }
}
