//! The wearer's own journal: how often each settled answer was shown, counted over five minutes, and sealed so that only
//! the wearer can read it. No pictures, no faces, no times finer than that.
//!
//! | Module | What |
//! |---|---|
//! | [`key`], [`key_file`] | the keys of journals |
//! | [`interval`] | five minutes of counts |
//! | [`recorder`] | from answers to intervals; no clock of its own, no file |
//! | [`journal`] | the file that is being written |
//! | [`folder`] | the files of a badge, for copies |
//! | [`mod@read`] | reads a file with the secret key |
//!
//! # Format
//!
//! A file has a header of 60 bytes and records of 72 bytes. Numbers are little-endian.
//!
//! | Header | Bytes | |
//! |---|---|---|
//! | magic and version | 8 | `emojrnl` and `0x01` |
//! | key | 32 | the X25519 public key that it is sealed to |
//! | id | 16 | random, so that no two files are the same |
//! | sum | 4 | CRC-32 of the 56 bytes before it |
//!
//! | Record | Bytes | |
//! |---|---|---|
//! | encapsulated key | 32 | HPKE's `enc`, new for every record |
//! | ciphertext | 24 | an interval |
//! | tag | 16 | |
//!
//! | Interval | Bytes | |
//! |---|---|---|
//! | slot | 4 | Unix time / 300 s, by the badge's clock |
//! | streamed | 2 | seconds in which the camera streamed, 0 to 300 |
//! | counts | 9 x 2 | neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unsure |
//!
//! Each record is sealed by itself with HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! ChaCha20-Poly1305. `info` is the file's header, the associated data is the record's index in the file (4 bytes), so
//! a record cannot be changed, moved within a file, or put into another. Records can be cut off at the end and whole
//! files can be removed; base mode does not authenticate the sender, so anybody who has the card can also append
//! records of their own.
//!
//! Records are only appended, and each is on the disk before the next one is written. After a power failure the last one
//! may be torn: fewer bytes than a record are cut off by the next append, and ignored by readers.
//!
//! ```
//! use emocue_journal::{Interval, Journal, JournalSecretKey, read_file};
//!
//! # let folder = std::env::temp_dir().join(format!("journal-example-{}", std::process::id()));
//! let secret = JournalSecretKey::random()?;
//! let mut journal = Journal::begin(&folder, &secret.public())?;
//! journal.append(&Interval { slot: 5_900_000, streamed_s: 300, ..Interval::default() })?;
//! let opened = read_file(journal.path(), &secret)?;
//! assert_eq!(opened.intervals[0].streamed_s, 300);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod append;
pub mod error;
pub mod folder;
mod header;
pub mod interval;
pub mod journal;
pub mod key;
pub mod key_file;
pub mod read;
pub mod recorder;
mod seal;
#[cfg(test)]
mod tests;

pub use error::{JournalError, ReadError};
pub use folder::FOLDER;
pub use header::JournalId;
pub use interval::{Counted, Counts, Interval};
pub use journal::Journal;
pub use key::{InvalidJournalKey, JournalKey, JournalSecretKey, RandomError};
pub use key_file::KeyFileError;
pub use read::{Opened, key_of, read, read_file};
pub use recorder::Recorder;

/// Length of a file's header, bytes.
pub const HEADER: usize = header::LENGTH;

/// Bytes of a record.
pub const RECORD: usize = seal::LENGTH;

/// Most records of a file: two days of them.
pub const MAX_RECORDS: u32 = 576;

/// Largest file, bytes.
pub const MAX_FILE: usize = HEADER + MAX_RECORDS as usize * RECORD;

/// Most files of a badge. All of them are at most 16 MiB.
pub const MAX_FILES: usize = 366;

const _: () = assert!(MAX_FILES * MAX_FILE <= 16 << 20);

/// Length of an interval, s.
pub const INTERVAL_S: u32 = 300;
