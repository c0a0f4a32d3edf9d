//! Reads a journal with its secret key.

use std::path::Path;

use crate::append::end;
use crate::error::{JournalError, ReadError};
use crate::header::{Header, JournalId};
use crate::interval::Interval;
use crate::key::{JournalKey, JournalSecretKey};
use crate::{HEADER, MAX_FILE, RECORD, folder, seal};

/// The content of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its random identifier.
    pub id: JournalId,
    /// The key that it is sealed to.
    pub key: JournalKey,
    /// The intervals in the order in which they were written.
    pub intervals: Vec<Interval>,
    /// Indices, from 0, of records that cannot be opened: they were changed, or the power failed while they were
    /// written.
    pub damaged: Vec<u32>,
    /// Bytes after the last whole record: an incomplete record, as after a power failure.
    pub torn: usize,
}

impl Opened {
    /// The indices in [`Opened::intervals`] of intervals before which the badge's clock was set back.
    pub fn set_back(&self) -> Vec<usize> {
        let pairs = self.intervals.windows(2).enumerate();
        pairs.filter(|(_, pair)| pair[1].slot < pair[0].slot).map(|(at, _)| at + 1).collect()
    }
}

/// Opens a journal's bytes. A record that cannot be opened is listed in [`Opened::damaged`], and the others are read.
///
/// # Errors
/// [`ReadError`] where nothing can be read at all.
pub fn read(bytes: &[u8], key: &JournalSecretKey) -> Result<Opened, ReadError> {
    if bytes.len() > MAX_FILE {
        return Err(ReadError::TooLong(bytes.len() as u64));
    }
    let header = Header::decode(bytes)?;
    let given = key.public();
    if header.key != given {
        let (sealed_to, given) = (header.key.short(), given.short());
        return Err(ReadError::OtherKey { sealed_to, given });
    }
    let info = header.encode();
    let (records, torn) = bytes[HEADER..].as_chunks::<RECORD>();
    let (mut intervals, mut damaged) = (Vec::with_capacity(records.len()), Vec::new());
    for (index, record) in (0..).zip(records) {
        match seal::open(key, &info, index, record) {
            Some(interval) => intervals.push(interval),
            None => damaged.push(index),
        }
    }
    Ok(Opened { id: header.id, key: header.key, intervals, damaged, torn: torn.len() })
}

/// Opens a journal's file.
///
/// # Errors
/// [`JournalError::Read`] or [`JournalError::Content`].
pub fn read_file(path: &Path, key: &JournalSecretKey) -> Result<Opened, JournalError> {
    let content = |reason| JournalError::Content { path: path.to_owned(), reason };
    read(&folder::bytes(path)?, key).map_err(content)
}

/// The public key of a journal, its identifier, and the length of its header and whole records, bytes; without the
/// secret key.
///
/// # Errors
/// [`ReadError`] where it is not a journal.
pub fn key_of(bytes: &[u8]) -> Result<(JournalKey, JournalId, usize), ReadError> {
    if bytes.len() > MAX_FILE {
        return Err(ReadError::TooLong(bytes.len() as u64));
    }
    let header = Header::decode(bytes)?;
    // At most MAX_FILE.
    let records = ((bytes.len() - HEADER) / RECORD) as u32;
    Ok((header.key, header.id, end(records) as usize))
}
