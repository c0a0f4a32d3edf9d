//! Copies a badge's journals: new ones, and those that have grown. A copy is never replaced by a shorter or a different
//! journal.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use emocue_flash::monitor::BadgeSession;
use emocue_journal::folder::{EXTENSION, name};
use emocue_journal::{JournalId, RECORD, key_of};
use emocue_models::failure::{Failure, Problem, exit, line};
use emocue_models::files::write_atomically;

use super::files::{bytes_of, journals_in};

/// The outcome for a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// It is new, with this many records.
    New(usize),
    /// It has grown by this many records.
    Grew(usize),
    /// The copy is identical.
    Same,
    /// The copy is longer than the badge's journal.
    Longer,
    /// The copy differs, and is kept.
    Differs,
}

/// The folder of the copies.
#[derive(Debug)]
pub struct Copies {
    folder: PathBuf,
    /// Existing copies by their identifiers.
    there: BTreeMap<JournalId, PathBuf>,
}

impl Copies {
    /// Opens the folder, which is created if it is missing.
    ///
    /// # Errors
    /// The operating system's error.
    pub fn in_folder(folder: &Path) -> Result<Self, Problem> {
        let cannot = |error| {
            let message = format!("cannot use the folder {}: {error}", folder.display());
            Problem::new(message).code(exit::FOLDER)
        };
        fs::create_dir_all(folder).map_err(cannot)?;
        let mut there = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            let sealed = path.extension().is_some_and(|found| found == EXTENSION);
            if let Some(bytes) = sealed.then(|| bytes_of(&path).ok()).flatten()
                && let Ok((_, id, _)) = key_of(&bytes)
            {
                there.insert(id, path);
            }
        }
        Ok(Self { folder: folder.to_owned(), there })
    }

    /// The copy of journal `id`, and its bytes.
    fn copy_of(&self, id: JournalId) -> Option<(&Path, Vec<u8>)> {
        let path = self.there.get(&id)?;
        Some((path, bytes_of(path).ok()?))
    }

    /// Copies a badge's journal without an incomplete record at its end. Returns the path of the copy.
    ///
    /// # Errors
    /// Bytes that are not a journal, or a file that cannot be written.
    pub fn take(
        &mut self,
        number: u32,
        bytes: &[u8],
    ) -> Result<(PathBuf, Pulled), Box<dyn Failure>> {
        let (_, id, whole) = key_of(bytes)?;
        let new = &bytes[..whole];
        if let Some((path, old)) = self.copy_of(id) {
            let old = key_of(&old).map_or(&old[..], |(.., whole)| &old[..whole]);
            let pulled = match (new.starts_with(old), old.starts_with(new)) {
                (true, true) => Pulled::Same,
                (true, false) => Pulled::Grew((new.len() - old.len()) / RECORD),
                (false, true) => Pulled::Longer,
                (false, false) => Pulled::Differs,
            };
            if let Pulled::Grew(_) = pulled {
                write_atomically(path, new)?;
            }
            return Ok((path.to_owned(), pulled));
        }
        let own = name(number);
        let stem = own.strip_suffix(EXTENSION).unwrap_or(&own).trim_end_matches('.');
        // A badge numbers its journals from 1 again after they were removed.
        let path = self.folder.join(format!("{stem}-{}.{EXTENSION}", id.short()));
        if fs::symlink_metadata(&path).is_ok() {
            return Ok((path, Pulled::Differs));
        }
        write_atomically(&path, new)?;
        self.there.insert(id, path.clone());
        Ok((path, Pulled::New(new.len().saturating_sub(emocue_journal::HEADER) / RECORD)))
    }
}

/// Receives the outcome for each journal.
pub type Report<'a> = &'a mut dyn FnMut(&str, Result<(PathBuf, Pulled), String>);

/// Copies the journals of a folder: a badge's own, its state folder, or its card's root.
///
/// # Errors
/// A folder that cannot be read or has no journal.
pub fn from_folder(from: &Path, copies: &mut Copies, report: Report<'_>) -> Result<(), Problem> {
    for (at, path) in (1..).zip(journals_in(&[from.to_owned()])?) {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let number = (1..=9999).find(|number| name(*number) == file).unwrap_or(at);
        let taken = match bytes_of(&path) {
            Ok(bytes) => copies.take(number, &bytes).map_err(|error| line(error.as_ref())),
            Err(error) => Err(error.to_string()),
        };
        report(&file, taken);
    }
    Ok(())
}

/// Copies the journals of a running badge. Of a journal whose copy has the same length and beginning, only the first
/// part is fetched.
///
/// # Errors
/// The badge's error, or that it cannot be reached.
pub fn from_badge(
    badge: &mut dyn BadgeSession,
    copies: &mut Copies,
    report: Report<'_>,
) -> Result<(), Problem> {
    for entry in badge.journals()? {
        let mut is_there = None;
        let bytes = badge.journal(entry.number, &mut |total, bytes| {
            let copy = key_of(bytes).ok().and_then(|(_, id, _)| copies.copy_of(id));
            match copy {
                Some((path, copy)) if copy.len() == total as usize && copy.starts_with(bytes) => {
                    is_there = Some(path.to_owned());
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        });
        let file = name(entry.number);
        match (is_there, bytes) {
            (Some(path), Ok(_)) => report(&file, Ok((path, Pulled::Same))),
            (None, Ok(bytes)) => {
                let taken = copies.take(entry.number, &bytes);
                report(&file, taken.map_err(|error| line(error.as_ref())));
            }
            (_, Err(problem)) => return Err(problem),
        }
    }
    Ok(())
}
