//! From a bundle to files that any tool can judge.

use std::io;
use std::path::{Path, PathBuf};

use emocue_models::bundle::Bundle;

use super::HostBundleError;
use emocue_models::files::write_atomically;

/// Writes every network, `manifest.json` and `card.md` into `folder`, which is made when missing; returns
/// the files.
///
/// # Errors
/// [`HostBundleError::Write`] naming the file; each file is whole or untouched.
pub fn unpack(bundle: &Bundle<'_>, folder: &Path) -> Result<Vec<PathBuf>, HostBundleError> {
    std::fs::create_dir_all(folder).map_err(|e| {
        io::Error::new(e.kind(), format!("cannot make the folder {}: {e}", folder.display()))
    })?;
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
