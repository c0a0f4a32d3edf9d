//! A checkpoint's file: which version it is, the SHA-256 of its content, and the one that was there before.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use emocue_models::files::write_atomically;
use sha2::{Digest as _, Sha256};

use super::CheckpointError;

/// File name inside a run's folder.
pub const FILE: &str = "checkpoint.bin";
/// The one before it, which is resumed from where the newest is damaged.
pub const PREVIOUS: &str = "checkpoint.previous.bin";

/// A version whose content follows its SHA-256.
const HASHED: [u8; 8] = *b"EMOTRN\0\x03";
/// A version whose content follows at once, which no program writes any more.
const PLAIN: [u8; 8] = *b"EMOTRN\0\x02";
/// Bytes of a SHA-256.
const HASH: usize = 32;

/// What [`newest`] found, and why the newest checkpoint is not it.
pub(crate) type Found<T> = (T, Option<CheckpointError>);

/// What `parse` makes of the checkpoint's content in `dir`, or else of the one before it.
///
/// # Errors
/// [`CheckpointError`] of the newest, when neither can be used.
pub(crate) fn newest<T>(
    dir: &Path,
    parse: impl Fn(&Path, &[u8]) -> Result<T, CheckpointError>,
) -> Result<Found<T>, CheckpointError> {
    let read = |name| {
        let path = dir.join(name);
        let bytes = read(&path)?;
        parse(&path, content(&path, &bytes)?)
    };
    match read(FILE) {
        Ok(found) => Ok((found, None)),
        Err(error @ CheckpointError::Content(..)) => match read(PREVIOUS) {
            Ok(found) => Ok((found, Some(error))),
            Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// The bytes of a checkpoint's file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    std::fs::read(path).map_err(|error| CheckpointError::Read(path.to_owned(), error))
}

/// The content of a checkpoint's file, which is as it was written.
pub(super) fn content<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a [u8], CheckpointError> {
    let refuse = |what: &str| CheckpointError::Content(path.to_owned(), what.to_owned());
    if let Some(content) = bytes.strip_prefix(&PLAIN) {
        return Ok(content);
    }
    let hashed = bytes.strip_prefix(&HASHED);
    let hashed = hashed.ok_or_else(|| refuse("it does not begin like a checkpoint"))?;
    let (hash, content) = hashed.split_at_checked(HASH).ok_or_else(|| refuse("it is cut off"))?;
    match Sha256::digest(content)[..] == *hash {
        true => Ok(content),
        false => Err(refuse("it is damaged, its SHA-256 differs")),
    }
}

/// Replaces the checkpoint in `dir`. The one there becomes the one before, if `continues` says of its content that it is
/// of the same training; what cannot be continued from does not take the place of what can.
///
/// # Errors
/// [`CheckpointError::Write`]; the checkpoint that was there then still stands.
pub(crate) fn write(
    dir: &Path,
    content_of_new: &[u8],
    continues: impl Fn(&[u8]) -> bool,
) -> Result<(), CheckpointError> {
    let (path, previous) = (dir.join(FILE), dir.join(PREVIOUS));
    let can_continue = |path: &PathBuf| {
        let bytes = read(path).ok()?;
        content(path, &bytes).ok().map(&continues)
    };
    let keep = match can_continue(&path) {
        Some(true) => keep(&path, &previous),
        _ if can_continue(&previous) == Some(true) => Ok(()),
        _ => removed(&previous),
    };
    keep.map_err(|error| CheckpointError::Write(previous, error))?;
    let mut bytes = HASHED.to_vec();
    bytes.extend(Sha256::digest(content_of_new));
    bytes.extend(content_of_new);
    write_atomically(&path, &bytes).map_err(|error| CheckpointError::Write(path, error.source))
}

/// Gives the file `path` the second name `previous`, so that at no moment there is none at `path`.
fn keep(path: &Path, previous: &Path) -> std::io::Result<()> {
    removed(previous)?;
    // Some file systems know no second names.
    std::fs::hard_link(path, previous).or_else(|_| std::fs::copy(path, previous).map(drop))
}

fn removed(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
