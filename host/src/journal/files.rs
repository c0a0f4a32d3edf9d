//! Journal files: finding and decrypting them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use emocue_journal::folder::EXTENSION;
use emocue_journal::{
    FOLDER, JournalError, JournalId, JournalSecretKey, MAX_FILE, Opened, ReadError, key_of,
    read_file,
};
use emocue_models::failure::{Failure, Problem, exit};

/// The state folder on a badge's card.
const STATE: &str = "var/lib/emocue";

/// A decrypted journal.
#[derive(Clone, Debug)]
pub struct JournalFile {
    /// Path of its file.
    pub path: PathBuf,
    /// Its content.
    pub opened: Opened,
}

/// The result of opening files.
#[derive(Debug, Default)]
pub struct Opening {
    /// Journals, each once, in the order of their first interval.
    pub files: Vec<JournalFile>,
    /// The errors of files that cannot be opened.
    pub refused: Vec<JournalError>,
    /// Files that are copies of others with at least as many records.
    pub copies: Vec<PathBuf>,
}

/// The folder with the journals: `folder`, or the one within a state folder or a card's root.
pub fn folder_of(folder: &Path) -> PathBuf {
    let inside = [Path::new(FOLDER).to_owned(), Path::new(STATE).join(FOLDER)];
    let places = inside.map(|inside| folder.join(inside));
    let has_files = |folder: &Path| sealed_in(folder).is_ok_and(|files| !files.is_empty());
    // No link is followed: on a card from elsewhere it may lead to a folder of this computer.
    let leads_out = |place: &Path| {
        let inside = place.ancestors().take_while(|inside| *inside != folder);
        inside.into_iter().any(|inside| inside.is_symlink())
    };
    let is_there = |place: &PathBuf| place.is_dir() && !leads_out(place);
    let found = places.into_iter().find(|place| is_there(place) && !has_files(folder));
    found.unwrap_or_else(|| folder.to_owned())
}

/// The encrypted journals of a folder, by name.
fn sealed_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_file = entry.file_type()?.is_file();
        if path.extension().is_some_and(|found| found == EXTENSION) && is_file {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The journals of `places`, each a file or a folder.
///
/// # Errors
/// A folder that cannot be read or has no journal, or a missing file.
pub fn journals_in(places: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    for place in places {
        if !place.is_dir() {
            if let Err(error) = fs::symlink_metadata(place) {
                let message = format!("cannot read {}: {error}", place.display());
                return Err(Problem::new(message).code(exit::INPUT));
            }
            files.push(place.clone());
            continue;
        }
        let folder = folder_of(place);
        let cannot = |error| {
            let message = format!("cannot read the folder {}: {error}", folder.display());
            Problem::new(message).code(exit::INPUT)
        };
        let found = sealed_in(&folder).map_err(cannot)?;
        if found.is_empty() {
            let message = format!("no journal is in {}", folder.display());
            let help = "`emocue journal pull --on BADGE --to DIR` copies a badge's journals.";
            return Err(Problem::new(message).help(help).code(exit::INPUT));
        }
        files.extend(found);
    }
    files.dedup();
    Ok(files)
}

/// A file's bytes, unless it is longer than any journal.
pub(super) fn bytes_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() || found.len() > MAX_FILE as u64 {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    fs::read(path)
}

/// Whether `forget` may remove a file: it is a journal, or the beginning of one.
pub fn is_journal(path: &Path) -> bool {
    let Ok(bytes) = bytes_of(path) else { return false };
    !matches!(key_of(&bytes), Err(ReadError::NotJournal | ReadError::TooLong(_)))
}

/// Decrypts files with a secret key; of several copies of a journal the longest is used.
pub fn open(files: &[PathBuf], key: &JournalSecretKey) -> Opening {
    let mut opening = Opening::default();
    let mut found: BTreeMap<JournalId, JournalFile> = BTreeMap::new();
    for path in files {
        let opened = match read_file(path, key) {
            Ok(opened) => opened,
            Err(error) => {
                opening.refused.push(error);
                continue;
            }
        };
        let file = JournalFile { path: path.clone(), opened };
        let other = match found.remove(&file.opened.id) {
            Some(other) if other.opened.intervals.len() >= file.opened.intervals.len() => {
                opening.copies.push(file.path);
                other
            }
            Some(other) => {
                opening.copies.push(other.path);
                file
            }
            None => file,
        };
        found.insert(other.opened.id, other);
    }
    opening.files = found.into_values().collect();
    let begins = |file: &JournalFile| file.opened.intervals.first().map(|first| first.slot);
    opening.files.sort_by_key(|file| (begins(file), file.path.clone()));
    opening
}

impl Opening {
    /// Checks that at least one file could be opened.
    ///
    /// # Errors
    /// The error of the first file.
    pub fn some(mut self) -> Result<Self, Box<dyn Failure>> {
        if self.files.is_empty() && !self.refused.is_empty() {
            return Err(self.refused.swap_remove(0).into());
        }
        Ok(self)
    }

    /// Notes about the files, one line each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for JournalFile { path, opened } in &self.files {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            let mut note = |what: String| notes.push(format!("{name}: {what}"));
            if !opened.damaged.is_empty() {
                let numbers: Vec<String> = opened.damaged.iter().map(u32::to_string).collect();
                let (one, are) = match numbers.len() {
                    1 => ("record", "does"),
                    _ => ("records", "do"),
                };
                note(format!(
                    "{one} {} {are} not open and {are} not count: changed, or the power failed while the badge wrote",
                    numbers.join(", ")
                ));
            }
            if opened.torn > 0 {
                note(format!("its last {} bytes are a torn record: the power failed", opened.torn));
            }
            let back = opened.set_back().len();
            if back > 0 {
                let times = if back == 1 { "once".to_owned() } else { format!("{back} times") };
                note(format!(
                    "the badge's clock was set back {times}: the same times stand for several"
                ));
            }
        }
        notes
    }
}
