//! A file system model in memory that knows what can remain after a power loss.
//!
//! It guarantees no more than POSIX: `fsync` of a file makes its bytes and length durable, but not its name; `fsync` of
//! a folder makes the names in it durable, but not the contents of the files. Anything else may reach the disk at any
//! time, in any order, or not at all. Renaming within a folder is atomic.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::inode::{Change, Entry, File, Folder, Ino, Inode, Kept, Order};
use super::tree::{Node, Tree};
use crate::Result;

/// A program's operation on a folder; paths are relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Open {
        handle: usize,
        path: PathBuf,
        create: bool,
        truncate: bool,
        append: bool,
    },
    /// At the offset `at`, or at the handle's position.
    Write {
        handle: usize,
        at: Option<u64>,
        bytes: Vec<u8>,
    },
    Seek {
        handle: usize,
        to: u64,
    },
    SetLength {
        handle: usize,
        length: u64,
    },
    /// Of a file or of a folder.
    Sync {
        handle: usize,
    },
    SyncAll,
    MakeFolder {
        path: PathBuf,
    },
    /// A file, a link or an empty folder.
    Remove {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Symlink {
        path: PathBuf,
        target: PathBuf,
    },
}

/// The recorded folder.
const ROOT: Ino = 0;

/// The file system.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) inodes: Vec<Inode>,
    handles: HashMap<usize, Handle>,
}

#[derive(Clone, Debug)]
struct Handle {
    ino: Ino,
    position: u64,
    append: bool,
}

/// What remains after a power loss of everything that was not durable; what is not listed remains complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Crash {
    pub(super) files: Vec<(Ino, Kept)>,
    pub(super) folders: Vec<(Ino, Order)>,
}

impl Disk {
    /// A file system with `tree`, all of it durable.
    pub(super) fn holding(tree: &Tree) -> Result<Self> {
        let mut disk = Self { inodes: vec![Inode::Folder(Folder::default())], ..Self::default() };
        for (path, node) in &tree.0 {
            let inode = match node {
                Node::Folder => Inode::Folder(Folder::default()),
                Node::File(bytes) => Inode::File(File::holding(bytes.clone())),
                Node::Link(target) => Inode::Link(target.clone()),
            };
            disk.add(path, inode)?;
        }
        disk.sync_all();
        Ok(disk)
    }

    /// Applies `op` as the kernel does.
    ///
    /// # Errors
    /// When the model does not support the operation.
    pub(super) fn apply(&mut self, op: &Op) -> Result<()> {
        match op {
            Op::Open { handle, path, create, truncate, append } => {
                let ino = match self.find(path)? {
                    Some(ino) => ino,
                    None if *create => self.add(path, Inode::File(File::default()))?,
                    None => {
                        return Err(format!("{} opens, but is not there", path.display()).into());
                    }
                };
                if matches!(self.inodes[ino], Inode::Link(_)) {
                    return Err(format!("{} is opened through a link", path.display()).into());
                }
                self.handles.insert(*handle, Handle { ino, position: 0, append: *append });
                // Truncating an empty file changes nothing.
                if *truncate && self.file(*handle)?.0.length() > 0 {
                    self.file(*handle)?.0.change(Change::Length(0));
                }
            }
            Op::Write { handle, at, bytes } => {
                let (file, position) = self.file(*handle)?;
                let start = at.unwrap_or(position);
                file.change(Change::Write { at: start, bytes: bytes.clone() });
                if at.is_none() {
                    self.handle(*handle)?.position = start + bytes.len() as u64;
                }
            }
            Op::Seek { handle, to } => self.handle(*handle)?.position = *to,
            Op::SetLength { handle, length } => {
                self.file(*handle)?.0.change(Change::Length(*length));
            }
            Op::Sync { handle } => {
                let ino = self.handle(*handle)?.ino;
                self.inodes[ino].sync();
            }
            Op::SyncAll => self.sync_all(),
            Op::MakeFolder { path } => drop(self.add(path, Inode::Folder(Folder::default()))?),
            Op::Symlink { path, target } => drop(self.add(path, Inode::Link(target.clone()))?),
            Op::Link { from, to } => {
                let ino = self.existing(from)?;
                self.enter(to, |name| Entry::Set(name, ino))?;
            }
            Op::Remove { path } => {
                self.existing(path)?;
                self.enter(path, Entry::Remove)?;
            }
            Op::Rename { from, to } => {
                if from.parent() != to.parent() {
                    let (from, to) = (from.display(), to.display());
                    return Err(format!("{from} is renamed to {to} in another folder").into());
                }
                let ino = self.existing(from)?;
                let (_, name) = split(from)?;
                self.enter(to, |to| Entry::Rename(name, to, ino))?;
            }
        }
        Ok(())
    }

