//! A folder for each class, optionally within a folder for each split: `happy/1.png` or `train/happy/1.png`.
//!
//! The label set follows from the folders' names, or is given by a [`Map`].

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use emocue_models::label::{LABEL_SETS, LabelSet};

use super::dataset::{Dataset, Row};
use super::items::{Area, Item, Sizes, push_all};
use super::map::Map;
use super::picture;
use super::{DataError, Split, below, children, name_of, relative};

const HELP: &str =
    "Expected a folder per class, or train, val and test (valid) with a folder per class in each.";
const NAME_HELP: &str =
    "Name a label set with --data-labels, or say with --map FILE which class each folder is.";

/// Names of folders that are splits.
pub(super) const SPLITS: &[(&str, Split)] = &[
    ("train", Split::Training),
    ("training", Split::Training),
    ("val", Split::PublicTest),
    ("valid", Split::PublicTest),
    ("validation", Split::PublicTest),
    ("test", Split::PrivateTest),
    ("testing", Split::PrivateTest),
    // Names in FER2013's column Usage.
    ("publictest", Split::PublicTest),
    ("privatetest", Split::PrivateTest),
    // Folder names of the FER+ authors' tool.
    ("fer2013train", Split::Training),
    ("fer2013valid", Split::PublicTest),
    ("fer2013test", Split::PrivateTest),
];

/// Whether a folder's name is that of a split or of a class.
pub(super) fn is_part(folder: &Path) -> bool {
    let name = name_of(folder).to_lowercase();
    ["train_set", "val_set"].contains(&name.as_str())
        || SPLITS.iter().any(|(split, _)| *split == name)
        || LABEL_SETS.iter().any(|set| class_of(&name, set).is_some())
}

