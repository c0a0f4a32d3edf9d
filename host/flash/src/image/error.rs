//! Why an image was not changed.

use std::io;
use std::path::PathBuf;

/// An image cannot be read or changed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No part of it is ext4.
    #[error("{} has no ext4 file system{found}\n  A badge's image is a whole card (.img, unpacked: `unxz`, `gunzip`) or its root partition.", path.display())]
    NoExt4 {
        /// Which image.
        path: PathBuf,
        /// What there is instead, after a colon; may be empty.
        found: String,
    },
    /// The partition that was named is not there or is none with ext4.
    #[error("{} has no partition {number} with ext4; those with ext4 are: {known}", path.display())]
    NoPartition {
        /// Which image.
        path: PathBuf,
        /// What was asked for.
        number: u32,
        /// What there is.
        known: String,
    },
    /// The file ends before the file system does.
    #[error("{} is cut short: its file system ends {missing} bytes behind the file's end\n  Copy or unpack it again.", path.display())]
    Cut {
        /// Which image.
        path: PathBuf,
        /// What is missing.
        missing: u64,
    },
    /// It is a loop device's file.
    #[error("{} is attached as {device}, so something else may be writing to it\n  Unmount it, then detach it: `sudo losetup -d {device}`.", path.display())]
    Attached {
        /// Which image.
        path: PathBuf,
        /// The device.
        device: String,
    },
    /// Its file system was not unmounted, or is damaged.
    #[error("{}: its file system is mounted somewhere, was not unmounted, or is damaged: {reason}\n  Unmount it, or shut the badge down properly; else mend it: `e2fsck -f '{}?offset={offset}'`.", path.display(), path.display())]
    Unclean {
        /// Which image.
        path: PathBuf,
        /// Where the file system begins.
        offset: u64,
        /// What was seen.
        reason: String,
    },
    /// A program of e2fsprogs is missing or cannot run.
    #[error(
        "cannot run {tool}: {source}\n  It is part of e2fsprogs: `sudo apt install e2fsprogs`, or `brew install e2fsprogs`."
    )]
    Tool {
        /// Which program.
        tool: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// `debugfs` refuses.
    #[error(
        "debugfs cannot do {command:?}: {said}\n  Where it speaks of features, a newer e2fsprogs may know them."
    )]
    Refused {
        /// What it was asked for.
        command: String,
        /// What it says.
        said: String,
    },
    /// `e2fsck` finds something to mend.
    #[error("the file system would need mending:\n{0}")]
    Damaged(String),
    /// A name in the image that cannot be handed to `debugfs`.
    #[error("{0:?} in the image is a name that debugfs cannot be given")]
    Name(String),
    /// A working file of this computer.
    #[error("cannot use the folder for temporary files: {0}")]
    Scratch(io::Error),
}
