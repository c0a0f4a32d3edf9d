//! Installs program, bundle and configuration on a badge: over SSH, on a mounted card, in a disk image, or over the
//! cable. [`flash()`] reads and checks all files, plans, asks for confirmation, and writes.
//!
//! | Module | What |
//! |---|---|
//! | [`mod@flash`] | the steps of a flash, from options to self-test |
//! | [`target`] | addresses of badges |
//! | [`component`], [`bundle`], [`elf`] | what is flashed: files read and checked |
//! | [`acceptance`] | the badge's own check of a bundle |
//! | [`table`] | paths and modes of the files on a badge |
//! | [`plan`] | the changes of a flash |
//! | [`root`] | the interface to a root file system: [`mount`], [`image`] and [`ssh`] implement it |
//! | [`system`] | recognises the root of a Linux system |
//! | [`serial`] | a badge on a cable, which receives and installs bundle and configuration itself |
//! | [`console`] | progress and questions |
//! | [`monitor`] | watching a badge |
//! | [`key`], [`sign`] | keys, and bundles signed with them |
//!
//! On every target all files are written beside their final paths, read back and compared before the first one is
//! renamed into place, so that a failure or Ctrl-C leaves the old files.

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
