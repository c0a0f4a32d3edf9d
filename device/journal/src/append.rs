//! Appends records so that those on the disk stay readable, whatever happens to the one that is being written.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

use crate::error::SealError;
use crate::header::Header;
use crate::interval::Interval;
use crate::{HEADER, MAX_RECORDS, RECORD, seal};

/// The storage of a file's bytes.
pub(crate) trait Medium {
    /// Writes all bytes at `offset`; some may be written when it fails.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Truncates to `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Waits until everything is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Why a record was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The file has the most records that are allowed.
    Full,
    Medium(io::Error),
    Seal(SealError),
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> Self {
        Self::Medium(error)
    }
}

/// The end of a file.
#[derive(Debug)]
pub(crate) struct Appender<M> {
    medium: M,
    header: Header,
    /// Records that are on the disk.
    records: u32,
    /// Whether bytes may follow them, from an append that failed or was interrupted by a power failure.
    torn: bool,
}

impl<M: Medium> Appender<M> {
    /// Writes the header of a new file.
    pub(crate) fn begin(mut medium: M, header: Header) -> io::Result<Self> {
        medium.write_at(0, &header.encode())?;
        medium.sync()?;
        Ok(Self { medium, header, records: 0, torn: false })
    }

    /// Continues a file of `bytes` bytes, which has this header.
    pub(crate) fn resume(medium: M, header: Header, bytes: u64) -> Self {
        let records = bytes.saturating_sub(HEADER as u64) / RECORD as u64;
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        Self { medium, header, records, torn: bytes != end(records) }
    }

    pub(crate) fn records(&self) -> u32 {
        self.records
    }

    /// Appends a record, which is on the disk when this returns. When it fails, the ones before are as they were.
    pub(crate) fn append(&mut self, interval: &Interval) -> Result<(), AppendError> {
        if self.records >= MAX_RECORDS {
            return Err(AppendError::Full);
        }
        let Header { key, .. } = &self.header;
        let record = seal::seal(key, &self.header.encode(), self.records, interval);
        let record = record.map_err(AppendError::Seal)?;
        if self.torn {
            self.medium.cut(end(self.records))?;
        }
        self.torn = true;
        let at = end(self.records);
        let written = self.medium.write_at(at, &record).and_then(|()| self.medium.sync());
        match written {
            Ok(()) => {
                self.records += 1;
                self.torn = false;
                Ok(())
            }
            Err(error) => {
                // This works on a full disk. If it fails too, the next append or a reader ignores the rest.
                self.torn = self.medium.cut(at).and_then(|()| self.medium.sync()).is_err();
                Err(error.into())
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn into_medium(self) -> M {
        self.medium
    }
}

/// Length of a file with `records` records, bytes.
pub(crate) fn end(records: u32) -> u64 {
    HEADER as u64 + u64::from(records) * RECORD as u64
}
