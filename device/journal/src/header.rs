//! A file's first bytes.

use std::fmt;

use emocue_models::hex;

use crate::error::ReadError;
use crate::key::{JournalKey, RandomError};

/// The first bytes of a file; the version follows.
const MAGIC: &[u8; 7] = b"emojrnl";

/// The version that this program writes.
const VERSION: u8 = 1;

/// Bytes that the checksum covers.
const SUMMED: usize = 8 + 32 + 16;

/// Bytes of a header.
pub(crate) const LENGTH: usize = SUMMED + 4;

/// A random identifier of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalId([u8; 16]);

impl JournalId {
    /// From the system's random numbers.
    pub(crate) fn random() -> Result<Self, RandomError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(RandomError)?;
        Ok(Self(id))
    }

    /// Its first eight digits.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JournalId({self})")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) key: JournalKey,
    pub(crate) id: JournalId,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..7].copy_from_slice(MAGIC);
        bytes[7] = VERSION;
        bytes[8..40].copy_from_slice(&self.key.to_bytes());
        bytes[40..56].copy_from_slice(&self.id.0);
        let sum = crc32fast::hash(&bytes[..SUMMED]);
        bytes[SUMMED..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The header of a file.
    pub(crate) fn decode(file: &[u8]) -> Result<Self, ReadError> {
        let summed = whole(file)?;
        let key = summed[8..40].try_into().ok().and_then(JournalKey::from_bytes);
        let id = summed[40..].try_into().ok().map(JournalId);
        match (key, id) {
            (Some(key), Some(id)) => Ok(Self { key, id }),
            _ => Err(ReadError::Header),
        }
    }
}

/// The header of a file without its checksum, which is verified; the key is not checked, which is slow.
pub(crate) fn whole(file: &[u8]) -> Result<&[u8; SUMMED], ReadError> {
    let begun = file.len().min(MAGIC.len());
    if file[..begun] != MAGIC[..begun] {
        // Some file systems leave zeros for data that was not on the disk yet.
        let zeros = file.iter().all(|byte| *byte == 0);
        return Err(if zeros { ReadError::NotBegun } else { ReadError::NotJournal });
    }
    let Some((summed, rest)) = file.split_first_chunk::<SUMMED>() else {
        return Err(ReadError::NotBegun);
    };
    let Some(sum) = rest.first_chunk::<4>() else { return Err(ReadError::NotBegun) };
    if summed[7] > VERSION {
        return Err(ReadError::Later(summed[7]));
    }
    let right = summed[7] == VERSION && *sum == crc32fast::hash(summed).to_le_bytes();
    if right { Ok(summed) } else { Err(ReadError::Header) }
}
