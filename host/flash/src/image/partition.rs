//! Finds the root partition in an image.

use std::fmt;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use indicatif::DecimalBytes;

use super::debugfs::{Kind, Tools};
use super::error::ImageError;
use super::path::{followed, real};
use super::superblock::Superblock;
use super::table;
use crate::file::reading;
use crate::root::RootError;
use crate::system;

/// A partition of an image, or the whole image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Its number in the table; `None` for the whole file.
    pub(super) number: Option<u32>,
    /// Its offset, bytes.
    pub(super) offset: u64,
    /// Its size, bytes.
    pub(super) bytes: u64,
}

/// The partition that files go to.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) partition: Partition,
    /// Why it does not look like a root, if the user named it nevertheless.
    pub(super) missing: Option<String>,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "partition {number} ({})", DecimalBytes(self.bytes)),
            None => f.write_str("a file system without partitions"),
        }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.partition.fmt(f)?;
        self.missing.as_ref().map_or(Ok(()), |missing| {
            write!(f, ", which does not look like the root of a Linux system: {missing}")
        })
    }
}

/// Finds the root: partition `number`, or else the only one with ext4 that looks like a root.
pub(super) fn find(
    path: &Path,
    file: &mut File,
    number: Option<u32>,
) -> Result<Chosen, ImageError> {
    let length = file.seek(SeekFrom::End(0)).map_err(reading(path))?;
    let table = table::read(file);
    let mut known = with_ext4(path, file, &table)?;
    if known.is_empty() {
        let whole = Partition { number: None, offset: 0, bytes: length };
        known = with_ext4(path, file, &[whole])?;
    }
    if known.is_empty() {
        let found = list(table.iter());
        let found = if found.is_empty() { found } else { format!(": {found}") };
        return Err(ImageError::NoExt4 { path: path.to_owned(), found });
    }
    if let Some(number) = number {
        let named = known.iter().find(|(partition, _)| partition.number == Some(number));
        let Some((partition, block)) = named else {
            let known = list(known.iter().map(|(partition, _)| partition));
            return Err(ImageError::NoPartition { path: path.to_owned(), number, known });
        };
        usable(path, *partition, block, length)?;
        return Ok(Chosen { partition: *partition, missing: missing(path, *partition)? });
    }
    let mut roots = Vec::new();
    let mut others = Vec::new();
    for (partition, block) in &known {
        // A truncated file system cannot be inspected. If it is the only one, that is the error.
        let looked = match known.len() {
            1 => usable(path, *partition, block, length),
            _ => whole(path, *partition, block, length),
        };
        match looked.and_then(|()| missing(path, *partition)) {
            Ok(None) => roots.push((partition, block)),
            Ok(Some(missing)) => others.push((partition, missing)),
            Err(error) if known.len() == 1 => return Err(error),
            Err(ImageError::Tool { tool, source }) => {
                return Err(ImageError::Tool { tool, source });
            }
            Err(error) => others.push((partition, error.to_string())),
        }
    }
    match (roots.as_slice(), others.as_slice()) {
        ([(partition, block)], _) => {
            usable(path, **partition, block, length)?;
            Ok(Chosen { partition: **partition, missing: None })
        }
        ([], [(Partition { number: None, .. }, missing)]) => Err(RootError::NotRoot {
            path: path.to_owned(),
            reason: format!("is not the root of a Linux system: {missing}"),
            help: "Name the image of a whole card, or of its root partition.",
        }
        .into()),
        ([], others) => {
            let others =
                others.iter().map(|(partition, missing)| format!("{partition}: {missing}"));
            let found = others.collect::<Vec<_>>().join("; ");
            Err(ImageError::NoRoot { path: path.to_owned(), found })
        }
        (roots, _) => {
            let found = list(roots.iter().map(|(partition, _)| *partition));
            Err(ImageError::SeveralRoots { path: path.to_owned(), found })
        }
    }
}

fn list<'a>(partitions: impl Iterator<Item = &'a Partition>) -> String {
    partitions.map(Partition::to_string).collect::<Vec<_>>().join(", ")
}

/// The partitions with an ext4 file system.
fn with_ext4(
    path: &Path,
    file: &mut File,
    partitions: &[Partition],
) -> Result<Vec<(Partition, Superblock)>, ImageError> {
    let mut known = Vec::new();
    for partition in partitions {
        if let Some(block) = Superblock::read(file, partition.offset).map_err(reading(path))? {
            known.push((*partition, block));
        }
    }
    Ok(known)
}

/// Refuses a file system that ends after the end of the file.
fn whole(
    path: &Path,
    partition: Partition,
    block: &Superblock,
    length: u64,
) -> Result<(), ImageError> {
    let end = partition.offset.saturating_add(block.bytes);
    match end > length {
        true => Err(ImageError::Cut { path: path.to_owned(), missing: end - length }),
        false => Ok(()),
    }
}

/// Refuses a file system that cannot be changed.
fn usable(
    path: &Path,
    partition: Partition,
    block: &Superblock,
    length: u64,
) -> Result<(), ImageError> {
    whole(path, partition, block, length)?;
    if let Some(reason) = block.unclean {
        let (path, reason) = (path.to_owned(), reason.to_owned());
        return Err(ImageError::Unclean { path, offset: partition.offset, reason });
    }
    match block.unsupported {
        Some(feature) => Err(ImageError::Unsupported { path: path.to_owned(), feature }),
        None => Ok(()),
    }
}

/// Why a partition does not look like a root.
fn missing(path: &Path, partition: Partition) -> Result<Option<String>, ImageError> {
    let tools = Tools::new(path, partition.offset)?;
    system::missing(
        |path| {
            let inode = tools.stat(&followed(&tools, path)?)?;
            Ok(inode.is_some_and(|inode| inode.kind == Kind::Folder))
        },
        |path| Ok(tools.stat(&real(&tools, path)?)?.is_some()),
    )
}
