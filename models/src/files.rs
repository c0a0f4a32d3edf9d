//! Files: reads of limited length, atomic writes, and a check against overwriting.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, exit};

/// Names that are tried for a temporary file.
const ATTEMPTS: u32 = 100;

/// Maximum length of a text file that [`read_text`] reads, bytes.
pub const MAX_TEXT: u64 = 64 << 20;

/// Maximum length of a graph or a program, bytes.
pub const MAX_BINARY: u64 = 1 << 30;

/// Reads a whole file, which may be a pipe, of at most `most` bytes.
///
/// # Errors
/// The system's error; [`io::ErrorKind::FileTooLarge`] for a longer file.
pub fn read_at_most(path: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let reason = format!("it has more than {most} bytes, the maximum");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// Reads a text file of at most [`MAX_TEXT`] bytes.
///
/// # Errors
/// As [`read_at_most`]; [`io::ErrorKind::InvalidData`] for bytes that are not UTF-8.
pub fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read_at_most(path, MAX_TEXT)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// As it was named.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

impl Failure for WriteError {
    fn exit_code(&self) -> u8 {
        exit::OUTPUT
    }
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        Self::new(error.source.kind(), error.to_string())
    }
}

/// Writes `bytes` beside `path` under a temporary name, then renames: a reader sees the old file or the new one, and a
/// failure leaves the old one. A symbolic link is kept and its target is replaced; what is not a file, such as
/// `/dev/stdout` or a named pipe, is written to.
///
/// # Errors
/// [`WriteError`] with the system's reason.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes).map_err(|source| WriteError { path: path.to_owned(), source })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_special = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if is_special {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let target = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => fs::canonicalize(path)?,
        _ => path.to_owned(),
    };
    let (temporary, mut file) = create_beside(&target)?;
    keep_permissions(&target, &file);
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        // Best effort: the first error is the one to return.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Gives `new` the permissions of the file that it replaces.
fn keep_permissions(replaced: &Path, new: &File) {
    if let Ok(found) = fs::metadata(replaced)
        && found.is_file()
    {
        // Some file systems, such as FAT, have none.
        let _ = new.set_permissions(found.permissions());
    }
}

/// A new file in the folder of `path`, never an existing one.
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

/// Writes a new file with the permissions `mode` (only on Unix), and never over an existing one.
///
/// # Errors
/// The system's error; [`io::ErrorKind::AlreadyExists`] if the path exists.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // A truncated file would be in the way of the next attempt.
        let _ = fs::remove_file(path);
    }
    written
}

/// The permissions of a file that users other than its owner can read, write or run; `None` for other files, and on
/// other systems than Unix.
pub fn exposed(found: &fs::Metadata) -> Option<u32> {
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777;
    #[cfg(not(unix))]
    let (mode, _) = (0, found);
    (mode & 0o077 != 0).then_some(mode)
}

/// A file exists and may not be replaced.
#[derive(Debug, thiserror::Error)]
#[error("{} exists", .0.display())]
pub struct ExistsError(pub PathBuf);

impl Failure for ExistsError {
    fn help(&self) -> Option<String> {
        Some("Replace it with --overwrite, or choose another name.".to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::OUTPUT
    }
}

/// Checks that `path` may be written without `--overwrite`: it does not exist, is not a file, or is one of `inputs`, so
/// that the command changes it in place.
///
/// # Errors
/// [`ExistsError`] where a file would be replaced.
pub fn refuse_existing(path: &Path, inputs: &[&Path]) -> Result<(), ExistsError> {
    // A dangling symbolic link counts as existing.
    let Ok(found) = fs::metadata(path).or_else(|_| fs::symlink_metadata(path)) else {
        return Ok(());
    };
    let is_file = found.is_file() || found.is_symlink();
    let real = |path: &Path| fs::canonicalize(path).ok();
    let in_place =
        || inputs.iter().any(|input| real(input).is_some_and(|at| real(path) == Some(at)));
    if is_file && !in_place() { Err(ExistsError(path.to_owned())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_maximum_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "four").unwrap();
        assert_eq!(read_at_most(&path, 4).unwrap(), b"four");
        let error = read_at_most(&path, 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it has more than 3 bytes, the maximum");
        assert_eq!(read_text(&path).unwrap(), "four");
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        #[cfg(unix)]
        assert_eq!(read_at_most("/dev/zero", 9).unwrap_err().kind(), error.kind());
    }

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
        let error = write_atomically(&path, b"x").unwrap_err();
        assert!(error.to_string().contains("missing/net.onnx: No such file"), "{error}");
        assert!(!error.to_string().contains(".new"), "{error}");
        assert_eq!(error.exit_code(), exit::OUTPUT);
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

    #[cfg(unix)]
    #[test]
    fn a_link_and_a_device_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("net.onnx"), folder.path().join("latest.onnx"));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(refuse_existing(&link, &[]).is_err());
        write_atomically(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");

        let null = Path::new("/dev/null");
        refuse_existing(null, &[]).unwrap();
        write_atomically(null, b"x").unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_its_permissions_and_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        for (name, mode, expected) in [("secret", 0o600, None), ("public", 0o644, Some(0o644))] {
            let path = folder.path().join(name);
            write_new(&path, b"1", mode).unwrap();
            assert_eq!(exposed(&fs::metadata(&path).unwrap()), expected);
            let again = write_new(&path, b"2", mode).unwrap_err();
            assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&path).unwrap(), b"1");
            write_atomically(&path, b"3").unwrap();
            assert_eq!(exposed(&fs::metadata(&path).unwrap()), expected, "replaced");
        }
    }

    #[test]
    fn an_existing_file_is_refused_unless_it_is_an_input() {
        let folder = tempfile::tempdir().unwrap();
        let (net, other) = (folder.path().join("net.onnx"), folder.path().join("card.md"));
        fs::write(&net, b"x").unwrap();
        refuse_existing(&other, &[&net]).unwrap();
        fs::write(&other, b"x").unwrap();
        let error = refuse_existing(&other, &[&net]).unwrap_err();
        assert_eq!(error.exit_code(), exit::OUTPUT);
        assert!(error.help().unwrap().contains("--overwrite"));
        // Another spelling of the same file.
        refuse_existing(&folder.path().join(".").join("net.onnx"), &[&net]).unwrap();
        // A folder's files are checked one by one.
        refuse_existing(folder.path(), &[]).unwrap();
    }
}
