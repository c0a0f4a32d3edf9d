//! A badge's card as a file: a disk image with a partition table, or an ext4 file system alone.
//!
//! `debugfs` of e2fsprogs writes it, which needs no root permissions and no mount. It works on a copy beside the image.
//! The copy replaces the image when all files were read back and `e2fsck` found no error, so that a failure never
//! leaves a partial change.

mod copy;
mod debugfs;
mod error;
mod gpt;
mod partition;
mod path;
mod room;
mod script;
mod superblock;
mod table;

use std::fs::File;
use std::path::{Path, PathBuf};

use emocue_models::bundle::Sha256;

pub use error::ImageError;

use self::debugfs::Tools;
use self::partition::Chosen;
use self::path::{existing, followed};
use crate::console::FlashProgress;
use crate::elf;
use crate::file::{reading, writing};
use crate::root::{Existing, FileContent, PlannedFile, RootError, RootFs};

/// An image with its root partition.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    root: Chosen,
    tools: Tools,
}

impl Image {
    /// Opens the root in the image `path`: partition `number`, or by default the only one with ext4 that looks like a
    /// root.
    ///
    /// # Errors
    /// [`ImageError`] when there is none, or when it is in use, damaged, or was not unmounted.
    pub fn open(path: &Path, number: Option<u32>) -> Result<Self, ImageError> {
        let path = path.canonicalize().map_err(reading(path))?;
        if let Some(device) = attached(&path) {
            return Err(ImageError::Attached { path, device });
        }
        let mut file = File::open(&path).map_err(reading(&path))?;
        let root = partition::find(&path, &mut file, number)?;
        let tools = Tools::new(&path, root.partition.offset)?;
        tools.check().map_err(|error| match error {
            ImageError::Damaged(reason) => {
                let offset = root.partition.offset;
                ImageError::Unclean { path: path.clone(), offset, reason }
            }
            other => other,
        })?;
        Ok(Self { path, root, tools })
    }
}

impl RootFs for Image {
    type Error = ImageError;

    fn title(&self) -> String {
        format!("{}, {}", self.path.display(), self.root)
    }

    fn machine(&mut self) -> Result<elf::Machine, ImageError> {
        let unknown = |reason: &str| RootError::UnknownMachine {
            place: self.title(),
            reason: reason.to_owned(),
        };
        let shell = followed(&self.tools, "/bin/sh")?;
        if self.tools.stat(&shell)?.is_none() {
            return Err(unknown("it has no /bin/sh").into());
        }
        elf::Machine::of(&self.tools.dump(&shell)?)
            .ok_or_else(|| unknown("its /bin/sh is not a program").into())
    }

    fn existing(&mut self, path: &str) -> Result<Existing, ImageError> {
        existing(&self.tools, path)
    }

    fn check(&mut self, files: &[&PlannedFile<'_>]) -> Result<(), ImageError> {
        self.room(files, 0)
    }

    fn install(
        &mut self,
        files: &[&PlannedFile<'_>],
        progress: &mut dyn FlashProgress,
    ) -> Result<(), ImageError> {
        let copy = copy::beside(&self.path, progress)?;
        let changed = || -> Result<(), ImageError> {
            let tools = Tools::new(copy.path(), self.root.partition.offset)?;
            let script = script::write(&tools, files)?;
            tools.change(&script)?;
            for file in files {
                let wanted = match file.content {
                    FileContent::Link(to) => Existing::Link(to.to_owned()),
                    FileContent::File(bytes) => {
                        Existing::File { sha256: Sha256::of(bytes), mode: file.place.mode }
                    }
                };
                if existing(&tools, file.place.path)? != wanted {
                    return Err(ImageError::ReadBack(file.place.path.to_owned()));
                }
            }
            tools.check()
        };
        let changed = changed();
        if progress.stop() {
            // Ctrl-C also reaches the tools, so that they fail.
            return Err(RootError::Interrupted.into());
        }
        if let Err(error) = changed {
            // If hardly any space is left, that is the cause, whatever message debugfs gave.
            self.room(files, room::ITS_OWN)?;
            return Err(error);
        }
        copy.as_file().sync_all().map_err(writing(&self.path))?;
        copy.persist(&self.path).map_err(|error| writing(&self.path)(error.error))?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        Ok(File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing(folder))?)
    }

    fn self_test(
        &mut self,
        _progress: &mut dyn FlashProgress,
    ) -> Result<Option<String>, ImageError> {
        Ok(Some(
            "Write the image to a card and start the badge: it tests itself then, and takes a new bundle if all is well."
                .to_owned(),
        ))
    }
}

/// Parses a disk's partition table and superblocks and the output of `debugfs`, for fuzz targets: returns the ends of
/// all partitions and of the file systems in them, and the size of a file.
#[cfg(feature = "test-util")]
pub fn read_facts(
    disk: &mut (impl std::io::Read + std::io::Seek),
    stat: &str,
) -> (Vec<(String, u64)>, Option<u64>) {
    let mut ends = Vec::new();
    for partition in table::read(disk) {
        ends.push((partition.to_string(), partition.offset.saturating_add(partition.bytes)));
        if let Ok(Some(block)) = superblock::Superblock::read(disk, partition.offset) {
            ends.push((format!("{block:?}"), partition.offset.saturating_add(block.bytes)));
        }
    }
    (ends, debugfs::parse(stat).map(|inode| inode.bytes))
}

/// The loop device that the image is attached to, if any.
fn attached(path: &Path) -> Option<String> {
    std::fs::read_dir("/sys/block").ok()?.flatten().find_map(|device| {
        let backing = std::fs::read_to_string(device.path().join("loop/backing_file")).ok()?;
        let same = Path::new(backing.trim_end_matches('\n')) == path;
        same.then(|| format!("/dev/{}", device.file_name().to_string_lossy()))
    })
}
