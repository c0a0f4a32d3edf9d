//! A badge's journals as files: their names, and their whole records for copies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::append::end;
use crate::error::{JournalError, ReadError};
use crate::header;
use crate::{HEADER, MAX_FILE, MAX_FILES, RECORD};

/// The folder of journals in a badge's state folder.
pub const FOLDER: &str = "journal";

/// File name extension of sealed files, without the dot.
pub const EXTENSION: &str = "sealed";

/// The highest number of a file.
pub(crate) const MAX_NUMBER: u32 = 9999;

/// A journal in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number, from 1; a badge may reuse it after the file was removed.
    pub number: u32,
    /// Length of its header and whole records, bytes.
    pub bytes: u32,
}

/// A part of a journal's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Length of its header and whole records, bytes.
    pub total: u32,
    /// Bytes from the offset on.
    pub data: Vec<u8>,
}

/// A file's name: `journal-0001.sealed`.
pub fn name(number: u32) -> String {
    format!("journal-{number:04}.{EXTENSION}")
}

/// The number in a name.
fn number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("journal-")?.strip_suffix(".sealed")?;
    let plain = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().filter(|number| *number > 0)
}

/// The numbers of all entries with a journal's name, in order.
pub(crate) fn numbers(folder: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        numbers.extend(entry?.file_name().to_str().and_then(number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The number of the next file; `None` if no more are allowed.
pub(crate) fn next(numbers: &[u32]) -> Option<u32> {
    if numbers.len() >= MAX_FILES {
        return None;
    }
    let next = numbers.last().map_or(1, |last| last + 1);
    if next <= MAX_NUMBER { Some(next) } else { (1..next).find(|free| !numbers.contains(free)) }
}

/// A folder's journals in the order of their numbers, at most [`MAX_FILES`]; none where the folder is missing. Entries
/// that are not a regular file with a whole header are skipped.
///
/// # Errors
/// [`JournalError::Folder`].
pub fn list(folder: &Path) -> Result<Vec<Listed>, JournalError> {
    let cannot = |source| JournalError::Folder { path: folder.to_owned(), source };
    let numbers = match numbers(folder) {
        Ok(numbers) => numbers,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot(error)),
    };
    let listed = |number: u32| {
        let (_, bytes) = begun(&path(folder, number)).ok()?.ok()?;
        Some(Listed { number, bytes })
    };
    Ok(numbers.into_iter().filter_map(listed).take(MAX_FILES).collect())
}

/// At most `most` bytes of journal `number` from `offset` on. A link is not followed, and a file that is not a journal
/// is not read.
///
/// # Errors
/// [`JournalError::Read`] or [`JournalError::Content`].
pub fn part(folder: &Path, number: u32, offset: u32, most: usize) -> Result<Part, JournalError> {
    let path = folder.join(name(number));
    let cannot = |source| JournalError::Read { path: path.clone(), source };
    let content = |reason| JournalError::Content { path: path.clone(), reason };
    let (mut file, total) = begun(&path).map_err(cannot)?.map_err(content)?;
    let rest = (total.saturating_sub(offset) as usize).min(most);
    let mut data = vec![0; rest];
    if rest > 0 {
        file.seek(SeekFrom::Start(offset.into())).map_err(cannot)?;
        file.read_exact(&mut data).map_err(cannot)?;
    }
    Ok(Part { total, data })
}

/// A journal's file, and the length of its header and whole records.
fn begun(path: &Path) -> io::Result<Result<(File, u32), ReadError>> {
    let (mut file, length) = open(path, false)?;
    let mut start = Vec::with_capacity(HEADER);
    io::Read::take(&mut file, HEADER as u64).read_to_end(&mut start)?;
    Ok(header::whole(&start).map(|_| (file, whole(length))))
}

/// The length of the header and the whole records in a file of `bytes` bytes: 0 without a whole header, and at most that
/// of the largest journal.
fn whole(bytes: u64) -> u32 {
    let bytes = bytes.min(MAX_FILE as u64);
    match bytes.checked_sub(HEADER as u64) {
        // At most MAX_FILE.
        Some(records) => end((records / RECORD as u64) as u32) as u32,
        None => 0,
    }
}

/// Opens a regular file to read, or to read and write, and returns its length, bytes. A link is not followed, and
/// opening a pipe does not block.
pub(crate) fn open(path: &Path, write: bool) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.read(true).write(write);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok((file, found.len()))
}

/// All bytes of a regular file that may be a journal. A link is followed, since the user names the file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, JournalError> {
    let cannot = |source| JournalError::Read { path: path.to_owned(), source };
    let found = fs::metadata(path).map_err(cannot)?;
    if !found.is_file() {
        let other = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        return Err(cannot(other));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > MAX_FILE {
        let reason = ReadError::TooLong(found.len());
        return Err(JournalError::Content { path: path.to_owned(), reason });
    }
    Ok(bytes)
}

/// The path of journal `number`.
pub fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(name(number))
}
