//! Files that are written completely or not at all, even if power fails.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::power;

/// A complete file on the disk under a temporary name; it is removed unless it is committed.
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
        let mut file = create(&staged.path)?;
        power::write_all(&mut file, bytes)?;
        power::on()?;
        file.sync_all()?;
        Ok(staged)
    }

    /// Its temporary path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it to its target and waits until the folder is synced to the disk.
    pub(super) fn commit(self) -> io::Result<()> {
        if self.target.is_dir() {
            // Only a broken disk has a folder here, and a rename would not replace it.
            power::on()?;
            fs::remove_dir_all(&self.target)?;
        }
        power::on()?;
        fs::rename(&self.path, &self.target)?;
        sync_folder(self.target.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit the temporary file no longer exists.
        let _ = power::on().and_then(|()| fs::remove_file(&self.path));
    }
}

/// Creates a new file at `path`. An existing entry is removed, and never followed or written to: it may be a malicious
/// link.
fn create(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => power::on().and_then(|()| fs::remove_dir_all(path))?,
        Ok(_) => power::on().and_then(|()| fs::remove_file(path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // Fails if another link is created at this moment.
    power::on()?;
    let file = File::create_new(path)?;
    adopt(&file, path);
    Ok(file)
}

/// Gives a file that root created to the owner of its folder, or the badge's service could not change it. Nobody else
/// may, and then it stays as it is. A file with another name elsewhere may be anybody's: it stays, too.
fn adopt(file: &File, path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let folder = path.parent().map(fs::metadata);
        if let (Some(Ok(folder)), Ok(own)) = (folder, file.metadata())
            && own.uid() != folder.uid()
            && own.nlink() == 1
        {
            let _ = fchown(file, Some(folder.uid()), Some(folder.gid()));
        }
    }
}

/// The same for a new folder.
fn adopt_folder(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, lchown};
        let above = path.parent().map(fs::metadata);
        if let (Some(Ok(above)), Ok(own)) = (above, fs::symlink_metadata(path))
            && own.uid() != above.uid()
        {
            let _ = lchown(path, Some(above.uid()), Some(above.gid()));
        }
    }
}

/// Opens the lock file at `path`; it is created if it is missing, and never truncated. A link in its place is removed.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        power::on()?;
        fs::remove_file(path)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        // Opening a pipe without a reader would block.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    power::on()?;
    let file = options.open(path)?;
    adopt(&file, path);
    Ok(file)
}

/// Replaces the file `target` by one of these `bytes`: after a power failure it is the old one or the new one.
///
/// # Errors
/// The system's error; the old file stays.
pub fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::write(target, bytes)?.commit()
}

/// Creates `folder` if it is missing, and waits until it and every folder that was created for it are on the disk; an
/// existing one may have been created by a killed program, so it is synced too.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let is_named = |folder: &&Path| !folder.as_os_str().is_empty();
    let missing = folder.ancestors().filter(is_named).take_while(|it| !it.is_dir()).count();
    power::on()?;
    fs::create_dir_all(folder)?;
    let new: Vec<_> = folder.ancestors().take(missing).collect();
    new.iter().rev().for_each(|new| adopt_folder(new));
    // The state folder and its parent may be new even if this one is not.
    folder.ancestors().filter(is_named).take(missing.max(2) + 1).try_for_each(sync_folder)
}

/// Waits until the directory entries of `folder` are on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    power::on()?;
    // On other systems folders cannot be opened.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads a regular file of at most `limit` bytes: no endless file, and no pipe that blocks.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
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

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_removed_and_what_it_leads_to_stays() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let [target, victim, lock] = ["file", "victim", "lock"].map(|it| folder.path().join(it));
        let new = folder.path().join("file.new");
        fs::write(&victim, b"precious").unwrap();
        for leads_to in [&victim, &folder.path().join("missing")] {
            symlink(leads_to, &new).unwrap();
            symlink(leads_to, &lock).unwrap();
            replace(&target, b"new").unwrap();
            open_lock(&lock).unwrap().lock().unwrap();
            assert_eq!(fs::read(&target).unwrap(), b"new");
            assert_eq!(fs::read(&victim).unwrap(), b"precious");
            assert!(!folder.path().join("missing").exists());
            assert!(fs::symlink_metadata(&target).unwrap().is_file());
            fs::remove_file(&lock).unwrap();
        }
        // A file that another program has locked is not truncated or replaced.
        fs::write(&lock, b"1").unwrap();
        let held = open_lock(&lock).unwrap();
        held.lock().unwrap();
        assert!(open_lock(&lock).unwrap().try_lock().is_err());
        assert_eq!(fs::read(&lock).unwrap(), b"1");
    }

    #[cfg(unix)]
    #[test]
    fn what_root_writes_belongs_to_the_owner_of_its_folder() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        // Only root may give a folder away; everybody else owns what they write anyway.
        if chown(&state, Some(4321), Some(4321)).is_err() {
            return;
        }
        make_folder(&state.join("slots/inner")).unwrap();
        replace(&state.join("slots/file"), b"new").unwrap();
        open_lock(&state.join("slots/lock")).unwrap();
        for path in ["slots", "slots/inner", "slots/file", "slots/lock"] {
            let found = fs::metadata(state.join(path)).unwrap();
            assert_eq!((found.uid(), found.gid()), (4321, 4321), "{path}");
        }
        // A lock that is another file of root's under a second name.
        let victim = folder.path().join("victim");
        fs::write(&victim, b"precious").unwrap();
        fs::hard_link(&victim, state.join("planted")).unwrap();
        open_lock(&state.join("planted")).unwrap();
        assert_eq!(fs::metadata(&victim).unwrap().uid(), 0);
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
