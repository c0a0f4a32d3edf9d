//! Checks that files fit into an image.

use std::collections::BTreeSet;
use std::fs::File;

use super::Image;
use super::error::ImageError;
use super::path::{followed, real};
use super::superblock::Superblock;
use crate::file::reading;
use crate::root::{FileContent, FileStatus, PlannedFile};
use crate::table::{folders, old};

/// Blocks that a file system may need for its metadata.
pub(super) const ITS_OWN: u64 = 64;

impl Image {
    /// Refuses files that do not fit, if `more` blocks are needed besides.
    pub(super) fn room(&self, files: &[&PlannedFile<'_>], more: u64) -> Result<(), ImageError> {
        let mut file = File::open(&self.path).map_err(reading(&self.path))?;
        let block = Superblock::read(&mut file, self.root.partition.offset);
        let Some(block) = block.map_err(reading(&self.path))? else { return Ok(()) };
        let blocks = |bytes: u64| bytes.div_ceil(block.block);
        let (mut needed, mut freed, mut inodes) = (0, 0, 0);
        let mut made = BTreeSet::new();
        for PlannedFile { place, content, status } in files {
            if let FileContent::File(bytes) = content {
                needed += blocks(bytes.len() as u64);
            }
            inodes += u64::from(*status == FileStatus::New);
            for folder in folders(place.path) {
                let there = self.tools.stat(&followed(&self.tools, folder)?)?;
                if there.is_none() && made.insert(folder) {
                    (needed, inodes) = (needed + 1, inodes + 1);
                }
            }
            let here = real(&self.tools, place.path)?;
            let replaced = if place.keep_old { old(&here) } else { here };
            freed += self.tools.stat(&replaced)?.map_or(0, |inode| blocks(inode.bytes));
        }
        if needed + more > block.free_blocks + freed {
            let (needed, free) = (needed * block.block, (block.free_blocks + freed) * block.block);
            return Err(ImageError::NoRoom { path: self.path.clone(), needed, free });
        }
        if inodes > block.free_inodes {
            let (path, free) = (self.path.clone(), block.free_inodes);
            return Err(ImageError::NoInodes { path, needed: inodes, free });
        }
        Ok(())
    }
}
