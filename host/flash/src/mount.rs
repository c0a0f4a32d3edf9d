//! A badge's card, mounted on this computer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use emocue_models::bundle::Sha256;

use super::error::{reading, writing};
use super::follow::follow;
use super::plan::{Content, Item};
use super::table::{Place, folder, folder_mode, folders, name, old, waiting};
use super::{FlashError, Found, Part, Root, Watch, elf};

/// Written at once; after each, a flash may stop.
const CHUNK: usize = 256 << 10;

/// The root of a card.
#[derive(Debug)]
pub struct Mount {
    root: PathBuf,
}

impl Mount {
    /// Takes the folder `path` for a badge's root, where it looks like one.
    ///
    /// # Errors
    /// [`FlashError::NoRoot`] when it is none, or the root of this computer.
    pub fn open(path: &Path) -> Result<Self, FlashError> {
        let root = path.canonicalize().map_err(reading(path))?;
        let no = |reason| Err(FlashError::NoRoot { path: root.clone(), reason });
        if root == Path::new("/") {
            return no(
                "is this computer's own root\n  Name the folder where the card is mounted. A badge itself is flashed with --to ssh://user@host.",
            );
        }
        let has = |name: &str| root.join(name).exists();
        if ["cmdline.txt", "bootcode.bin", "extlinux"].into_iter().any(has) && !has("usr") {
            return no(
                "is a card's boot partition\n  Name its other partition, usually called rootfs, where etc and usr lie.",
            );
        }
        if !["etc", "usr"].into_iter().all(|name| root.join(name).is_dir()) {
            return no(
                "is no root of a Linux system: etc or usr is missing\n  Name the folder where the card's largest partition is mounted; `lsblk` shows it.",
            );
        }
        Ok(Self { root })
    }

    /// Where a path of the badge lies on this computer, its last part not followed if it is a link.
    fn real(&self, path: &str) -> Result<PathBuf, FlashError> {
        Ok(self.followed(folder(path))?.join(name(path)))
    }

    /// The same, with every link followed inside of the card.
    fn followed(&self, path: &str) -> Result<PathBuf, FlashError> {
        let link = |path: &str| link_of(&self.root.join(&path[1..]));
        let inside = follow(path, link)?.ok_or_else(|| FlashError::Links(path.to_owned()))?;
        Ok(self.root.join(&inside[1..]))
    }

    /// Makes the folders that `path` needs; returns those that are new.
    fn make_folders(&self, path: &str, made: &mut Vec<PathBuf>) -> Result<(), FlashError> {
        for folder in folders(path) {
            let real = self.followed(folder)?;
            match fs::create_dir(&real) {
                Ok(()) => {
                    made.push(real.clone());
                    set_mode(&real, folder_mode(folder)).map_err(writing(&real))?;
                    adopt(&real).map_err(writing(&real))?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && real.is_dir() => {}
                Err(error) => return Err(writing(&real)(error)),
            }
        }
        Ok(())
    }

    /// Writes an item beside its place and reads it back.
    fn stage(
        &self,
        item: &Item<'_>,
        made: &mut Made,
        watch: &mut dyn Watch,
    ) -> Result<(), FlashError> {
        let Item { place, content, .. } = item;
        self.make_folders(place.path, &mut made.folders)?;
        let beside = self.real(&waiting(place.path))?;
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(writing(&beside)(error));
            }
            _ => made.files.push(beside.clone()),
        }
        let bytes = match content {
            Content::Link(to) => return symlink(to, &beside).map_err(writing(&beside)),
            Content::File(bytes) => bytes,
        };
        watch.begin(place.path, bytes.len() as u64);
        let failed = writing(&beside);
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => file,
            Err(error) => return Err(failed(error)),
        };
        for chunk in bytes.chunks(CHUNK) {
            if watch.stop() {
                return Err(FlashError::Interrupted);
            }
            file.write_all(chunk).map_err(writing(&beside))?;
            watch.advance(chunk.len() as u64);
        }
        file.sync_all().map_err(writing(&beside))?;
        forget(&file);
        drop(file);
        watch.end();
        if hash(&beside)? != Sha256::of(bytes) {
            return Err(FlashError::ReadBack(place.path.to_owned()));
        }
        set_mode(&beside, place.mode).map_err(writing(&beside))?;
        adopt(&beside).map_err(writing(&beside))
    }

    /// Puts what is beside a place into it.
    fn commit(&self, place: &Place) -> Result<(), FlashError> {
        let (here, beside) = (self.real(place.path)?, self.real(&waiting(place.path))?);
        if place.keep_old && here.symlink_metadata().is_ok() {
            // Twice the same file for a moment, so that there is no moment without one.
            let kept = self.real(&old(place.path))?;
            let step = self.real(&waiting(&old(place.path)))?;
            let _ = fs::remove_file(&step);
            let linked = fs::hard_link(&here, &step).or_else(|_| fs::copy(&here, &step).map(drop));
            linked.and_then(|()| fs::rename(&step, &kept)).map_err(writing(&kept))?;
        }
        fs::rename(&beside, &here).map_err(writing(&here))?;
        let folder = here.parent().unwrap_or(&self.root);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing(folder))
    }

    fn write(
        &self,
        items: &[&Item<'_>],
        made: &mut Made,
        watch: &mut dyn Watch,
    ) -> Result<(), FlashError> {
        for item in items {
            self.stage(item, made, watch)?;
        }
        if watch.stop() {
            return Err(FlashError::Interrupted);
        }
        items.iter().try_for_each(|item| self.commit(item.place))?;
        if items.iter().any(|item| item.place.part == Part::App) {
            self.renew()?;
        }
        Ok(())
    }

    /// systemd makes the users that a card lacks when /usr is younger than what it remembers (systemd-sysusers.service,
    /// ConditionNeedsUpdate=), so /usr has to look changed.
    fn renew(&self) -> Result<(), FlashError> {
        let usr = self.followed("/usr")?;
        let touch = || -> io::Result<()> {
            let folder = File::open(&usr)?;
            let before = folder.metadata()?.modified()?;
            folder.set_modified(SystemTime::now().max(before + Duration::from_secs(1)))
        };
        touch().map_err(writing(&usr))
    }
}

