//! Putting program, bundle and configuration onto a badge: over SSH, onto a mounted card, into a disk image, or
//! through the cable. [`flash()`] does it: read and check all files, plan, confirm, write.
//!
//! | Module | What |
//! |---|---|
//! | [`mod@flash`] | the steps of a flash, from options to self-test |
//! | [`target`] | where a badge is reached |
//! | [`component`], [`bundle`], [`elf`] | what is flashed: files read and checked |
//! | [`acceptance`] | the badge's own check of a bundle |
//! | [`table`] | which file goes where on a badge |
//! | [`plan`] | what a flash is going to change |
//! | [`root`] | a root file system that files go to: [`mount`], [`image`] and [`ssh`] are three |
//! | [`system`] | what makes a file system the root of a Linux system |
//! | [`serial`] | a badge on a cable, which takes bundle and configuration itself |
//! | [`console`] | what is shown and asked |
//! | [`monitor`] | watching a badge |
//! | [`key`], [`sign`] | keys, and bundles signed with them |
//!
//! Wherever files go, all of them are written beside their places, read back and compared before the first one is
//! renamed into place, so that a failure or Ctrl-C leaves what was there.

#![warn(clippy::disallowed_macros)]

pub mod acceptance;
pub mod bundle;
pub mod component;
pub mod console;
pub mod elf;
pub mod error;
mod file;
pub mod flash;
mod follow;
pub mod image;
pub mod key;
pub mod monitor;
pub mod mount;
pub mod plan;
pub mod root;
pub mod serial;
pub mod shell;
pub mod sign;
pub mod ssh;
pub mod system;
pub mod table;
pub mod target;
mod text;
mod wearer;
pub mod words;

pub use component::Component;
pub use console::{FlashConsole, FlashProgress};
pub use error::FlashError;
pub use file::FileError;
pub use flash::{FlashOptions, flash, roll_back};
pub use plan::FlashPlan;
pub use root::RootFs;
pub use target::FlashTarget;
