//! Storage for a file that is not whole yet, so that a transfer continues after a pulled cable or a power failure.
//!
//! Two files in one folder: `incoming.part` has the bytes, `incoming.info` says what they are and how many of them are
//! certainly on the medium. The second is replaced by a rename, so it is always the old or the new one. After a power
//! failure, bytes beyond its count may be anything, and are cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::message::{FileKind, MAX_TRANSFER};

/// Bytes after which received data is synced.
const SYNC_BYTES: u32 = 64 << 10;

/// Longest info file, bytes.
const MAX_INFO: u64 = 256;

/// Why a file is not received. The text is sent to the host's user, so it also says what to do.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The medium is full, broken or not writable.
    #[error("the badge cannot keep the file in {}: {source}; make room there, or check the card", .folder.display())]
    Medium {
        /// The inbox.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Longer than [`MAX_TRANSFER`].
    #[error("{0} bytes are too many; a file has at most {MAX_TRANSFER}")]
    TooLarge(u32),
    /// A part or the end of a file whose transfer was not begun.
    #[error("no file was begun; begin it first")]
    NotBegun,
    /// A part that ends beyond the end of the file.
    #[error("more comes than the {bytes} bytes that were announced; send the file again")]
    TooMuch {
        /// Length that was announced, bytes.
        bytes: u32,
    },
    /// The end was announced, but parts are missing.
    #[error("the file is not whole: {have} of {bytes} bytes came; send the rest")]
    NotWhole {
        /// Bytes that were received.
        have: u32,
        /// Length that was announced, bytes.
        bytes: u32,
    },
    /// All bytes were received, but the SHA-256 differs; nothing is kept.
    #[error("the file was damaged on its way, its SHA-256 differs; send it again")]
    Damaged,
}

/// The file that is being received, as the info file stores it before a CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Info {
    kind: FileKind,
    bytes: u32,
    sha256: [u8; 32],
    /// Bytes of the part that are certainly on the medium.
    synced: u32,
}

#[derive(Debug)]
struct Incoming {
    info: Info,
    part: File,
    /// Bytes that were received.
    length: u32,
}

/// Receives one file at a time into a folder.
#[derive(Debug)]
pub struct Inbox {
    folder: PathBuf,
    incoming: Option<Incoming>,
}

impl Inbox {
    /// An inbox in `folder`, which is created with the first file.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), incoming: None }
    }

    /// Begins a file of `bytes` bytes. Returns the offset to continue from, bytes: above 0 if a part of the same file
    /// was received before. A part of another file is discarded.
    ///
    /// # Errors
    /// [`InboxError::TooLarge`], or [`InboxError::Medium`] when there is no space for it.
    pub fn begin(
        &mut self,
        kind: FileKind,
        bytes: u32,
        sha256: [u8; 32],
    ) -> Result<u32, InboxError> {
        if bytes > MAX_TRANSFER {
            return Err(InboxError::TooLarge(bytes));
        }
        let wanted = Info { kind, bytes, sha256, synced: 0 };
        // Data written since the last sync is kept as well. If the sync fails, nothing is kept, and the file starts
        // from 0.
        let _ = self.sync();
        self.incoming = None;
        let incoming = match self.resume(wanted) {
            Some(incoming) => incoming,
            None => self.start(wanted).map_err(|error| self.failed(error))?,
        };
        let length = incoming.length;
        self.incoming = Some(incoming);
        Ok(length)
    }

    /// Stores a part of the file that was begun. Returns the offset to continue from, bytes, which does not change if
    /// the part was received before or does not follow. Up to that offset, data may still be lost in a power failure;
    /// [`Inbox::begin`] returns what is left.
    ///
    /// # Errors
    /// [`InboxError::NotBegun`], [`InboxError::TooMuch`], or [`InboxError::Medium`], after which nothing is kept.
    pub fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, InboxError> {
        let incoming = self.incoming.as_mut().ok_or(InboxError::NotBegun)?;
        let bytes = incoming.info.bytes;
        let end = u64::from(offset) + data.len() as u64;
        let end = u32::try_from(end).ok().filter(|end| *end <= bytes);
        let end = end.ok_or(InboxError::TooMuch { bytes })?;
        if offset != incoming.length {
            return Ok(incoming.length);
        }
        let written = incoming.part.write_all(data);
        incoming.length = end;
        let due = end - incoming.info.synced >= SYNC_BYTES;
        if let Err(error) = written {
            self.discard();
            return Err(self.failed(error));
        }
        if due {
            self.sync()?;
        }
        Ok(end)
    }

    /// Ends the file: checks its SHA-256, read from the medium. Returns its path; a later file may replace it.
    ///
    /// # Errors
    /// [`InboxError::NotBegun`], [`InboxError::NotWhole`], or, after which nothing is kept, [`InboxError::Damaged`]
    /// and [`InboxError::Medium`].
    pub fn finish(&mut self) -> Result<PathBuf, InboxError> {
        let incoming = self.incoming.as_ref().ok_or(InboxError::NotBegun)?;
        let Info { kind, bytes, sha256, .. } = incoming.info;
        if incoming.length < bytes {
            return Err(InboxError::NotWhole { have: incoming.length, bytes });
        }
        self.sync()?;
        let result = self.check_and_move(kind, sha256);
        self.discard();
        result
    }

    /// Syncs received data, as after the cable was pulled.
    ///
    /// # Errors
    /// [`InboxError::Medium`], after which nothing is kept.
    pub fn sync(&mut self) -> Result<(), InboxError> {
        let Some(incoming) = &mut self.incoming else { return Ok(()) };
        if incoming.length == incoming.info.synced {
            return Ok(());
        }
        let info = Info { synced: incoming.length, ..incoming.info };
        // The bytes first: the count never claims more than there is.
        let result = incoming.part.sync_data().and_then(|()| write_info(&self.folder, info));
        incoming.info = info;
        result.map_err(|error| {
            self.discard();
            self.failed(error)
        })
    }

    /// Removes all received files: a part that is not continued, and a whole file that was not used.
    pub fn clear(&mut self) {
        self.discard();
        for kind in [FileKind::Bundle, FileKind::Config] {
            let _ = fs::remove_file(self.folder.join(received(kind)));
        }
    }

    /// Discards the file that is being received.
    pub fn discard(&mut self) {
        self.incoming = None;
        // In this order: an info file never describes another file's bytes. Missing files are not an error.
        let _ = fs::remove_file(self.info());
        let _ = fs::remove_file(self.part());
    }

    fn part(&self) -> PathBuf {
        self.folder.join("incoming.part")
    }

    fn info(&self) -> PathBuf {
        self.folder.join("incoming.info")
    }

    fn failed(&self, source: io::Error) -> InboxError {
        InboxError::Medium { folder: self.folder.clone(), source }
    }

    /// Continues the stored file, if it is the wanted one. On any error it can be sent again.
    fn resume(&self, wanted: Info) -> Option<Incoming> {
        let info = read_info(&self.info())?;
        if (Info { synced: 0, ..info }) != wanted || info.synced > info.bytes {
            return None;
        }
        let mut part = open(&self.part()).ok()?;
        if part.metadata().ok()?.len() < u64::from(info.synced) {
            return None;
        }
        part.set_len(u64::from(info.synced)).ok()?;
        check_room(&self.folder, info.bytes - info.synced).ok()?;
        part.seek(SeekFrom::End(0)).ok()?;
        Some(Incoming { info, part, length: info.synced })
    }

    fn start(&self, info: Info) -> io::Result<Incoming> {
        fs::create_dir_all(&self.folder)?;
        match fs::remove_file(self.info()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let open = || {
            let part = create(&self.part())?;
            check_room(&self.folder, info.bytes)?;
            write_info(&self.folder, info)?;
            sync_folder(&self.folder)?;
            Ok(Incoming { info, part, length: 0 })
        };
        open().inspect_err(|_| {
            let _ = fs::remove_file(self.info());
            let _ = fs::remove_file(self.part());
        })
    }

    fn check_and_move(&self, kind: FileKind, sha256: [u8; 32]) -> Result<PathBuf, InboxError> {
        let failed = |error| self.failed(error);
        if hash(&self.part()).map_err(failed)? != sha256 {
            return Err(InboxError::Damaged);
        }
        let path = self.folder.join(received(kind));
        fs::rename(self.part(), &path).map_err(failed)?;
        sync_folder(&self.folder).map_err(failed)?;
        Ok(path)
    }
}

