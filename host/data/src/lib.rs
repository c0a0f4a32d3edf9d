//! Readers for published datasets, one file each, and operations on datasets.
//!
//! A reader refuses invalid data, naming the file and the row; nothing is repaired silently. Pictures that a layout
//! itself marks as unusable are skipped and counted.

#![warn(clippy::disallowed_macros)]

pub mod affectnet;
pub mod ck_plus;
pub mod dataset;
pub mod degrade;
mod error;
pub mod evidence;
pub mod faces;
pub mod fer2013;
pub mod ferplus;
pub mod ferplus_folders;
#[cfg(any(test, feature = "test-util"))]
pub mod fixture;
pub mod folder;
pub mod folds;
mod items;
pub mod jaffe;
pub mod landmarks;
pub mod layout;
pub mod map;
pub mod model;
mod npy;
pub mod npz;
pub mod picture;
pub mod predict;
pub mod prepare;
pub mod raf_db;
pub mod random;
pub mod resize;
pub mod sheet;
pub mod summary;
mod table;
pub mod votes;
pub mod yolo;

use std::path::{Path, PathBuf};

pub use error::DataError;
use serde::Serialize;
use walkdir::{DirEntry, WalkDir};

/// Width and height of a network's input and of a FER2013 row, px.
pub const SIDE: usize = 48;
/// Pixels in one row.
pub const PIXELS: usize = SIDE * SIDE;

/// The split of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Split {
    /// For training.
    Training,
    /// For validation during training.
    PublicTest,
    /// For the published figures (test).
    PrivateTest,
}

impl Split {
    /// All splits, in this order.
    pub const ALL: [Self; 3] = [Self::Training, Self::PublicTest, Self::PrivateTest];

    /// FER2013's own spelling: `"Training"`, `"PublicTest"`, `"PrivateTest"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::PublicTest => "PublicTest",
            Self::PrivateTest => "PrivateTest",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|split| split.name() == name)
    }
}

/// The entries of a folder by name; links are followed, hidden entries left out.
fn entries(folder: &Path) -> impl Iterator<Item = Result<DirEntry, DataError>> {
    walk(WalkDir::new(folder).max_depth(1), folder)
}

/// All entries below a folder by name; links are followed, hidden entries left out.
fn below(folder: &Path) -> impl Iterator<Item = Result<DirEntry, DataError>> {
    walk(WalkDir::new(folder), folder)
}

fn walk(walk: WalkDir, folder: &Path) -> impl Iterator<Item = Result<DirEntry, DataError>> {
    let folder = folder.to_owned();
    let shown = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        // `__MACOSX` is what macOS adds to the archives it packs.
        entry.depth() == 0 || !(name.starts_with('.') || name == "__MACOSX")
    };
    let entries = walk.min_depth(1).follow_links(true).sort_by_file_name().into_iter();
    entries.filter_entry(shown).map(move |entry| {
        entry.map_err(|error| DataError::Io {
            path: error.path().unwrap_or(&folder).to_owned(),
            source: error.into(),
        })
    })
}

/// The folders and the files directly in a folder, by name, without pipes, devices and sockets, which could keep a
/// reader waiting.
fn children(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in entries(folder) {
        let entry = entry?;
        let kind = entry.file_type();
        if kind.is_dir() {
            folders.push(entry.into_path());
        } else if kind.is_file() {
            files.push(entry.into_path());
        }
    }
    Ok((folders, files))
}

/// Number of threads for work on many pictures, `1..=8`.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8))
}

/// The last component of a path as text.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The path relative to `root`, for [`dataset::Row::origin`].
fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}
