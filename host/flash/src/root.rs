//! A root file system that a badge starts from, and what is written to it.

use std::path::PathBuf;

use emocue_models::bundle::Sha256;
use emocue_models::failure::{Failure, exit};

use crate::component::Component;
use crate::console::FlashProgress;
use crate::elf::Machine;
use crate::file::FileError;
use crate::table::BadgeFile;

/// What is at a path already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing.
    Nothing,
    /// A file.
    File {
        /// Of its content.
        sha256: Sha256,
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link, and where it leads.
    Link(String),
    /// A folder or a device, which is never replaced.
    Other,
}

/// One file or link to be written, and what is there now.
#[derive(Debug)]
pub struct PlannedFile<'a> {
    /// Where it goes.
    pub place: &'static BadgeFile,
    /// What is written.
    pub content: FileContent<'a>,
    /// What is there.
    pub status: FileStatus,
}

/// What is written to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileContent<'a> {
    /// A file.
    File(&'a [u8]),
    /// A symbolic link.
    Link(&'static str),
}

/// What is at a place, compared with what will be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// The same: nothing is written.
    Same,
    /// Something else, which is overwritten.
    Differs,
    /// Nothing.
    New,
    /// It is not a file there, but handed to the badge, which does this with it.
    HandedOver(&'static str),
}

/// A root file system: of a mounted card, in an image, or of a badge over SSH.
pub trait RootFs {
    /// What can go wrong there.
    type Error: From<RootError>;

    /// What and where it is, for people.
    fn title(&self) -> String;

    /// What its programs are made for, by the header of its shell.
    ///
    /// # Errors
    /// [`RootError::UnknownMachine`] when that cannot be found out.
    fn machine(&mut self) -> Result<Machine, Self::Error>;

    /// What is at `path` now.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn existing(&mut self, path: &str) -> Result<Existing, Self::Error>;

    /// What happens to a component that is not a file at its place here, in words; `None` for an ordinary file.
    fn handed_over(&self, _component: Component) -> Option<&'static str> {
        None
    }

    /// Whether `files` can be written there, as far as that is known before anything is changed.
    ///
    /// # Errors
    /// Why they cannot.
    fn check(&mut self, _files: &[&PlannedFile<'_>]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Writes `files`, or leaves everything as it was.
    ///
    /// # Errors
    /// [`RootError::Interrupted`] when `progress` says stop, and whatever goes wrong.
    fn install(
        &mut self,
        files: &[&PlannedFile<'_>],
        progress: &mut dyn FlashProgress,
    ) -> Result<(), Self::Error>;

    /// Lets the badge test itself where it can be reached; returns what is left to do, in words.
    ///
    /// # Errors
    /// What the badge found.
    fn self_test(
        &mut self,
        progress: &mut dyn FlashProgress,
    ) -> Result<Option<String>, Self::Error>;
}

/// What can go wrong on every root file system.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder or an image that is not the root of a badge.
    #[error("{} {reason}", path.display())]
    NotRoot {
        /// Which folder or image.
        path: PathBuf,
        /// Why not.
        reason: String,
        /// Which folder it might be.
        help: &'static str,
    },
    /// It is unknown what programs run there.
    #[error("cannot determine what programs {place} runs: {reason}")]
    UnknownMachine {
        /// Where.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Symbolic links lead in a circle.
    #[error("{0} leads through too many symbolic links")]
    Links(String),
    /// What was read back is not what was written.
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
