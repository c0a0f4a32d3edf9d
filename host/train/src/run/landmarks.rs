//! Landmarks of the training rows: detected once, then stored in the run's folder.

use std::path::Path;

use emocue_data::dataset::Dataset;
use emocue_data::landmarks::{find_all, read, text};
use emocue_models::bundle::{Bundle, DEFAULT_NAME, Sha256, bytes_of, in_bundle};
use emocue_models::files::write_atomically;

use super::error::RunError;
use crate::watcher::{Note, TrainingWatcher};

/// File of the landmarks of `rows`, inside the folder: other rows have another file.
fn file_of(rows: &[usize]) -> String {
    let listed: Vec<u8> = rows.iter().flat_map(|row| (*row as u64).to_le_bytes()).collect();
    format!("landmarks-{}.csv", &Sha256::of(&listed).to_string()[..12])
}

/// The dataset with the landmarks of `rows`, from the folder's file or by the detector of the default bundle.
///
/// # Errors
/// [`RunError`] when the detector fails or the file cannot be written.
pub(super) fn locate(
    data: &Dataset,
    rows: &[usize],
    folder: &Path,
    watcher: &mut dyn TrainingWatcher,
) -> Result<Dataset, RunError> {
    let path = folder.join(file_of(rows));
    // A file of other pictures is ignored and replaced.
    let kept = if path.exists() { read(&path, data).ok() } else { None };
    let landmarks = match kept {
        Some(landmarks) => landmarks,
        None => {
            let bytes = bytes_of(DEFAULT_NAME)?;
            let bundle = Bundle::read(&bytes).map_err(in_bundle(DEFAULT_NAME))?;
            let progress = watcher.asking("the default bundle's detector", rows.len());
            let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let found = find_all(data, rows, &bundle, threads, &*progress)?;
            write_atomically(&path, text(data, rows, &found).as_bytes())
                .map_err(|error| RunError::Write(path.clone(), error.source))?;
            // Read back from the file, so that a resumed training gets the same values.
            read(&path, data)?
        }
    };
    let found = landmarks.iter().flatten().count();
    watcher.note(&Note::Landmarks(found, rows.len(), &path));
    Ok(data.clone().with_landmarks(landmarks))
}
