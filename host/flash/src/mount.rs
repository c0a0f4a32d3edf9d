//! A badge's card, mounted on this computer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use emocue_models::bundle::Sha256;

use crate::component::Component;
use crate::console::FlashProgress;
use crate::elf;
use crate::file::{FileError, reading, writing};
use crate::follow::follow;
use crate::root::{Existing, FileContent, PlannedFile, RootError, RootFs};
use crate::system;
use crate::table::{BadgeFile, folder, folder_mode, folders, name, old, waiting};

/// Bytes that are written at a time; a flash may stop after each.
const CHUNK: usize = 256 << 10;

/// The root of a card.
#[derive(Debug)]
pub struct Mount {
    root: PathBuf,
}

impl Mount {
    /// Opens the folder `path` as a badge's root, if it looks like one.
    ///
    /// # Errors
    /// [`RootError::NotRoot`] when it does not look like one, or is the root of this computer.
    pub fn open(path: &Path) -> Result<Self, RootError> {
        let root = path.canonicalize().map_err(reading(path))?;
        let no = |reason: &str, help| {
            Err(RootError::NotRoot { path: root.clone(), reason: reason.to_owned(), help })
        };
        if root == Path::new("/") {
            return no(
                "is this computer's own root",
                "Name the folder where the card is mounted. A badge itself is flashed with --to ssh://user@host.",
            );
        }
        let has = |name: &str| root.join(name).exists();
        if ["cmdline.txt", "bootcode.bin", "extlinux"].into_iter().any(has) && !has("usr") {
            return no(
                "is a card's boot partition",
                "Name its other partition, usually called rootfs, where etc and usr lie.",
            );
        }
        let mount = Self { root: root.clone() };
        let missing = system::missing(
            |path| Ok::<_, RootError>(mount.followed(path)?.is_dir()),
            |path| Ok(mount.real(path)?.symlink_metadata().is_ok()),
        )?;
        match missing {
            None => Ok(mount),
            Some(missing) => no(
                &format!("is not the root of a Linux system: {missing}"),
                "Name the folder where the card's root partition is mounted; `lsblk` shows it.",
            ),
        }
    }

    /// The path on this computer of a path of the badge; a link at its end is not followed.
    fn real(&self, path: &str) -> Result<PathBuf, RootError> {
        Ok(self.followed(folder(path))?.join(name(path)))
    }

    /// The same, with every link resolved within the card.
    fn followed(&self, path: &str) -> Result<PathBuf, RootError> {
        let link = |path: &str| link_of(&self.root.join(&path[1..]));
        let inside = follow(path, link)?.ok_or_else(|| RootError::Links(path.to_owned()))?;
        Ok(self.root.join(&inside[1..]))
    }

    /// Creates the parent folders of `path`; the new ones are added to `made`.
    fn make_folders(&self, path: &str, made: &mut Vec<PathBuf>) -> Result<(), RootError> {
        for folder in folders(path) {
            let real = self.followed(folder)?;
            match fs::create_dir(&real) {
                Ok(()) => {
                    made.push(real.clone());
                    set_mode(&real, folder_mode(folder)).map_err(writing(&real))?;
                    adopt(&real).map_err(writing(&real))?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && real.is_dir() => {}
                Err(error) => return Err(writing(&real)(error).into()),
            }
        }
        Ok(())
    }

    /// Writes a file beside its final path and reads it back.
    fn stage(
        &self,
        file: &PlannedFile<'_>,
        made: &mut Made,
        progress: &mut dyn FlashProgress,
    ) -> Result<(), RootError> {
        let PlannedFile { place, content, .. } = file;
        self.make_folders(place.path, &mut made.folders)?;
        let beside = self.real(&waiting(place.path))?;
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(writing(&beside)(error).into());
            }
            _ => made.files.push(beside.clone()),
        }
        let bytes = match content {
            FileContent::Link(to) => return Ok(symlink(to, &beside).map_err(writing(&beside))?),
            FileContent::File(bytes) => bytes,
        };
        progress.begin(place.path, bytes.len() as u64);
        let failed = writing(&beside);
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => file,
            Err(error) => return Err(failed(error).into()),
        };
        for chunk in bytes.chunks(CHUNK) {
            if progress.stop() {
                return Err(RootError::Interrupted);
            }
            file.write_all(chunk).map_err(writing(&beside))?;
            progress.advance(chunk.len() as u64);
        }
        file.sync_all().map_err(writing(&beside))?;
        forget(&file);
        drop(file);
        progress.end();
        if hash(&beside)? != Sha256::of(bytes) {
            return Err(RootError::ReadBack(place.path.to_owned()));
        }
        set_mode(&beside, place.mode).map_err(writing(&beside))?;
        Ok(adopt(&beside).map_err(writing(&beside))?)
    }

    /// Renames a staged file to its final path.
    fn commit(&self, place: &BadgeFile) -> Result<(), RootError> {
        let (here, beside) = (self.real(place.path)?, self.real(&waiting(place.path))?);
        if place.keep_old && here.symlink_metadata().is_ok() {
            // The old file is linked before it is replaced, so that there is a file at any time.
            let kept = self.real(&old(place.path))?;
            let step = self.real(&waiting(&old(place.path)))?;
            let _ = fs::remove_file(&step);
            let linked = fs::hard_link(&here, &step).or_else(|_| fs::copy(&here, &step).map(drop));
            linked.and_then(|()| fs::rename(&step, &kept)).map_err(writing(&kept))?;
        }
        fs::rename(&beside, &here).map_err(writing(&here))?;
        let folder = here.parent().unwrap_or(&self.root);
        Ok(File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing(folder))?)
    }

    fn write(
        &self,
        files: &[&PlannedFile<'_>],
        made: &mut Made,
        progress: &mut dyn FlashProgress,
    ) -> Result<(), RootError> {
        for file in files {
            self.stage(file, made, progress)?;
        }
        if progress.stop() {
            return Err(RootError::Interrupted);
        }
        files.iter().try_for_each(|file| self.commit(file.place))?;
        if files.iter().any(|file| file.place.component == Component::App) {
            self.renew()?;
        }
        Ok(())
    }

    /// systemd creates missing users when /usr is newer than its time stamp (systemd-sysusers.service,
    /// ConditionNeedsUpdate=), so the modification time of /usr is updated.
    fn renew(&self) -> Result<(), RootError> {
        let usr = self.followed("/usr")?;
        let touch = || -> io::Result<()> {
            let folder = File::open(&usr)?;
            let before = folder.metadata()?.modified()?;
            folder.set_modified(SystemTime::now().max(before + Duration::from_secs(1)))
        };
        Ok(touch().map_err(writing(&usr))?)
    }
}

