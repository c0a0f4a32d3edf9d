//! The machine that is examined, by its files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A machine's `/proc`, `/sys`, `/dev` and `/etc`.
pub struct Host {
    /// The root folder of the examined machine.
    pub root: PathBuf,
    /// Reads a variable of the environment.
    pub variable: fn(&str) -> Option<String>,
    /// Opens a device for reading and writing, and closes it again.
    pub open: fn(&Path) -> io::Result<()>,
}

impl Default for Host {
    /// This machine.
    fn default() -> Self {
        Self { root: "/".into(), variable: |name| std::env::var(name).ok(), open }
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let at_once = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    File::options().read(true).write(true).custom_flags(at_once).open(path).map(drop)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<()> {
    File::options().read(true).write(true).open(path).map(drop)
}

/// The user who runs this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) id: u32,
    pub(super) name: String,
    /// Numbers of all its groups.
    pub(super) groups: Vec<u32>,
}

impl Host {
    /// An absolute path below this machine's root.
    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The first 64 KiB of a file; nothing if it cannot be read.
    pub(super) fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.path(path)).ok()?.take(1 << 16).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether it exists.
    pub(super) fn has(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).exists()
    }

    /// Sorted names in a folder that begin with `begin` and end with `end`.
    pub(super) fn names(&self, folder: &str, begin: &str, end: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> =
            names.filter(|name| name.starts_with(begin) && name.ends_with(end)).collect();
        names.sort();
        names
    }

    /// The user, if the system reports it.
    pub(super) fn user(&self) -> Option<User> {
        let status = self.read("/proc/self/status")?;
        let numbers = |key: &str| -> Option<Vec<u32>> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.split_whitespace().filter_map(|number| number.parse().ok()).collect())
        };
        // Real, effective, saved and filesystem ids; the last decides about files.
        let id = *numbers("Uid:")?.last()?;
        let mut groups = numbers("Groups:")?;
        groups.extend(numbers("Gid:")?.last());
        let name =
            self.entry("/etc/passwd", |fields| fields.get(2) == Some(&id.to_string().as_str()));
        Some(User { id, name: name.unwrap_or_else(|| id.to_string()), groups })
    }

    /// A group's number.
    pub(super) fn group(&self, name: &str) -> Option<u32> {
        let groups = self.read("/etc/group")?;
        let mut entries = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let entry = entries.find(|fields| fields.first() == Some(&name))?;
        entry.get(2)?.parse().ok()
    }

    /// The first field of the first line of `file` that `wanted` accepts.
    fn entry(&self, file: &str, wanted: impl Fn(&[&str]) -> bool) -> Option<String> {
        let text = self.read(file)?;
        let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        lines.find(|fields| wanted(fields)).map(|fields| fields[0].to_owned())
    }
}
