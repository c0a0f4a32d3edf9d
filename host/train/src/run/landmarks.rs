//! Where the faces of the training rows have their eyes, noses and mouths: found once, kept in the run's folder.

use std::path::Path;

use emocue_data::dataset::Dataset;
use emocue_data::landmarks::{find_all, read, text};
use emocue_models::bundle::{Bundle, DEFAULT_NAME, bytes_of, in_bundle};
use emocue_models::files::write_atomically;

use super::error::RunError;
use crate::watcher::{Note, TrainingWatcher};

/// The landmarks, inside the folder.
const FILE: &str = "landmarks.csv";

/// The dataset with the landmarks of `rows`, by the detector of the default bundle or as the folder keeps them.
///
/// # Errors
/// [`RunError`] when the detector fails or the file cannot be written.
pub(super) fn locate(
    data: &Dataset,
    rows: &[usize],
    folder: &Path,
    watcher: &mut dyn TrainingWatcher,
) -> Result<Dataset, RunError> {
    let path = folder.join(FILE);
    // Those of other rows are found again.
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
            // As a resumed training will read them.
            read(&path, data)?
        }
    };
    let found = landmarks.iter().flatten().count();
    watcher.note(&Note::Landmarks(found, rows.len(), &path));
    Ok(data.clone().with_landmarks(landmarks))
}