/// The files and folders that a flash has created so far.
#[derive(Debug, Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl RootFs for Mount {
    type Error = RootError;

    fn title(&self) -> String {
        format!("the card at {}", self.root.display())
    }

    fn machine(&mut self) -> Result<elf::Machine, RootError> {
        let unknown = |reason: String| RootError::UnknownMachine { place: self.title(), reason };
        let shell = self.followed("/bin/sh")?;
        let mut header = [0; elf::HEADER];
        let read = File::open(&shell).and_then(|mut file| file.read_exact(&mut header));
        read.map_err(|error| unknown(format!("its /bin/sh: {error}")))?;
        elf::Machine::of(&header).ok_or_else(|| unknown("its /bin/sh is not a program".to_owned()))
    }

    fn existing(&mut self, path: &str) -> Result<Existing, RootError> {
        let real = self.real(path)?;
        let metadata = match real.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Existing::Nothing),
            metadata => metadata.map_err(reading(&real))?,
        };
        if let Some(to) = link_of(&real)? {
            return Ok(Existing::Link(to));
        }
        if !metadata.is_file() {
            return Ok(Existing::Other);
        }
        Ok(Existing::File { sha256: hash(&real)?, mode: mode(&metadata) })
    }

    fn install(
        &mut self,
        files: &[&PlannedFile<'_>],
        progress: &mut dyn FlashProgress,
    ) -> Result<(), RootError> {
        let mut made = Made::default();
        let written = self.write(files, &mut made, progress);
        if written.is_err() {
            for file in &made.files {
                let _ = fs::remove_file(file);
            }
            // Folders that are no longer empty are kept.
            for folder in made.folders.iter().rev() {
                let _ = fs::remove_dir(folder);
            }
        }
        written
    }

    fn self_test(
        &mut self,
        _progress: &mut dyn FlashProgress,
    ) -> Result<Option<String>, RootError> {
        Ok(Some(format!(
            "Unmount it (`umount {}`), put the card into the badge and start it: it tests itself then, and takes a new bundle if all is well.",
            self.root.display()
        )))
    }
}

fn hash(path: &Path) -> Result<Sha256, FileError> {
    let bytes = fs::read(path).map_err(reading(path))?;
    Ok(Sha256::of(&bytes))
}

/// The target of a symbolic link.
fn link_of(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read_link(path) {
        Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
        // Not a link, missing, or a path below a file.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput
                    | io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(reading(path)(error)),
    }
}

#[cfg(unix)]
fn symlink(to: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

#[cfg(not(unix))]
fn symlink(_to: &str, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777
}

#[cfg(not(unix))]
fn mode(_metadata: &fs::Metadata) -> u32 {
    0
}

/// Sets the owner of a new file or folder to that of its parent: root in /etc, the badge's user in its state folder.
#[cfg(unix)]
fn adopt(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let (own, folder) = (fs::metadata(path)?, fs::metadata(path.parent().unwrap_or(path))?);
    if (own.uid(), own.gid()) == (folder.uid(), folder.gid()) {
        return Ok(());
    }
    chown(path, Some(folder.uid()), Some(folder.gid()))
}

#[cfg(not(unix))]
fn adopt(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Drops a written file from the page cache, so that it is read back from the card.
fn forget(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}
