//! Writing files whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Names that are tried for a temporary file.
const ATTEMPTS: u32 = 100;

/// Writes `bytes` beside `path` under a temporary name, then renames: a reader sees the old file or the new
/// one, and a failure leaves the old one.
///
/// # Errors
/// The system's own, with `path` in its text.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let write = || -> io::Result<()> {
        let (temporary, mut file) = create_beside(path)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // The error that is returned says more than one about the temporary file.
            let _ = fs::remove_file(&temporary);
        }
        written
    };
    write().map_err(|e| io::Error::new(e.kind(), format!("cannot write {}: {e}", path.display())))
}

/// A new file in the folder of `path`, never one that is there already.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for attempt in 0..ATTEMPTS {
        let temporary = format!(".{name}.{}-{attempt}.new", std::process::id());
        let temporary = path.with_file_name(temporary);
        match File::create_new(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.onnx");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_the_file_it_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("net.onnx");
        let error = write_atomically(&path, b"x").unwrap_err().to_string();
        assert!(error.contains("missing/net.onnx"), "{error}");
    }

    #[test]
    fn a_folder_in_its_place_stays_and_no_temporary_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("kept"), b"x").unwrap();
        assert!(write_atomically(&path, b"x").is_err());
        assert!(path.join("kept").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
