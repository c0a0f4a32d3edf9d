//! Where in an image a badge's root lies.

use std::fmt;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use indicatif::DecimalBytes;

use super::error::ImageError;
use super::superblock::Superblock;
use crate::file::reading;

/// Bytes of a sector, where a table does not tell: MBRs know no other.
const SECTOR: u32 = 512;

/// A part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Its number in the table; `None` for the whole file.
    pub(super) number: Option<u32>,
    /// Where it begins.
    pub(super) offset: u64,
    /// Its size.
    bytes: u64,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "partition {number} ({})", DecimalBytes(self.bytes)),
            None => f.write_str("a file system without partitions"),
        }
    }
}

/// Finds the root: partition `number`, or else the largest one with ext4.
pub(super) fn find(
    path: &Path,
    file: &mut File,
    number: Option<u32>,
) -> Result<Partition, ImageError> {
    let length = file.seek(SeekFrom::End(0)).map_err(reading(path))?;
    let whole = Partition { number: None, offset: 0, bytes: length };
    let table = table(file);
    let mut known = Vec::new();
    for partition in table.iter().copied().chain([whole]) {
        if let Some(block) = Superblock::read(file, partition.offset).map_err(reading(path))? {
            known.push((partition, block));
        }
    }
    if known.is_empty() {
        let found: Vec<String> = table.iter().map(Partition::to_string).collect();
        let found =
            if found.is_empty() { String::new() } else { format!(": {}", found.join(", ")) };
        return Err(ImageError::NoExt4 { path: path.to_owned(), found });
    }
    let chosen = match number {
        Some(_) => known.iter().find(|(partition, _)| partition.number == number),
        None => {
            known.iter().max_by_key(|(partition, _)| (partition.number.is_some(), partition.bytes))
        }
    };
    let Some((partition, block)) = chosen.copied() else {
        let names: Vec<String> = known.iter().map(|(partition, _)| partition.to_string()).collect();
        return Err(ImageError::NoPartition {
            path: path.to_owned(),
            number: number.unwrap_or(0),
            known: names.join(", "),
        });
    };
    let end = partition.offset.saturating_add(block.bytes);
    if end > length {
        return Err(ImageError::Cut { path: path.to_owned(), missing: end - length });
    }
    if let Some(reason) = block.unclean {
        let (path, reason) = (path.to_owned(), reason.to_owned());
        return Err(ImageError::Unclean { path, offset: partition.offset, reason });
    }
    Ok(partition)
}

/// The partitions of a GPT, or else of an MBR; none where there is no table.
fn table(file: &mut File) -> Vec<Partition> {
    if let Ok(gpt) = gptman::GPT::find_from(file) {
        let sector = gpt.sector_size;
        let used = gpt.iter().filter(|(_, entry)| entry.is_used());
        let partition = |(number, entry): (u32, &gptman::GPTPartitionEntry)| {
            let bytes = entry.size().ok()?.checked_mul(sector)?;
            let offset = entry.starting_lba.checked_mul(sector)?;
            Some(Partition { number: Some(number), offset, bytes })
        };
        return used.filter_map(partition).collect();
    }
    let Ok(mbr) = mbrman::MBR::read_from(file, SECTOR) else { return Vec::new() };
    let used = mbr.iter().filter(|(_, entry)| entry.is_used() && !entry.is_extended());
    let partition = |(number, entry): (usize, &mbrman::MBRPartitionEntry)| Partition {
        number: u32::try_from(number).ok(),
        offset: u64::from(entry.starting_lba) * u64::from(SECTOR),
        bytes: u64::from(entry.sectors) * u64::from(SECTOR),
    };
    used.map(partition).collect()
}
