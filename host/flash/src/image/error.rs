//! Errors of changing an image.

use std::io;
use std::path::PathBuf;

use emocue_models::failure::{Failure, exit};
use indicatif::DecimalBytes;

use crate::file::FileError;
use crate::root::RootError;

/// An image cannot be read or changed. It is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// An error that is common to all root file systems.
    #[error(transparent)]
    Root(#[from] RootError),
    /// It has no ext4 file system.
    #[error("{} has no ext4 file system{found}", path.display())]
    NoExt4 {
        /// Path of the image.
        path: PathBuf,
        /// The file systems found instead, after a colon; may be empty.
        found: String,
    },
    /// The partition that was named does not exist or is not ext4.
    #[error("{} has no partition {number} with ext4; those with ext4 are: {known}", path.display())]
    NoPartition {
        /// Path of the image.
        path: PathBuf,
        /// The requested partition.
        number: u32,
        /// The partitions with ext4.
        known: String,
    },
    /// No partition looks like a root.
    #[error("{} has no partition that looks like the root of a Linux system: {found}", path.display())]
    NoRoot {
        /// Path of the image.
        path: PathBuf,
        /// Its partitions with ext4, each with what is missing.
        found: String,
    },
    /// More than one partition looks like a root.
    #[error("{} has several partitions that look like the root of a Linux system: {found}", path.display())]
    SeveralRoots {
        /// Path of the image.
        path: PathBuf,
        /// These partitions.
        found: String,
    },
    /// Its file system has a feature with which it cannot be changed.
    #[error("{}: its file system has the feature {feature}, which debugfs cannot write", path.display())]
    Unsupported {
        /// Path of the image.
        path: PathBuf,
        /// Name of the feature, as in `mkfs.ext4 -O`.
        feature: &'static str,
    },
    /// The files do not fit.
    #[error("{} has no room: {} are needed, and {} are free", path.display(), DecimalBytes(*needed), DecimalBytes(*free))]
    NoRoom {
        /// Path of the image.
        path: PathBuf,
        /// Bytes that are written.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The file system cannot hold more files.
    #[error("{} has no room for {needed} more files and folders: {free} inodes are free", path.display())]
    NoInodes {
        /// Path of the image.
        path: PathBuf,
        /// Files and folders that are created.
        needed: u64,
        /// Free inodes.
        free: u64,
    },
    /// The bytes read back differ from those written.
    #[error("debugfs wrote {0} differently from what it was given")]
    ReadBack(String),
    /// The file ends before the file system does.
    #[error("{} is cut short: its file system ends {missing} bytes behind the file's end", path.display())]
    Cut {
        /// Path of the image.
        path: PathBuf,
        /// Missing bytes.
        missing: u64,
    },
    /// It is attached to a loop device.
    #[error("{} is attached as {device}, so something else may be writing to it", path.display())]
    Attached {
        /// Path of the image.
        path: PathBuf,
        /// The device.
        device: String,
    },
    /// Its file system was not unmounted, or is damaged.
    #[error("{}: its file system is mounted somewhere, was not unmounted, or is damaged: {reason}", path.display())]
    Unclean {
        /// Path of the image.
        path: PathBuf,
        /// Offset of the file system, bytes.
        offset: u64,
        /// The evidence.
        reason: String,
    },
    /// A program of e2fsprogs is missing or cannot run.
    #[error("failed to run {tool}: {source}")]
    Tool {
        /// Name of the program.
        tool: &'static str,
        /// The operating system's error.
        source: io::Error,
    },
    /// `debugfs` failed.
    #[error("debugfs failed to do {command:?}: {output}")]
    Debugfs {
        /// The command.
        command: String,
        /// Its output.
        output: String,
    },
    /// `e2fsck` found errors.
    #[error("the file system would need fixing:\n{0}")]
    Damaged(String),
    /// A name in the image that cannot be passed to `debugfs`.
    #[error("{0:?} in the image is a name that cannot be passed to debugfs")]
    Name(String),
    /// A temporary file or folder on this computer cannot be used.
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
