//! The contents of a folder: read from the file system, compared, and written.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::Result;

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Folder,
    File(Vec<u8>),
    Link(PathBuf),
}

/// Everything below a folder, by its relative path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tree(pub(super) BTreeMap<PathBuf, Node>);

impl Tree {
    /// Reads a real folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_below(folder, Path::new(""))?;
        Ok(tree)
    }

    fn read_below(&mut self, root: &Path, below: &Path) -> Result<()> {
        let folder = root.join(below);
        let told = |e| format!("{}: {e}", folder.display());
        for entry in fs::read_dir(&folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            let (path, kind) = (below.join(entry.file_name()), entry.file_type().map_err(told)?);
            let node = if kind.is_dir() {
                self.read_below(root, &path)?;
                Node::Folder
            } else if kind.is_symlink() {
                Node::Link(fs::read_link(entry.path()).map_err(told)?)
            } else {
                Node::File(fs::read(entry.path()).map_err(told)?)
            };
            self.0.insert(path, node);
        }
        Ok(())
    }

    /// Writes the tree into an empty or new folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        // A folder comes before its contents.
        for (path, node) in &self.0 {
            let path = folder.join(path);
            match node {
                Node::Folder => fs::create_dir(&path),
                Node::File(bytes) => fs::write(&path, bytes),
                Node::Link(target) => symlink(target, &path),
            }
            .map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(())
    }

    /// Without the files called `name`.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|path, _| path.file_name().is_none_or(|file| file != name));
        self
    }

    /// A 64-bit hash of the tree.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// The first difference of two trees, for a message.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let paths = self.0.keys().chain(other.0.keys());
        let differs = paths.into_iter().find(|path| self.0.get(*path) != other.0.get(*path))?;
        let told = |tree: &Self| match tree.0.get(differs) {
            None => "is not there".to_owned(),
            Some(Node::Folder) => "is a folder".to_owned(),
            Some(Node::File(bytes)) => format!("has {} bytes", bytes.len()),
            Some(Node::Link(target)) => format!("links to {}", target.display()),
        };
        Some(format!("{} {}, and then {}", differs.display(), told(self), told(other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut tree = Tree::default();
        tree.0.insert("a".into(), Node::Folder);
        tree.0.insert("a/b".into(), Node::File(vec![1, 2]));
        tree.0.insert("c".into(), Node::Link("nowhere".into()));
        let folder = tempfile::tempdir().unwrap();
        tree.write(folder.path()).unwrap();
        let read = Tree::read(folder.path()).unwrap();
        assert_eq!(tree.difference(&read), None);
        assert_eq!(tree.digest(), read.digest());
        let less = read.without("b");
        assert_ne!(tree.digest(), less.digest());
        assert!(tree.difference(&less).unwrap().starts_with("a/b has 2 bytes"));
    }
}
