//! Putting program, bundle and configuration onto a badge: over SSH, onto a mounted card, into a disk image, or
//! through the cable.
//!
//! [`table`] says what goes where. A [`Root`] is a root file system that these files go to; a cable has none, so
//! [`serial`] hands bundle and configuration to the badge itself. Wherever files go, all of them are written beside
//! their places, read back and compared before the first one is renamed into place, so that a failure or Ctrl-C leaves
//! what was there.

pub mod bundle;
pub mod elf;
pub mod error;
mod follow;
pub mod image;
pub mod key;
pub mod monitor;
pub mod mount;
pub mod parts;
pub mod plan;
pub mod serial;
pub mod shell;
pub mod sign;
pub mod ssh;
pub mod table;
pub mod target;
pub mod watch;

use emocue_models::bundle::Sha256;

pub use error::FlashError;
pub use parts::{Part, Parts};
pub use plan::{Item, Plan};
pub use target::Target;
pub use watch::Watch;

/// What is at a path already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
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

/// A root file system that a badge starts from.
pub trait Root {
    /// What and where it is, for people.
    fn title(&self) -> String;

    /// What its programs are made for, told by its shell.
    ///
    /// # Errors
    /// [`FlashError`] when that cannot be found out.
    fn machine(&mut self) -> Result<elf::Machine, FlashError>;

    /// What is at `path` now.
    ///
    /// # Errors
    /// [`FlashError`] when that cannot be found out.
    fn look(&mut self, path: &str) -> Result<Found, FlashError>;

    /// What becomes of a part here that is no file at its place, in words; `None` for an ordinary file.
    fn handed_over(&self, _part: Part) -> Option<&'static str> {
        None
    }

    /// Writes `items`, or leaves everything as it was.
    ///
    /// # Errors
    /// [`FlashError`], [`FlashError::Interrupted`] among them.
    fn install(&mut self, items: &[&Item<'_>], watch: &mut dyn Watch) -> Result<(), FlashError>;

    /// Lets the badge test itself where it can be reached; returns what is left to be done, in words.
    ///
    /// # Errors
    /// [`FlashError::SelfTest`] with what the badge found.
    fn self_test(&mut self, watch: &mut dyn Watch) -> Result<Option<String>, FlashError>;
}