    /// The contents that programs see.
    pub(super) fn now(&self) -> Tree {
        self.after(&Crash::default())
    }

    /// The contents after a power loss.
    pub(super) fn after(&self, crash: &Crash) -> Tree {
        let mut tree = Tree::default();
        self.list(ROOT, Path::new(""), crash, &mut tree);
        tree
    }

    fn list(&self, folder: Ino, below: &Path, crash: &Crash, tree: &mut Tree) {
        let Inode::Folder(names) = &self.inodes[folder] else { return };
        let order = crash.folders.iter().find(|(ino, _)| *ino == folder).map(|(_, order)| *order);
        for (name, ino) in names.after(order) {
            let path = below.join(name);
            let node = match &self.inodes[ino] {
                Inode::Folder(_) => Node::Folder,
                Inode::Link(target) => Node::Link(target.clone()),
                Inode::File(file) => {
                    let kept = crash.files.iter().find(|(of, _)| *of == ino).map(|(_, kept)| *kept);
                    Node::File(file.after(kept.unwrap_or(Kept::Everything)))
                }
            };
            tree.0.insert(path.clone(), node);
            self.list(ino, &path, crash, tree);
        }
    }

    fn sync_all(&mut self) {
        for inode in &mut self.inodes {
            inode.sync();
        }
    }

    fn handle(&mut self, handle: usize) -> Result<&mut Handle> {
        Ok(self.handles.get_mut(&handle).ok_or("a file is used that was never opened")?)
    }

    /// The file of a handle, and the offset of the next write.
    fn file(&mut self, handle: usize) -> Result<(&mut File, u64)> {
        let Handle { ino, position, append } = self.handle(handle)?.clone();
        match &mut self.inodes[ino] {
            Inode::File(file) => {
                let position = if append { file.length() } else { position };
                Ok((file, position))
            }
            _ => Err("a folder is written like a file".into()),
        }
    }

    fn find(&self, path: &Path) -> Result<Option<Ino>> {
        let mut ino = ROOT;
        for component in path.components() {
            let name = match component {
                Component::Normal(name) => name,
                Component::CurDir => continue,
                _ => return Err(format!("{} has .. in it", path.display()).into()),
            };
            let Inode::Folder(folder) = &self.inodes[ino] else {
                return Err(format!("{} leads through a file or a link", path.display()).into());
            };
            match folder.now.get(name) {
                Some(next) => ino = *next,
                None => return Ok(None),
            }
        }
        Ok(Some(ino))
    }

    fn existing(&self, path: &Path) -> Result<Ino> {
        Ok(self.find(path)?.ok_or_else(|| format!("{} is not there", path.display()))?)
    }

    fn add(&mut self, path: &Path, inode: Inode) -> Result<Ino> {
        let ino = self.inodes.len();
        self.inodes.push(inode);
        self.enter(path, |name| Entry::Set(name, ino))?;
        Ok(ino)
    }

    /// Adds a change to the folder that contains `path`.
    fn enter(&mut self, path: &Path, entry: impl FnOnce(OsString) -> Entry) -> Result<()> {
        let (parent, name) = split(path)?;
        let parent = self.existing(parent)?;
        let Inode::Folder(folder) = &mut self.inodes[parent] else {
            return Err(format!("{} is not in a folder", path.display()).into());
        };
        let entry = entry(name);
        entry.apply(&mut folder.now);
        folder.pending.push(entry);
        Ok(())
    }
}

fn split(path: &Path) -> Result<(&Path, OsString)> {
    let parts = path.parent().zip(path.file_name());
    let (parent, name) = parts.ok_or_else(|| format!("{} is the folder itself", path.display()))?;
    Ok((parent, name.to_owned()))
}
