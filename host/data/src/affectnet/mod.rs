//! AffectNet (Mollahosseini, Hasani & Mahoor 2017) in its three layouts; eight classes, labels 0 to 7. Pictures
//! labelled 8 (none), 9 (uncertain) and 10 (no face) are skipped and counted; `val_set` becomes PrivateTest.
//!
//! - the eight-class release: `train_set/images/1.jpg` and `train_set/annotations/1_exp.npy`,
//! - the manual release: `training.csv` and `validation.csv` beside `Manually_Annotated_Images`; faces are cropped by
//!   the boxes of the list,
//! - a folder per class, by name or number, in `train_set` and `val_set` (`train` and `val`).

mod list;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use emocue_models::label::AFFECTNET_8;

use super::dataset::{Dataset, Row};
use super::folder::{class_folders, class_of, read_classes};
use super::items::{Area, Item, Sizes, push_all};
use super::npy::Array;
use super::picture;
use super::{DataError, Split, children, name_of, relative};

pub(super) use list::COLUMNS;

const HELP: &str = "Expected AffectNet as published: train_set and val_set with images and annotations, training.csv and validation.csv, or a folder per class in train_set and val_set.";

/// Folders of the splits; there is no published test set.
const SPLITS: &[(&str, Split)] = &[
    ("train_set", Split::Training),
    ("train", Split::Training),
    ("val_set", Split::PrivateTest),
    ("val", Split::PrivateTest),
    ("valid", Split::PrivateTest),
    ("validation", Split::PrivateTest),
    ("test", Split::PrivateTest),
];

/// The largest annotation file, bytes; it contains one text or number.
const MAX_ANNOTATION: u64 = 256;

