//! Files that are there as a whole or not at all, also when power fails.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A whole file on the disk under a name that nothing looks at; it vanishes unless it is put into its place.
pub(super) struct Staged {
    path: PathBuf,
    target: PathBuf,
}

impl Staged {
    /// Writes `bytes` beside `target` and waits until they are on the disk.
    pub(super) fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut name = target.as_os_str().to_owned();
        name.push(".new");
        let staged = Self { path: name.into(), target: target.to_owned() };
        let mut file = File::create(&staged.path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(staged)
    }

    /// Where it lies until then.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts it into its place and waits until the folder says so on the disk.
    pub(super) fn commit(self) -> io::Result<()> {
        if self.target.is_dir() {
            // Nothing puts one there but a broken disk, and a rename would not replace it.
            fs::remove_dir_all(&self.target)?;
        }
        fs::rename(&self.path, &self.target)?;
        sync_folder(self.target.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit it is not there any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// Replaces the file `target` by one of these `bytes`: after a power failure it is the old one or the new one.
///
/// # Errors
/// The system's own; the old file stays.
pub fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::write(target, bytes)?.commit()
}

/// Makes `folder` where it is missing, and waits until it and every folder that was made for it are on the disk; one
/// that is there may be what a killed program left, so it is waited for too.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let is_named = |folder: &&Path| !folder.as_os_str().is_empty();
    let missing = folder.ancestors().filter(is_named).take_while(|it| !it.is_dir()).count();
    fs::create_dir_all(folder)?;
    // The state folder, and the one that holds it, may be new even where this one is not.
    folder.ancestors().filter(is_named).take(missing.max(2) + 1).try_for_each(sync_folder)
}

/// Waits until the names in `folder` are on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads a regular file of at most `limit` bytes: nothing that never ends, or waits for a writer.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if found.len() > limit {
        let long = format!("{} bytes, more than {limit}", found.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, long));
    }
    let mut bytes = Vec::with_capacity(found.len() as usize);
    io::Read::read_to_end(&mut io::Read::take(File::open(path)?, limit), &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        replace(&target, b"old").unwrap();
        drop(Staged::write(&target, b"new").unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        replace(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_makes_way() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        fs::create_dir_all(target.join("inner")).unwrap();
        replace(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        make_folder(&folder.path().join("a/b/c")).unwrap();
        assert!(folder.path().join("a/b/c").is_dir());
        make_folder(&folder.path().join("a/b/c")).unwrap();
    }

    #[test]
    fn reads_nothing_endless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(read(folder.path(), 4).is_err());
        if cfg!(unix) {
            assert!(read(Path::new("/dev/zero"), 4).is_err());
        }
    }
}
