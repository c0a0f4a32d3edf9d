//! Unpacks a bundle into files for other tools.

use std::io;
use std::path::{Path, PathBuf};

use emocue_models::bundle::Bundle;
use emocue_models::failure::{Failure, exit};
use emocue_models::files::{WriteError, write_atomically};

/// A bundle cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The manifest cannot be written as JSON.
    #[error("cannot write the manifest as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The folder cannot be created.
    #[error("cannot create the folder {}: {source}", path.display())]
    Folder {
        /// Path of the folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Failure for UnpackError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Json(_) | Self::Write(_) => exit::OUTPUT,
            Self::Folder { .. } => exit::FOLDER,
        }
    }
}

/// The files that [`unpack`] writes into `folder`.
pub fn files<'a>(bundle: &'a Bundle<'_>, folder: &'a Path) -> impl Iterator<Item = PathBuf> + 'a {
    let names = bundle.payloads().map(|(name, _)| name);
    names.chain(["manifest.json", "card.md"]).map(|name| folder.join(name))
}

/// Writes every network, `manifest.json` and `card.md` into `folder`, which is created when missing; returns the paths
/// of the files.
///
/// # Errors
/// [`UnpackError`] naming the file; each file is either written completely or unchanged.
pub fn unpack(bundle: &Bundle<'_>, folder: &Path) -> Result<Vec<PathBuf>, UnpackError> {
    std::fs::create_dir_all(folder)
        .map_err(|source| UnpackError::Folder { path: folder.to_owned(), source })?;
    let manifest = bundle.manifest();
    let json = serde_json::to_string_pretty(manifest)? + "\n";
    let texts = [("manifest.json", json.as_bytes()), ("card.md", manifest.card.as_bytes())];
    let mut written = Vec::new();
    for (name, bytes) in bundle.payloads().chain(texts) {
        let path = folder.join(name);
        write_atomically(&path, bytes)?;
        written.push(path);
    }
    Ok(written)
}