/// The meaning of a label.
enum AnnotatedLabel {
    Class(usize),
    /// The reason why the picture is skipped.
    Skip(&'static str),
}

/// Parses a label of the annotations.
fn told_by(label: &str) -> Result<AnnotatedLabel, String> {
    Ok(match label.trim().parse() {
        Ok(class @ 0..=7) => AnnotatedLabel::Class(class),
        Ok(8) => AnnotatedLabel::Skip("8 none"),
        Ok(9) => AnnotatedLabel::Skip("9 uncertain"),
        Ok(10) => AnnotatedLabel::Skip("10 no face"),
        _ => return Err(format!("the label is \"{label:.20}\", expected 0-10")),
    })
}

/// Whether `root` holds splits with annotations.
pub(super) fn has_annotations(root: &Path) -> bool {
    ["train_set", "val_set"].iter().any(|split| root.join(split).join("annotations").is_dir())
}

/// Whether `root` holds the lists of the manual release.
pub(super) fn has_lists(root: &Path) -> bool {
    list::LISTS.iter().any(|(name, _)| root.join(name).is_file())
}

/// Reads the folder `root` or one list, in whichever of the layouts it has.
///
/// # Errors
/// [`DataError`] naming the list's row, the annotation or the picture.
pub fn read(root: &Path, side: usize) -> Result<Dataset, DataError> {
    let mut data = Dataset::new("affectnet", AFFECTNET_8, side);
    if root.is_file() || has_lists(root) {
        let items = list::items(root, &mut data)?;
        push_all(&mut data, &items, Sizes::Square)?;
    } else if has_annotations(root) {
        let mut items = Vec::new();
        for (name, split) in SPLITS {
            let folder = root.join(name);
            if folder.join("annotations").is_dir() {
                annotated(root, &folder, *split, &mut data, &mut items)?;
            }
        }
        push_all(&mut data, &items, Sizes::Same)?;
    } else {
        read_folders(root, &mut data)?;
    }
    if data.is_empty() {
        let what = "there is no picture with a label 0-7".to_owned();
        return Err(DataError::File { path: root.to_owned(), what, help: HELP });
    }
    Ok(data)
}

/// One split of the eight-class release.
fn annotated(
    root: &Path,
    folder: &Path,
    split: Split,
    data: &mut Dataset,
    items: &mut Vec<Item>,
) -> Result<(), DataError> {
    let annotations = folder.join("annotations");
    let labelled = children(&annotations)?.1;
    let mut labelled: BTreeSet<PathBuf> =
        labelled.into_iter().filter(|file| name_of(file).ends_with("_exp.npy")).collect();
    let files = children(&folder.join("images"))?.1;
    for file in files.into_iter().filter(|file| picture::is_picture(file)) {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let annotation = annotations.join(format!("{stem}_exp.npy"));
        let bad = |what| DataError::File { path: annotation.clone(), what, help: HELP };
        let label = read_label(&annotation)?;
        labelled.remove(&annotation);
        match told_by(&label).map_err(bad)? {
            AnnotatedLabel::Skip(why) => data.skip(why),
            AnnotatedLabel::Class(label) => {
                let origin = relative(&file, root);
                items.push(Item {
                    file,
                    row: Row { split, label, subject: None, origin },
                    area: Area::Whole,
                });
            }
        }
    }
    if let Some(annotation) = labelled.first() {
        let what = format!("no picture in images belongs to it; {} such files", labelled.len());
        return Err(DataError::File { path: annotation.clone(), what, help: HELP });
    }
    Ok(())
}

/// The single text or integer in an annotation.
fn read_label(path: &Path) -> Result<String, DataError> {
    let file =
        File::open(path).map_err(|source| DataError::Io { path: path.to_owned(), source })?;
    let bad = |what| DataError::File { path: path.to_owned(), what, help: HELP };
    let array = Array::read(file, MAX_ANNOTATION).map_err(bad)?;
    if array.len() != 1 {
        return Err(bad(format!("{} values, expected one label", array.len())));
    }
    Ok(array.text(0).unwrap_or_else(|| array.number(0).to_string()))
}

/// A folder per class, by name or by number.
fn read_folders(root: &Path, data: &mut Dataset) -> Result<(), DataError> {
    let folders = class_folders(root, SPLITS)?;
    read_classes(data, root, &folders, |folder| {
        if let Some(class) = class_of(&folder.name, &AFFECTNET_8) {
            return Ok(Some(class));
        }
        match told_by(&folder.name) {
            Ok(AnnotatedLabel::Class(class)) => Ok(Some(class)),
            Ok(AnnotatedLabel::Skip(_)) => Ok(None),
            Err(_) => {
                let what = "neither a class nor a number 0-10".to_owned();
                Err(DataError::File { path: folder.path.clone(), what, help: HELP })
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::npy::tests::{text, written};

    fn release() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let unicode = |digit: u8| text("<U1", &[digit, 0, 0, 0]);
        for (seed, (picture, annotation)) in [
            ("train_set/images/1.jpg", unicode(b'0')),
            ("train_set/images/2.jpg", text("|S1", b"7")),
            ("train_set/images/3.jpg", text("<U2", b"1\0\0\x000\0\0\0")),
            ("val_set/images/1.jpg", written(&[], &[3_i64])),
        ]
        .into_iter()
        .enumerate()
        {
            let picture = root.path().join(picture);
            fixture::save(&picture, 32, seed as u32);
            let stem = picture.file_stem().unwrap().to_str().unwrap();
            let folder = picture.parent().unwrap().with_file_name("annotations");
            fixture::write(&folder.join(format!("{stem}_exp.npy")), annotation);
            fixture::write(&folder.join(format!("{stem}_val.npy")), b"not looked at");
        }
        root
    }

    fn error(root: &tempfile::TempDir) -> String {
        fixture::reported(read(root.path(), 48).unwrap_err())
    }

    #[test]
    fn annotations_beside_the_pictures() {
        let data = read(release().path(), 32).unwrap();
        let rows: Vec<_> =
            (0..3).map(|i| (data.split(i), AFFECTNET_8.names[data.label(i)])).collect();
        let expected = [
            (Split::Training, "neutral"),
            (Split::Training, "contempt"),
            (Split::PrivateTest, "surprise"),
        ];
        assert_eq!(rows, expected);
        assert_eq!(data.skipped()["10 no face"], 1);
    }

    #[test]
    fn gaps_and_strange_annotations_are_named() {
        let root = release();
        let annotation = root.path().join("train_set/annotations/2_exp.npy");
        for (bytes, word) in [
            (written(&[2], &[1_u8, 2]), "2_exp.npy: 2 values"),
            (text("<U2", b"1\0\0\x001\0\0\0"), "the label is \"11\""),
            (b"\x93NUMPY\x01\x00".to_vec(), "2_exp.npy: a damaged array"),
            (written(&[], &[1.5_f32]), "the label is \"1.5\""),
        ] {
            fixture::write(&annotation, bytes);
            let error = error(&root);
            assert!(error.contains(word), "{error}");
        }
        std::fs::remove_file(&annotation).unwrap();
        assert!(error(&root).contains("cannot read") && error(&root).contains("2_exp.npy"));
        let root = release();
        std::fs::remove_file(root.path().join("val_set/images/1.jpg")).unwrap();
        assert!(error(&root).contains("val_set/annotations/1_exp.npy: no picture in images"));
    }

    #[test]
    fn a_folder_per_class_by_name_or_number() {
        let root = tempfile::tempdir().unwrap();
        for file in ["train/0/1.png", "train/7/1.png", "train/8/1.png", "val/Anger/1.png"] {
            fixture::save(&root.path().join(file), 48, 1);
        }
        let data = read(root.path(), 48).unwrap();
        assert_eq!((0..3).map(|i| data.label(i)).collect::<Vec<_>>(), [0, 7, 6]);
        assert_eq!((data.split(2), data.skipped()["folder 8"]), (Split::PrivateTest, 1));
        fixture::save(&root.path().join("val/11/1.png"), 48, 1);
        assert!(error(&root).contains("val/11: neither a class nor a number"));
    }
}
