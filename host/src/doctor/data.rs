//! Datasets in the folder that the user names.

use std::fs;
use std::path::Path;

use emocue_data::layout::DatasetLayout;

use super::CheckOutcome;

/// Most entries of the folder that are examined.
const MOST: usize = 500;

/// The FER+ votes for FER2013's rows.
const VOTES: &str = "fer2013new.csv";

/// The datasets in `folder` that a training can read.
pub(super) fn check(folder: Option<&Path>) -> CheckOutcome {
    let how = "docs/training.md says which datasets there are; name their folder with --data \
               FOLDER or in EMOCUE_DATA";
    let Some(folder) = folder else {
        return CheckOutcome::missing("no folder of datasets is named", how);
    };
    let place = folder.display();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return CheckOutcome::missing(format!("{place}: {error}"), how),
    };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let known: Vec<_> = paths.iter().take(MOST).filter_map(|path| named(path)).collect();
    let found = match known.is_empty() {
        // The folder may be a dataset itself.
        true => DatasetLayout::of(folder).ok().map(|layout| layout.name().to_owned()),
        false => Some(known.join(", ")),
    };
    match found {
        Some(found) => CheckOutcome::ok(format!("{place}: {found}")),
        None => CheckOutcome::missing(format!("{place} has no dataset of a known layout"), how),
    }
}

/// `fer2013.csv.gz (fer2013)`, if it is a dataset.
fn named(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    if name.to_lowercase() == VOTES {
        return Some(format!("{name} (FER+ votes)"));
    }
    let layout = DatasetLayout::of(path).ok()?;
    Some(format!("{name} ({})", layout.name()))
}