/// One class's folder.
pub(super) struct ClassFolder {
    pub(super) split: Split,
    /// Its name.
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// The class folders below `root`; all are Training unless they are in folders named in `splits`.
pub(super) fn class_folders(
    root: &Path,
    splits: &[(&str, Split)],
) -> Result<Vec<ClassFolder>, DataError> {
    let bad = |path: &Path, what: String| {
        Err(DataError::File { path: path.to_owned(), what, help: HELP })
    };
    let (mut folders, files) = children(root)?;
    let split_of = |folder: &PathBuf| {
        let name = name_of(folder).to_lowercase();
        splits.iter().find(|(split, _)| *split == name).map(|(_, split)| *split)
    };
    let mut above: Vec<(Split, PathBuf, Vec<PathBuf>)> = Vec::new();
    let (parts, classes): (Vec<_>, Vec<_>) =
        folders.drain(..).partition(|folder| split_of(folder).is_some());
    match (parts.first(), classes.first()) {
        (Some(part), Some(class)) => {
            let (part, class) = (name_of(part), name_of(class));
            return bad(root, format!("it has both the split {part} and the class {class}"));
        }
        (None, _) => above.push((Split::Training, root.to_owned(), classes)),
        (Some(_), None) => {
            for part in &parts {
                let (classes, files) = children(part)?;
                refuse_loose(&files)?;
                above.push((split_of(part).unwrap_or(Split::Training), part.clone(), classes));
            }
        }
    }
    refuse_loose(&files)?;
    let mut found = Vec::new();
    for (split, parent, classes) in above {
        if classes.is_empty() {
            return bad(&parent, "there is no folder of a class in it".to_owned());
        }
        let class = |path: PathBuf| ClassFolder { split, name: name_of(&path), path };
        found.extend(classes.into_iter().map(class));
    }
    Ok(found)
}

/// Refuses pictures outside the class folders, since they have no label.
fn refuse_loose(files: &[PathBuf]) -> Result<(), DataError> {
    match files.iter().find(|file| picture::is_picture(file)) {
        Some(file) => {
            let what = "this picture is in no class's folder".to_owned();
            Err(DataError::File { path: file.clone(), what, help: HELP })
        }
        None => Ok(()),
    }
}

/// The word in a folder's name: `"happy"` in `"3_happy"`; a number without a word is returned unchanged.
fn word(name: &str) -> &str {
    let word = name.trim_start_matches(|c: char| c.is_ascii_digit());
    let word = word.trim_start_matches(['_', '-', '.', ' ']);
    if word.is_empty() { name } else { word }
}

/// The class of a folder's name in `labels`.
pub(super) fn class_of(name: &str, labels: &LabelSet) -> Option<usize> {
    labels.class_of(name).or_else(|| labels.class_of(word(name)))
}

/// Reads the folders below `root`; their classes follow from `labels` or `map`, else from their names.
///
/// # Errors
/// [`DataError`] naming the folder or the picture: no class folders, a name that is in no label set or not in the map,
/// a picture outside the class folders, not square or unreadable.
pub fn read(
    root: &Path,
    labels: Option<LabelSet>,
    map: Option<&Map>,
    side: usize,
) -> Result<Dataset, DataError> {
    let folders = class_folders(root, SPLITS)?;
    let labels = match (map, labels) {
        (Some(map), _) => map.labels(),
        (None, Some(labels)) => labels,
        (None, None) => labels_of(root, &folders)?,
    };
    let resolve = |folder: &ClassFolder| match map {
        Some(map) => map.class_of(&folder.name),
        None => class_of(&folder.name, &labels).map(Some).ok_or_else(|| DataError::File {
            path: folder.path.clone(),
            what: format!("\"{}\" is not a class of {}", folder.name, labels.id),
            help: NAME_HELP,
        }),
    };
    let mut data = Dataset::new("folder", labels, side);
    read_classes(&mut data, root, &folders, resolve)?;
    Ok(data)
}

/// Adds the pictures of every folder; those of folders for which `resolve` returns no class are counted as skipped.
pub(super) fn read_classes(
    data: &mut Dataset,
    root: &Path,
    folders: &[ClassFolder],
    resolve: impl Fn(&ClassFolder) -> Result<Option<usize>, DataError>,
) -> Result<(), DataError> {
    let mut items = Vec::new();
    for folder in folders {
        let class = resolve(folder)?;
        for entry in below(&folder.path) {
            let entry = entry?;
            if !entry.file_type().is_file() {
                continue;
            }
            let file = entry.into_path();
            match class {
                _ if !picture::is_picture(&file) => data.skip_file(&file),
                None => data.skip(&format!("folder {}", folder.name)),
                Some(label) => {
                    let origin = relative(&file, root);
                    let row = Row { split: folder.split, label, subject: None, origin };
                    items.push(Item { file, row, area: Area::Whole });
                }
            }
        }
    }
    if items.is_empty() {
        let skipped = data.skipped().iter().map(|(why, count)| format!("; {count} {why}"));
        let what = format!("there is no picture in its folders{}", skipped.collect::<String>());
        return Err(DataError::File { path: root.to_owned(), what, help: HELP });
    }
    push_all(data, &items, Sizes::Square)
}

/// The first label set that has all names.
fn labels_of(root: &Path, folders: &[ClassFolder]) -> Result<LabelSet, DataError> {
    labels_with(root, folders.iter().map(|folder| folder.name.as_str()))
}

/// The first label set that has all of `names`; errors name `root`.
pub(super) fn labels_with<'a>(
    root: &Path,
    names: impl Iterator<Item = &'a str>,
) -> Result<LabelSet, DataError> {
    let names: BTreeSet<&str> = names.collect();
    let known = |set: &&LabelSet| names.iter().all(|name| class_of(name, set).is_some());
    LABEL_SETS.iter().find(known).copied().ok_or_else(|| {
        let names: Vec<&str> = names.iter().copied().take(24).collect();
        let what = format!("no label set has all the classes {}", names.join(", "));
        DataError::File { path: root.to_owned(), what, help: NAME_HELP }
    })
}

#[cfg(test)]
mod tests {
    use emocue_models::label::{CK_7, FER_7, FERPLUS_8, VALENCE_3};

