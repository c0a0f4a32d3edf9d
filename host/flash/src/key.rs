//! Key files: `emocue key new -o FILE` writes a secret key for signing bundles, readable by its owner only, and
//! FILE.pub with the public key, which a badge's configuration lists under `[update] keys`.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use emocue_models::bundle::{PublicKey, SecretKey};
use emocue_models::failure::{Failure, exit};
use emocue_models::{files, hex};
use rand::RngExt as _;

use crate::shell::quote;

/// The beginning of a secret key's file, by which it is recognised.
const LABEL: &str = "emocue-secret-key";

/// Most bytes of a key's file that are read.
const LONGEST: u64 = 1024;

/// A key cannot be created or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key exists already. It is never replaced, since badges trust it.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("failed to read {}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file is not a secret key.
    #[error("{} is not a secret key", .0.display())]
    NotSecret(PathBuf),
    /// The file can be read by users other than its owner.
    #[error("{} can be read by others (mode {mode:03o})", path.display())]
    Exposed {
        /// Path of the file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Neither a public key nor the path of a key file.
    #[error("{0:?} is not a public key")]
    NotPublic(String),
}

impl Failure for KeyError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Exists(_) => "Badges may trust it, so choose another name.",
            Self::Write { .. } => return None,
            Self::Read { .. } | Self::NotSecret(_) => "`emocue key new -o FILE` makes a key.",
            Self::Exposed { path, .. } => {
                return Some(format!(
                    "Make it yours alone (`chmod 600 {}`), and use a new key if somebody may have copied it.",
                    quote(&path.display().to_string())
                ));
            }
            Self::NotPublic(_) => {
                "Use 64 hexadecimal digits, or the .pub file that `emocue key new` wrote."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Exists(_) | Self::Write { .. } => exit::OUTPUT,
            Self::Read { .. } | Self::NotSecret(_) | Self::NotPublic(_) | Self::Exposed { .. } => {
                exit::INPUT
            }
        }
    }
}

/// Creates a key, writes it to `path`, readable by its owner only, and its public key to `path` with `.pub` appended.
///
/// # Errors
/// [`KeyError`]; an existing key is not changed.
pub fn create(path: &Path) -> Result<PublicKey, KeyError> {
    let seed: [u8; 32] = rand::rng().random();
    let digits = hex::encode(&seed);
    let public = SecretKey::from_seed(&seed).public();
    if let Some(folder) = path.parent() {
        let cannot = |source| KeyError::Write { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    write_new(&public_path(path), &format!("{public}\n"), 0o644)?;
    let written = write_new(path, &format!("{LABEL} {digits}\n"), 0o600);
    if written.is_err() {
        // The secret key was not written.
        let _ = fs::remove_file(public_path(path));
    }
    written.map(|()| public)
}

/// The path of the public key of the secret key in `path`.
pub fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    files::write_new(path, text.as_bytes(), mode).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
        _ => KeyError::Write { path: path.to_owned(), source },
    })
}

/// Reads a secret key to sign with.
///
/// # Errors
/// [`KeyError`] when the file cannot be read, can be read by others, or is not a secret key.
pub fn read_secret(path: &Path) -> Result<SecretKey, KeyError> {
    let secret = secret_in(path)?;
    match fs::metadata(path).ok().as_ref().and_then(files::exposed) {
        Some(mode) => Err(KeyError::Exposed { path: path.to_owned(), mode }),
        None => Ok(secret),
    }
}

fn secret_in(path: &Path) -> Result<SecretKey, KeyError> {
    let text = read(path)?;
    let secret = text.trim().strip_prefix(LABEL).map(str::trim).and_then(SecretKey::from_digits);
    secret.ok_or_else(|| KeyError::NotSecret(path.to_owned()))
}

/// Parses `text` as a public key, else reads the key file of that name; for a secret key's file, returns its public
/// key.
///
/// # Errors
/// [`KeyError`] when it is neither.
pub fn public(text: &str) -> Result<PublicKey, KeyError> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(KeyError::NotPublic(text.to_owned()));
    }
    let written = read(path)?;
    let parsed = written.trim().parse();
    parsed.or_else(|_| Ok(secret_in(path)?.public())).map_err(|error| match error {
        KeyError::NotSecret(_) => KeyError::NotPublic(text.to_owned()),
        other => other,
    })
}

fn read(path: &Path) -> Result<String, KeyError> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    read.map(|_| text).map_err(|source| KeyError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("badge.key");
        let made = create(&path).unwrap();
        assert_eq!(read_secret(&path).unwrap().public(), made);
        for given in [path.clone(), public_path(&path)] {
            assert_eq!(public(given.to_str().unwrap()).unwrap(), made);
        }
        assert_eq!(public(&made.to_string()).unwrap(), made);
        assert!(matches!(create(&path), Err(KeyError::Exists(_))));
        assert_eq!(read_secret(&path).unwrap().public(), made);
    }

    #[test]
    fn two_keys_differ() {
        let folder = tempfile::tempdir().unwrap();
        let keys = ["a", "b"].map(|name| create(&folder.path().join(name)).unwrap());
        assert_ne!(keys[0], keys[1]);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_a_secret() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("badge.key");
        create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o644, 0o640, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read_secret(&path).unwrap_err();
            assert!(matches!(error, KeyError::Exposed { .. }), "{error}");
            assert!(error.help().unwrap().contains("chmod 600"));
            // Its public key is not secret.
            assert!(public(path.to_str().unwrap()).is_ok());
        }
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other");
        fs::write(&path, "nothing").unwrap();
        assert!(matches!(read_secret(&path), Err(KeyError::NotSecret(_))));
        assert!(matches!(public(path.to_str().unwrap()), Err(KeyError::NotPublic(_))));
        assert!(public("12ab").unwrap_err().help().unwrap().contains("64 hexadecimal digits"));
    }
}
