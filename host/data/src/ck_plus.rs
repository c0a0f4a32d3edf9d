//! CK+ (Lucey et al. 2010) in its common subset of 981 frames: a folder for each class with files like
//! `S010_004_00000017.png`, 48x48 px.

use std::path::Path;

use emocue_models::label::CK_7;

use super::dataset::{Dataset, Row};
use super::items::{Area, Item, Sizes, push_all};
use super::picture;
use super::{DataError, Split, children, name_of, relative};

const HELP: &str = "Expected the folders anger, contempt, disgust, fear, happy, sadness and surprise with files like S010_004_00000017.png; use --layout folder for anything else.";

/// The subject `"S010"` in `"S010_004_00000017.png"`.
pub(super) fn subject(name: &str) -> Option<&str> {
    let stem = name.rsplit_once('.')?.0;
    let mut parts = stem.split('_');
    let subject = parts.next()?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_subject = is_number(subject.strip_prefix('S')?);
    (is_subject && parts.next().is_some_and(is_number) && parts.next().is_some_and(is_number))
        .then_some(subject)
}

/// Reads the folders below `root` at `side` px, all as Training, since the dataset has no splits.
///
/// # Errors
/// [`DataError`] naming the folder or the picture: a folder that is none of the seven classes, a name without a
/// subject, an unreadable picture or one of another size than the first.
pub fn read(root: &Path, side: usize) -> Result<Dataset, DataError> {
    let bad = |path: &Path, what: &str| DataError::File {
        path: path.to_owned(),
        what: what.to_owned(),
        help: HELP,
    };
    let mut data = Dataset::new("ck-plus", CK_7, side);
    let mut items = Vec::new();
    for folder in children(root)?.0 {
        let label = CK_7
            .class_of(&name_of(&folder))
            .ok_or_else(|| bad(&folder, "this is none of the seven classes"))?;
        for file in children(&folder)?.1 {
            if !picture::is_picture(&file) {
                data.skip_file(&file);
                continue;
            }
            let name = name_of(&file);
            let subject = subject(&name)
                .ok_or_else(|| bad(&file, "the name does not tell whose face it is"))?;
            let origin = relative(&file, root);
            let subject = Some(subject.to_owned());
            let row = Row { split: Split::Training, label, subject, origin };
            items.push(Item { file, row, area: Area::Whole });
        }
    }
    if items.is_empty() {
        return Err(bad(root, "there is no picture in its folders"));
    }
    push_all(&mut data, &items, Sizes::Same)?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (seed, file) in [
            "anger/S010_004_00000017.png",
            "anger/S010_004_00000018.png",
            "contempt/S138_008_00000007.png",
            "happy/S011_006_00000011.png",
        ]
        .iter()
        .enumerate()
        {
            fixture::save(&root.path().join(file), 48, seed as u32);
        }
        root
    }

    #[test]
    fn tells_class_and_subject() {
        let root = tree();
        fixture::write(&root.path().join("anger/Thumbs.db"), b"x");
        let data = read(root.path(), 48).unwrap();
        let rows: Vec<_> = (0..4)
            .map(|i| (CK_7.names[data.label(i)], data.row(i).subject.clone().unwrap()))
            .collect();
        let expected =
            [("anger", "S010"), ("anger", "S010"), ("contempt", "S138"), ("happiness", "S011")];
        assert_eq!(rows, expected.map(|(class, subject)| (class, subject.to_owned())));
        assert_eq!(data.picture(1), fixture::face(48, 1).as_raw());
        assert_eq!(data.rows(Split::Training).len(), 4);
        assert_eq!(data.skipped()["not a picture by its name: .db"], 1);
    }

    #[test]
    fn refuses_what_is_foreign() {
        for (file, side, word) in [
            ("neutral/S010_001_00000001.png", 48, "none of the seven classes"),
            ("happy/photo.png", 48, "photo.png: the name does not tell"),
            ("happy/S012_006_00000001.png", 64, "64x64 px, but"),
        ] {
            let root = tree();
            fixture::save(&root.path().join(file), side, 1);
            let error = fixture::reported(read(root.path(), 48).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(fixture::reported(read(empty.path(), 48).unwrap_err()).contains("no picture"));
        assert_eq!(subject("S010_x_00000017.png"), None);
    }
}