    use super::*;
    use crate::fixture;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (seed, file) in files.iter().enumerate() {
            fixture::save(&root.path().join(file), 48, seed as u32);
        }
        root
    }

    fn labels(files: &[&str]) -> Result<LabelSet, String> {
        let data = read(tree(files).path(), None, None, 48);
        data.map(|data| data.labels()).map_err(fixture::reported)
    }

    #[test]
    fn names_tell_the_label_set() {
        assert_eq!(labels(&["Happy/1.png", "Sad/1.png", "neutral/a/2.jpg"]), Ok(FER_7));
        assert_eq!(
            labels(&["0_anger/1.png", "7-contempt/1.png", "1. neutral/1.png"]),
            Ok(FERPLUS_8)
        );
        assert_eq!(labels(&["contempt/1.png", "anger/1.png"]), Ok(FERPLUS_8));
        assert_eq!(labels(&["positive/1.png", "negative/1.png"]), Ok(VALENCE_3));
        let error = labels(&["laughing/1.png", "happy/1.png"]).unwrap_err();
        assert!(error.contains("classes happy, laughing") && error.contains("--map"), "{error}");
        let root = tree(&["happy/1.png", "neutral/2.png"]);
        let error = fixture::reported(read(root.path(), Some(CK_7), None, 48).unwrap_err());
        assert!(error.contains("\"neutral\" is not a class of ck-7"), "{error}");
    }

    #[test]
    fn splits_stand_above_the_classes() {
        let root =
            tree(&["train/happy/1.png", "valid/sad/1.png", "test/happy/1.bmp", "train/sad/2.png"]);
        fixture::write(&root.path().join("train/sad/notes.txt"), b"x");
        let data = read(root.path(), None, None, 48).unwrap();
        let rows: Vec<_> =
            (0..4).map(|i| (data.split(i), data.label(i), data.row(i).origin.as_str())).collect();
        assert_eq!(
            rows,
            [
                (Split::PrivateTest, 3, "test/happy/1.bmp"),
                (Split::Training, 3, "train/happy/1.png"),
                (Split::Training, 4, "train/sad/2.png"),
                (Split::PublicTest, 4, "valid/sad/1.png"),
            ]
        );
        assert_eq!(data.skipped()["not a picture by its name: .txt"], 1);
    }

    #[test]
    fn splits_may_have_fer2013s_own_names() {
        let root = tree(&["Training/Happy/1.png", "PublicTest/Sad/2.png", "PrivateTest/Sad/3.png"]);
        let data = read(root.path(), None, None, 48).unwrap();
        let rows = Split::ALL.map(|split| data.rows(split).len());
        assert_eq!(rows, [1, 1, 1]);
    }

    #[test]
    fn a_map_merges_fine_classes() {
        let root = tree(&["laughing/1.png", "sobbing/1.png", "asleep/1.png", "calm/1.png"]);
        let file = root.path().join("map.toml");
        let text = "labels = \"valence-3\"\n[classes]\nlaughing = \"positive\"\nsobbing = \"negative\"\nasleep = \"skip\"\n";
        fixture::write(&file, text);
        let error = fixture::reported(
            read(root.path(), None, Some(&Map::read(&file).unwrap()), 48).unwrap_err(),
        );
        assert!(error.contains("\"calm\" is not mapped"), "{error}");
        fixture::write(&file, format!("{text}calm = \"neutral\"\n"));
        let data = read(root.path(), None, Some(&Map::read(&file).unwrap()), 48).unwrap();
        assert_eq!((0..3).map(|i| data.label(i)).collect::<Vec<_>>(), [1, 0, 2]);
        assert_eq!((data.labels(), data.skipped()["folder asleep"]), (VALENCE_3, 1));
    }

    #[test]
    fn pictures_without_a_class_and_odd_ones_are_refused() {
        let error = labels(&["happy/1.png", "2.png"]).unwrap_err();
        assert!(error.contains("2.png: this picture is in no class's folder"), "{error}");
        let error = labels(&["happy/1.png", "train/sad/2.png"]).unwrap_err();
        assert!(error.contains("both the split train and the class happy"), "{error}");
        let root = tree(&["happy/1.png"]);
        fixture::write(&root.path().join("happy/2.png"), b"not a picture");
        let error = fixture::reported(read(root.path(), None, None, 48).unwrap_err());
        assert!(error.contains("happy/2.png: not a JPEG, PNG"), "{error}");
        let phone = tempfile::tempdir().unwrap();
        fixture::write(&phone.path().join("happy/1.HEIC"), b"not read");
        let error = fixture::reported(read(phone.path(), None, None, 48).unwrap_err());
        assert!(
            error.contains("no picture in its folders; 1 not a picture by its name: .heic"),
            "{error}"
        );
        let empty = tempfile::tempdir().unwrap();
        let error = fixture::reported(read(empty.path(), None, None, 48).unwrap_err());
        assert!(error.contains("no folder of a class"), "{error}");
    }
}
