//! A file or a folder as programs see it, its durable state, and the pending changes between the two.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Index of an inode.
pub(super) type Ino = usize;

/// A file, a folder or a link, as programs see it and in its durable state.
#[derive(Clone, Debug)]
pub(super) enum Inode {
    File(File),
    Folder(Folder),
    Link(PathBuf),
}

#[derive(Clone, Debug, Default)]
pub(super) struct File {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// The changes from `durable` to `now`.
    pub(super) pending: Vec<Change>,
}

/// A change of a file's bytes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Length(u64),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    pub(super) now: Names,
    durable: Names,
    /// The changes from `durable` to `now`.
    pub(super) pending: Vec<Entry>,
}

pub(super) type Names = BTreeMap<OsString, Ino>;

/// A change of a folder's names.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Set(OsString, Ino),
    Remove(OsString),
    Rename(OsString, OsString, Ino),
}

/// Which part of a file's changes remains after a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Nothing,
    Everything,
    /// The changes of the first half of the bytes written.
    Beginning,
    /// The length and the second half of the bytes written; zeros for the first half.
    End,
    /// The length; zeros for all bytes written.
    Zeros,
}

/// Which of a folder's changes remain after a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    First(usize),
    AllBut(usize),
}

impl Inode {
    pub(super) fn sync(&mut self) {
        match self {
            Self::File(file) => {
                file.durable.clone_from(&file.now);
                file.pending.clear();
            }
            Self::Folder(folder) => {
                folder.durable.clone_from(&folder.now);
                folder.pending.clear();
            }
            // Its target is durable with its name.
            Self::Link(_) => {}
        }
    }
}

impl File {
    pub(super) fn holding(bytes: Vec<u8>) -> Self {
        Self { now: bytes.clone(), durable: bytes, pending: Vec::new() }
    }

    pub(super) fn length(&self) -> u64 {
        self.now.len() as u64
    }

    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.now, Part::ALL);
        self.pending.push(change);
    }

    pub(super) fn after(&self, kept: Kept) -> Vec<u8> {
        let written = self.pending.iter().map(Change::len).sum::<usize>();
        let part = match kept {
            Kept::Nothing => return self.durable.clone(),
            Kept::Everything => return self.now.clone(),
            Kept::Beginning => Part { from: 0, to: written / 2, zeros: false },
            Kept::End => Part { from: written / 2, to: written, zeros: true },
            Kept::Zeros => Part { from: written, to: written, zeros: true },
        };
        let (mut bytes, mut seen) = (self.durable.clone(), 0);
        for change in &self.pending {
            if kept == Kept::Beginning && seen >= part.to {
                break;
            }
            change.apply(&mut bytes, part.behind(seen));
            seen += change.len();
        }
        bytes
    }
}

/// Which bytes of a change reach the disk.
#[derive(Clone, Copy)]
struct Part {
    from: usize,
    to: usize,
    /// Whether the other bytes are zeros, or missing.
    zeros: bool,
}

impl Part {
    const ALL: Self = Self { from: 0, to: usize::MAX, zeros: false };

    fn behind(self, seen: usize) -> Self {
        let (from, to) = (self.from.saturating_sub(seen), self.to.saturating_sub(seen));
        Self { from, to, ..self }
    }
}

impl Change {
    fn len(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => bytes.len(),
            Self::Length(_) => 0,
        }
    }

    fn apply(&self, file: &mut Vec<u8>, part: Part) {
        match self {
            Self::Length(length) => file.resize(*length as usize, 0),
            Self::Write { at, bytes } => {
                let (to, at) = (part.to.min(bytes.len()), *at as usize);
                let end = at + if part.zeros { bytes.len() } else { to };
                file.resize(file.len().max(end), 0);
                let arrived = part.from.min(to)..to;
                if part.zeros {
                    file[at..end].fill(0);
                }
                file[at + arrived.start..at + arrived.end].copy_from_slice(&bytes[arrived]);
            }
        }
    }
}

impl Folder {
    pub(super) fn after(&self, order: Option<Order>) -> Names {
        let mut names = self.durable.clone();
        for (at, entry) in self.pending.iter().enumerate() {
            let kept = match order {
                None => true,
                Some(Order::First(count)) => at < count,
                Some(Order::AllBut(dropped)) => at != dropped,
            };
            if kept {
                entry.apply(&mut names);
            }
        }
        names
    }
}

impl Entry {
    pub(super) fn apply(&self, names: &mut Names) {
        match self {
            Self::Set(name, ino) => drop(names.insert(name.clone(), *ino)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Rename(from, to, ino) => {
                names.remove(from);
                names.insert(to.clone(), *ino);
            }
        }
    }
}