/// What a flash has made so far.
#[derive(Debug, Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Root for Mount {
    fn title(&self) -> String {
        format!("the card at {}", self.root.display())
    }

    fn machine(&mut self) -> Result<elf::Machine, FlashError> {
        let unknown = |reason: String| FlashError::UnknownMachine { place: self.title(), reason };
        let shell = self.followed("/bin/sh")?;
        let mut header = [0; elf::HEADER];
        let read = File::open(&shell).and_then(|mut file| file.read_exact(&mut header));
        read.map_err(|error| unknown(format!("its /bin/sh: {error}")))?;
        elf::Machine::of(&header).ok_or_else(|| unknown("its /bin/sh is no program".to_owned()))
    }

    fn look(&mut self, path: &str) -> Result<Found, FlashError> {
        let real = self.real(path)?;
        let metadata = match real.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            metadata => metadata.map_err(reading(&real))?,
        };
        if let Some(to) = link_of(&real)? {
            return Ok(Found::Link(to));
        }
        if !metadata.is_file() {
            return Ok(Found::Other);
        }
        Ok(Found::File { sha256: hash(&real)?, mode: mode(&metadata) })
    }

    fn install(&mut self, items: &[&Item<'_>], watch: &mut dyn Watch) -> Result<(), FlashError> {
        let mut made = Made::default();
        let written = self.write(items, &mut made, watch);
        if written.is_err() {
            for file in &made.files {
                let _ = fs::remove_file(file);
            }
            // Those that hold something by now stay.
            for folder in made.folders.iter().rev() {
                let _ = fs::remove_dir(folder);
            }
        }
        written
    }

    fn self_test(&mut self, _watch: &mut dyn Watch) -> Result<Option<String>, FlashError> {
        Ok(Some(format!(
            "Unmount it (`umount {}`), put the card into the badge and start it: it tests itself then, and takes a new bundle if all is well.",
            self.root.display()
        )))
    }
}

fn hash(path: &Path) -> Result<Sha256, FlashError> {
    let bytes = fs::read(path).map_err(reading(path))?;
    Ok(Sha256::of(&bytes))
}

/// Where a symbolic link leads.
fn link_of(path: &Path) -> Result<Option<String>, FlashError> {
    match fs::read_link(path) {
        Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
        // No link, nothing, or something below a file.
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

/// Gives a new file or folder to whom its folder belongs: to root in /etc, to the badge in what the badge keeps.
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

/// Drops a written file from memory, so that it is read back from the card.
fn forget(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}
