//! A badge's card as a file: a disk image with a partition table, or a bare ext4 file system.
//!
//! `debugfs` of e2fsprogs writes it, which needs no root and mounts nothing. It works on a copy beside the image, which
//! takes the image's place when all of it was read back and `e2fsck` found nothing to mend; so there is no moment in
//! which a failure could leave half a change.

mod copy;
mod debugfs;
mod error;
mod partition;
mod script;
mod superblock;

use std::fs::File;
use std::path::{Path, PathBuf};

use emocue_models::bundle::Sha256;

pub use error::ImageError;
use partition::Partition;

use self::debugfs::{Inode, Kind, Tools};
use super::error::{reading, writing};
use super::follow::follow;
use super::plan::{Content, Item};
use super::table::{folder, name};
use super::{FlashError, Found, Root, Watch, elf};

/// An image whose root partition was found.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    partition: Partition,
    tools: Tools,
}

impl Image {
    /// Finds the root in the image `path`: partition `number`, or else the largest one with ext4.
    ///
    /// # Errors
    /// [`ImageError`] when there is none, or when it is in use, damaged, or was not unmounted.
    pub fn open(path: &Path, number: Option<u32>) -> Result<Self, FlashError> {
        let path = path.canonicalize().map_err(reading(path))?;
        if let Some(device) = attached(&path) {
            return Err(ImageError::Attached { path, device }.into());
        }
        let mut file = File::open(&path).map_err(reading(&path))?;
        let partition = partition::find(&path, &mut file, number)?;
        let tools = Tools::new(&path, partition.offset)?;
        tools.check().map_err(|error| match error {
            ImageError::Damaged(said) => {
                let offset = partition.offset;
                ImageError::Unclean { path: path.clone(), offset, reason: said }
            }
            other => other,
        })?;
        Ok(Self { path, partition, tools })
    }
}

/// Follows every link on the way to `path`.
fn followed(tools: &Tools, path: &str) -> Result<String, FlashError> {
    let link = |path: &str| match tools.stat(path)? {
        Some(Inode { kind: Kind::Link(to), .. }) => Ok(Some(to)),
        _ => Ok(None),
    };
    let inside = follow(path, link).map_err(FlashError::Image)?;
    inside.ok_or_else(|| FlashError::Links(path.to_owned()))
}

/// Where a path really is, its last part not followed if it is a link.
fn real(tools: &Tools, path: &str) -> Result<String, FlashError> {
    let folder = followed(tools, folder(path))?;
    Ok(format!("{}/{}", folder.trim_end_matches('/'), name(path)))
}

fn look(tools: &Tools, path: &str) -> Result<Found, FlashError> {
    let real = real(tools, path)?;
    let Some(inode) = tools.stat(&real)? else { return Ok(Found::Nothing) };
    Ok(match inode.kind {
        Kind::Link(to) => Found::Link(to),
        Kind::File => Found::File { sha256: Sha256::of(&tools.dump(&real)?), mode: inode.mode },
        Kind::Folder | Kind::Other => Found::Other,
    })
}

impl Root for Image {
    fn title(&self) -> String {
        format!("{}, {}", self.path.display(), self.partition)
    }

    fn machine(&mut self) -> Result<elf::Machine, FlashError> {
        let unknown = |reason: &str| FlashError::UnknownMachine {
            place: self.title(),
            reason: reason.to_owned(),
        };
        let shell = followed(&self.tools, "/bin/sh")?;
        if self.tools.stat(&shell)?.is_none() {
            return Err(unknown("it has no /bin/sh"));
        }
        elf::Machine::of(&self.tools.dump(&shell)?)
            .ok_or_else(|| unknown("its /bin/sh is no program"))
    }

    fn look(&mut self, path: &str) -> Result<Found, FlashError> {
        look(&self.tools, path)
    }

    fn install(&mut self, items: &[&Item<'_>], watch: &mut dyn Watch) -> Result<(), FlashError> {
        let copy = copy::beside(&self.path, watch)?;
        let changed = || -> Result<(), FlashError> {
            let tools = Tools::new(copy.path(), self.partition.offset)?;
            let script = script::write(&tools, items)?;
            tools.change(&script)?;
            for item in items {
                let wanted = match item.content {
                    Content::Link(to) => Found::Link(to.to_owned()),
                    Content::File(bytes) => {
                        Found::File { sha256: Sha256::of(bytes), mode: item.place.mode }
                    }
                };
                if look(&tools, item.place.path)? != wanted {
                    return Err(FlashError::ReadBack(item.place.path.to_owned()));
                }
            }
            Ok(tools.check()?)
        };
        let changed = changed();
        if watch.stop() {
            // Ctrl-C also reaches the tools, whose failure is then no news.
            return Err(FlashError::Interrupted);
        }
        changed?;
        copy.as_file().sync_all().map_err(writing(&self.path))?;
        copy.persist(&self.path).map_err(|error| writing(&self.path)(error.error))?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing(folder))
    }

    fn self_test(&mut self, _watch: &mut dyn Watch) -> Result<Option<String>, FlashError> {
        Ok(Some(
            "Write the image to a card and start the badge: it tests itself then, and takes a new bundle if all is well."
                .to_owned(),
        ))
    }
}

/// The loop device that the image is attached to, where there is one.
fn attached(path: &Path) -> Option<String> {
    std::fs::read_dir("/sys/block").ok()?.flatten().find_map(|device| {
        let backing = std::fs::read_to_string(device.path().join("loop/backing_file")).ok()?;
        let same = Path::new(backing.trim_end_matches('\n')) == path;
        same.then(|| format!("/dev/{}", device.file_name().to_string_lossy()))
    })
}
