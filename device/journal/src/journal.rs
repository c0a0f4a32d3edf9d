//! The file of a journal that is being written.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::append::{AppendError, Appender};
use crate::error::{JournalError, ReadError};
use crate::header::{Header, JournalId};
use crate::interval::Interval;
use crate::key::JournalKey;
use crate::{HEADER, MAX_FILE, folder};

/// How often another number is tried if another program takes it at the same time.
const ATTEMPTS: u32 = 8;

/// A journal that is written: one file, to which intervals are appended.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    id: JournalId,
    appender: Appender<File>,
}

impl Journal {
    /// Begins a journal in a new file in `folder`, sealed to `key`. A missing folder is created. Folder and file are
    /// accessible to their owner only, and are on the disk when this returns. No file is replaced and no link followed.
    ///
    /// # Errors
    /// [`JournalError::Full`], [`JournalError::Folder`], [`JournalError::Write`], or [`JournalError::Seal`] where the
    /// system gives no random numbers.
    pub fn begin(folder: &Path, key: &JournalKey) -> Result<Self, JournalError> {
        let cannot = |source| JournalError::Folder { path: folder.to_owned(), source };
        let id = JournalId::random().map_err(|error| JournalError::Seal(error.into()))?;
        make_folder(folder).map_err(cannot)?;
        for _ in 0..ATTEMPTS {
            let numbers = folder::numbers(folder).map_err(cannot)?;
            let Some(number) = folder::next(&numbers) else {
                return Err(JournalError::Full(folder.to_owned()));
            };
            let path = folder::path(folder, number);
            let write = |source| JournalError::Write { path: path.clone(), source };
            let file = match create(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(write(error)),
            };
            let begun = Appender::begin(file, Header { key: *key, id });
            let begun = begun.and_then(|appender| sync_folder(folder).map(|()| appender));
            return match begun {
                Ok(appender) => Ok(Self { path, id, appender }),
                Err(error) => {
                    // It has no records.
                    let _ = fs::remove_file(&path);
                    Err(write(error))
                }
            };
        }
        Err(cannot(io::Error::from(io::ErrorKind::AlreadyExists)))
    }

    /// Continues the journal in `path`, as after a restart; the next append cuts off a last record that is incomplete
    /// after a power failure.
    ///
    /// # Errors
    /// [`JournalError::Write`] where the file cannot be opened or is a link, [`JournalError::Content`] where it is not a
    /// journal.
    pub fn resume(path: &Path) -> Result<Self, JournalError> {
        let write = |source| JournalError::Write { path: path.to_owned(), source };
        let content = |reason| JournalError::Content { path: path.to_owned(), reason };
        let (mut file, bytes) = folder::open(path, true).map_err(write)?;
        if bytes > MAX_FILE as u64 {
            return Err(content(ReadError::TooLong(bytes)));
        }
        let mut header = Vec::with_capacity(HEADER);
        let mut start = io::Read::take(&mut file, HEADER as u64);
        io::Read::read_to_end(&mut start, &mut header).map_err(write)?;
        let header = Header::decode(&header).map_err(content)?;
        let appender = Appender::resume(file, header, bytes);
        Ok(Self { path: path.to_owned(), id: header.id, appender })
    }

    /// Appends an interval, which is on the disk when this returns. When it fails, the ones before are as they were, and
    /// the next append may succeed.
    ///
    /// # Errors
    /// [`JournalError::FileFull`], [`JournalError::Write`] as on a full disk, or [`JournalError::Seal`].
    pub fn append(&mut self, interval: &Interval) -> Result<(), JournalError> {
        self.appender.append(interval).map_err(|error| match error {
            AppendError::Full => JournalError::FileFull(self.path.clone()),
            AppendError::Medium(source) => JournalError::Write { path: self.path.clone(), source },
            AppendError::Seal(error) => error.into(),
        })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its random identifier.
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// Number of its intervals.
    pub fn len(&self) -> u32 {
        self.appender.records()
    }

    /// Whether it has no interval.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Creates a new file that only its owner can access; fails if the path is a link.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        options.mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

/// Creates the last component of a folder's path if it is missing, accessible to its owner only; a link is refused.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !fs::symlink_metadata(folder)?.is_dir() {
                return Err(io::Error::from(io::ErrorKind::NotADirectory));
            }
        }
        Err(error) => return Err(error),
    }
    // A folder that exists may have been created by a killed program, so it is synced too.
    match folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent),
        None => sync_folder(Path::new(".")),
    }
}

/// Waits until the directory entries of `folder` are on the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    // On other systems folders cannot be opened.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
