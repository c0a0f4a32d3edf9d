//! The file of a secret key, which only its owner can read.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use emocue_models::failure::{Failure, exit};
use emocue_models::files;

use crate::key::JournalSecretKey;

/// The first bytes of a secret key's file, so that it is recognised wherever it is found.
const LABEL: &str = "emocue-journal-secret-key";

/// Longest file that is read, bytes.
const LONGEST: u64 = 1024;

/// A key's file cannot be created or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file exists. A key is never replaced, since journals are sealed to it.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("failed to read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a journal's secret key", .0.display())]
    NotSecret(PathBuf),
    /// Other users than its owner can read it.
    #[error("{} can be read by others (mode {mode:03o})", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

impl Failure for KeyFileError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Exists(_) => {
                "Journals may be sealed to it, so choose another name; with --public it is printed."
            }
            Self::Write { .. } => return None,
            Self::Read { .. } | Self::NotSecret(_) => "`emocue journal key FILE` makes a key.",
            Self::Exposed { path, .. } => {
                return Some(format!(
                    "Make it yours alone (`chmod 600 '{}'`), and use a new key if somebody may have copied it.",
                    path.display()
                ));
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Exists(_) | Self::Write { .. } => exit::OUTPUT,
            Self::Read { .. } | Self::NotSecret(_) | Self::Exposed { .. } => exit::INPUT,
        }
    }
}

impl JournalSecretKey {
    /// Writes it to a new file that only its owner can read. Missing parent folders are created.
    ///
    /// # Errors
    /// [`KeyFileError`]; an existing file is not changed.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyFileError> {
        let write = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
            _ => KeyFileError::Write { path: path.to_owned(), source },
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(write)?;
        }
        let text = format!("{LABEL} {}\n", self.digits());
        files::write_new(path, text.as_bytes(), 0o600).map_err(write)
    }

    /// Reads it from its file.
    ///
    /// # Errors
    /// [`KeyFileError`] when the file cannot be read, can be read by others, or is something else.
    pub fn read_file(path: &Path) -> Result<Self, KeyFileError> {
        let read = |source| KeyFileError::Read { path: path.to_owned(), source };
        let other = || KeyFileError::NotSecret(path.to_owned());
        if !fs::metadata(path).map_err(read)?.is_file() {
            return Err(other());
        }
        let file = fs::File::open(path).map_err(read)?;
        let found = file.metadata().map_err(read)?;
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes).map_err(read)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| other())?;
        let digits = text.trim().strip_prefix(LABEL).map(str::trim);
        let secret = digits.and_then(Self::from_digits).ok_or_else(other)?;
        match files::exposed(&found) {
            Some(mode) => Err(KeyFileError::Exposed { path: path.to_owned(), mode }),
            None => Ok(secret),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/journal.key");
        let secret = JournalSecretKey::random().unwrap();
        secret.write_new(&path).unwrap();
        let again = JournalSecretKey::random().unwrap().write_new(&path);
        assert!(matches!(again, Err(KeyFileError::Exists(_))));
        assert_eq!(JournalSecretKey::read_file(&path).unwrap().public(), secret.public());
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other");
        let digits = "ab".repeat(32);
        for text in ["", "nothing", &digits, &format!("emocue-secret-key {digits}"), "\u{fffd}"] {
            fs::write(&path, text).unwrap();
            let error = JournalSecretKey::read_file(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::NotSecret(_)), "{text}: {error}");
        }
        assert!(JournalSecretKey::read_file(folder.path()).is_err());
        assert!(JournalSecretKey::read_file(&folder.path().join("missing")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_a_secret() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.key");
        JournalSecretKey::random().unwrap().write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o644, 0o640, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = JournalSecretKey::read_file(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Exposed { .. }), "{error}");
            assert!(error.help().unwrap().contains("chmod 600"));
        }
    }
}
