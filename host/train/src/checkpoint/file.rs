//! A checkpoint's file: format version, SHA-256 of the content, content. The previous file is kept.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use emocue_models::files::write_atomically;
use sha2::{Digest as _, Sha256};

use super::CheckpointError;

/// File name inside a run's folder.
pub const FILE: &str = "checkpoint.bin";
/// The previous checkpoint, used to resume when the newest is damaged.
pub const PREVIOUS: &str = "checkpoint.previous.bin";

/// Magic bytes of version 3: the SHA-256 follows, then the content.
const HASHED: [u8; 8] = *b"EMOTRN\0\x03";
/// Magic bytes of version 2, which is still read: the content follows without a hash.
const PLAIN: [u8; 8] = *b"EMOTRN\0\x02";
/// Bytes of a SHA-256.
const HASH: usize = 32;

/// The result of [`newest`], with the error of the newest checkpoint if the previous one was used.
pub(crate) type Found<T> = (T, Option<CheckpointError>);

/// Parses the checkpoint in `dir` with `parse`, or the previous one if that fails.
///
/// # Errors
/// [`CheckpointError`] of the newest when neither can be used.
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

/// The content of a checkpoint's file, with its hash verified.
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

/// Replaces the checkpoint in `dir`. The old one becomes the previous one if `continues` returns true for its content,
/// which means that it belongs to the same training; a checkpoint that cannot be resumed does not replace one that can.
///
/// # Errors
/// [`CheckpointError::Write`]; the old checkpoint is then unchanged.
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

/// Hard-links the file `path` to `previous`, so that there is a file at `path` at any time.
fn keep(path: &Path, previous: &Path) -> std::io::Result<()> {
    removed(previous)?;
    // Some file systems have no hard links.
    std::fs::hard_link(path, previous).or_else(|_| std::fs::copy(path, previous).map(drop))
}

fn removed(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
