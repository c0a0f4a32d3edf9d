//! Why an image was not changed.

use std::io;
use std::path::PathBuf;

use emocue_models::failure::{Failure, exit};
use indicatif::DecimalBytes;

use crate::file::FileError;
use crate::root::RootError;

/// An image cannot be read or changed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// What can go wrong on every root file system.
    #[error(transparent)]
    Root(#[from] RootError),
    /// No part of it is ext4.
    #[error("{} has no ext4 file system{found}", path.display())]
    NoExt4 {
        /// Which image.
        path: PathBuf,
        /// What there is instead, after a colon; may be empty.
        found: String,
    },
    /// The partition that was named does not exist or is not ext4.
    #[error("{} has no partition {number} with ext4; those with ext4 are: {known}", path.display())]
    NoPartition {
        /// Which image.
        path: PathBuf,
        /// What was asked for.
        number: u32,
        /// What there is.
        known: String,
    },
    /// No partition looks like a root.
    #[error("{} has no partition that looks like the root of a Linux system: {found}", path.display())]
    NoRoot {
        /// Which image.
        path: PathBuf,
        /// Its partitions with ext4, each with what is missing.
        found: String,
    },
    /// More than one partition looks like a root.
    #[error("{} has several partitions that look like the root of a Linux system: {found}", path.display())]
    SeveralRoots {
        /// Which image.
        path: PathBuf,
        /// Which partitions.
        found: String,
    },
    /// Its file system has a feature with which it cannot be changed.
    #[error("{}: its file system has the feature {feature}, which debugfs cannot write", path.display())]
    Unsupported {
        /// Which image.
        path: PathBuf,
        /// The feature, as `mkfs.ext4 -O` calls it.
        feature: &'static str,
    },
    /// The files do not fit.
    #[error("{} has no room: {} are needed, and {} are free", path.display(), DecimalBytes(*needed), DecimalBytes(*free))]
    NoRoom {
        /// Which image.
        path: PathBuf,
        /// Bytes that are written.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The file system cannot hold more files.
    #[error("{} has no room for {needed} more files and folders: {free} inodes are free", path.display())]
    NoInodes {
        /// Which image.
        path: PathBuf,
        /// Files and folders that are made.
        needed: u64,
        /// How many may be made.
        free: u64,
    },
    /// What was read back is not what was written.
    #[error("debugfs wrote {0} differently from what it was given")]
    ReadBack(String),
    /// The file ends before the file system does.
    #[error("{} is cut short: its file system ends {missing} bytes behind the file's end", path.display())]
    Cut {
        /// Which image.
        path: PathBuf,
        /// What is missing.
        missing: u64,
    },
    /// It is a loop device's file.
    #[error("{} is attached as {device}, so something else may be writing to it", path.display())]
    Attached {
        /// Which image.
        path: PathBuf,
        /// The device.
        device: String,
    },
    /// Its file system was not unmounted, or is damaged.
    #[error("{}: its file system is mounted somewhere, was not unmounted, or is damaged: {reason}", path.display())]
    Unclean {
        /// Which image.
        path: PathBuf,
        /// Where the file system begins.
        offset: u64,
        /// What was seen.
        reason: String,
    },
    /// A program of e2fsprogs is missing or cannot run.
    #[error("failed to run {tool}: {source}")]
    Tool {
        /// Which program.
        tool: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// `debugfs` fails.
    #[error("debugfs failed to do {command:?}: {output}")]
    Debugfs {
        /// What it was asked for.
        command: String,
        /// What it printed.
        output: String,
    },
    /// `e2fsck` finds something to fix.
    #[error("the file system would need fixing:\n{0}")]
    Damaged(String),
    /// A name in the image that cannot be passed to `debugfs`.
    #[error("{0:?} in the image is a name that cannot be passed to debugfs")]
    Name(String),
    /// A working file of this computer.
    #[error("cannot use the folder for temporary files: {0}")]
    Scratch(io::Error),
}

impl From<FileError> for ImageError {
    fn from(error: FileError) -> Self {
        Self::Root(error.into())
    }
}

impl Failure for ImageError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Root(error) => return error.help(),
            Self::NoExt4 { .. } => {
                "A badge's image is a whole card (.img, unpacked: `unxz`, `gunzip`) or its root partition."
            }
            Self::Cut { .. } => "Copy or unpack it again.",
            Self::Attached { device, .. } => {
                return Some(format!("Unmount it, then detach it: `sudo losetup -d {device}`."));
            }
            Self::Unclean { path, offset, .. } => {
                return Some(format!(
                    "Unmount it, or shut the badge down properly; else fix it: `e2fsck -f '{}?offset={offset}'`.",
                    path.display()
                ));
            }
            Self::Tool { .. } => {
                "It is part of e2fsprogs: `sudo apt install e2fsprogs`, or `brew install e2fsprogs`."
            }
            Self::Debugfs { .. } => {
                "If it names unsupported features, a newer e2fsprogs may support them."
            }
            Self::NoRoot { .. } | Self::SeveralRoots { .. } => "Name it with --partition N.",
            Self::Unsupported { feature, .. } => {
                return Some(format!(
                    "Mount the image and flash the folder, or make its file system without {feature} (`mkfs.ext4 -O ^{feature}`)."
                ));
            }
            Self::NoRoom { path, needed, .. } => {
                let megabytes = needed.div_ceil(1 << 20) + 16;
                return Some(format!(
                    "Enlarge the image (`truncate -s +{megabytes}M '{}'`), then its root partition where it has partitions (`parted`), then the file system (`resize2fs`).",
                    path.display()
                ));
            }
            Self::NoInodes { .. } => {
                "Make the file system anew with more inodes (`mkfs.ext4 -N`), or remove files that the badge does not need."
            }
            Self::ReadBack(_) => {
                "Its file system may have a feature that debugfs cannot write (`dumpe2fs -h` lists them); a newer e2fsprogs may support it."
            }
            Self::NoPartition { .. } | Self::Damaged(_) | Self::Name(_) | Self::Scratch(_) => {
                return None;
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Root(error) => error.exit_code(),
            Self::NoPartition { .. } | Self::SeveralRoots { .. } => exit::USAGE,
            Self::NoExt4 { .. }
            | Self::NoRoot { .. }
            | Self::Unsupported { .. }
            | Self::Cut { .. }
            | Self::Attached { .. }
            | Self::Unclean { .. }
            | Self::Name(_) => exit::INPUT,
            Self::Debugfs { .. }
            | Self::Damaged(_)
            | Self::Scratch(_)
            | Self::NoRoom { .. }
            | Self::NoInodes { .. }
            | Self::ReadBack(_) => exit::OUTPUT,
            Self::Tool { .. } => exit::FAILED,
        }
    }
}