/// Whether there is space for `bytes` bytes, where the system can tell. Nothing is reserved: a host uses no more space
/// than the bytes that it sent.
fn check_room(folder: &Path, bytes: u32) -> io::Result<()> {
    #[cfg(unix)]
    let room = rustix::fs::statvfs(folder).ok().map(|it| it.f_bavail.saturating_mul(it.f_frsize));
    #[cfg(not(unix))]
    let room = None::<u64>.filter(|_| folder.exists());
    match room {
        Some(room) if room < u64::from(bytes) => Err(io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    }
}

/// Creates a new file at `path`. An existing entry is removed, not followed: it may be a malicious link.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => OpenOptions::new().read(true).write(true).create_new(true).open(path),
    }
}

/// Opens the file at `path`; a link is not followed.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

/// The name of a whole file.
fn received(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Bundle => "received.emocue",
        FileKind::Config => "received.toml",
    }
}

/// The SHA-256 of a file.
fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; SYNC_BYTES as usize];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// `None` when there is none, or it is damaged.
fn read_info(path: &Path) -> Option<Info> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_INFO).read_to_end(&mut bytes).ok()?;
    let (info, crc) = bytes.split_last_chunk()?;
    if crc32fast::hash(info).to_le_bytes() != *crc {
        return None;
    }
    postcard::from_bytes(info).ok()
}

fn write_info(folder: &Path, info: Info) -> io::Result<()> {
    let mut bytes = postcard::to_stdvec(&info).map_err(io::Error::other)?;
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let new = folder.join("incoming.info.new");
    let mut file = create(&new)?;
    file.write_all(&bytes)?;
    file.sync_data()?;
    // If a power failure undoes it, the old count is only lower.
    fs::rename(new, folder.join("incoming.info"))
}

/// Syncs a folder's directory entries, where the system can.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_full_medium_is_reported_and_nothing_half_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut inbox = Inbox::new(folder.path());
        inbox.begin(FileKind::Bundle, 3000, [9; 32]).unwrap();
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        inbox.incoming.as_mut().unwrap().part = full;
        let full = inbox.chunk(0, &[1; 100]).unwrap_err().to_string();
        assert!(full.contains("No space left on device") && full.contains("make room"), "{full}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(inbox.chunk(0, &[1; 100]), Err(InboxError::NotBegun)));
    }

    #[test]
    fn more_than_there_is_room_for_is_refused_before_a_byte_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_room(folder.path(), 1).is_ok());
        // A file system without any space.
        let full = check_room(Path::new("/proc"), 1).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }
}
