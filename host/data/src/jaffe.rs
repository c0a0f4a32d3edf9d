//! JAFFE (Lyons et al. 1998): 213 pictures of ten women, named like `KA.AN1.39.tiff`: person, expression and its take,
//! number. 256x256 px, classes as in `fer-7`.

use std::path::Path;

use emocue_models::label::{Expression, FER_7};

use super::dataset::{Dataset, Row};
use super::items::{Area, Item, Sizes, push_all};
use super::picture;
use super::{DataError, Split, children, name_of, relative};

const HELP: &str =
    "Expected files like KA.AN1.39.tiff: who, one of AN DI FE HA NE SA SU with its take, number.";

/// Person and expression in a file name: `"KA"` and anger in `"KA.AN1.39.tiff"`.
pub(super) fn told_by(name: &str) -> Option<(&str, Expression)> {
    let mut parts = name.split('.');
    let (subject, take, number) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_name = subject.len() == 2 && subject.bytes().all(|b| b.is_ascii_alphabetic());
    let (code, take) = (take.get(..2)?, take.get(2..)?);
    let expression = match code.to_ascii_uppercase().as_str() {
        "AN" => Expression::Anger,
        "DI" => Expression::Disgust,
        "FE" => Expression::Fear,
        "HA" => Expression::Happiness,
        "NE" => Expression::Neutral,
        "SA" => Expression::Sadness,
        "SU" => Expression::Surprise,
        _ => return None,
    };
    (is_name && is_number(take) && is_number(number)).then_some((subject, expression))
}

/// Reads the pictures in the folder `root` at `side` px, all as Training, since the dataset has no splits.
///
/// # Errors
/// [`DataError`] naming the picture: an invalid name, an unreadable picture or one of another size than the first.
pub fn read(root: &Path, side: usize) -> Result<Dataset, DataError> {
    let bad = |path: &Path, what: &str| DataError::File {
        path: path.to_owned(),
        what: what.to_owned(),
        help: HELP,
    };
    let mut data = Dataset::new("jaffe", FER_7, side);
    let mut items = Vec::new();
    for file in children(root)?.1 {
        if !picture::is_picture(&file) {
            data.skip_file(&file);
            continue;
        }
        let name = name_of(&file);
        let told = told_by(&name).and_then(|(subject, expression)| {
            Some((subject.to_ascii_uppercase(), FER_7.index_of(expression.name())?))
        });
        let (subject, label) =
            told.ok_or_else(|| bad(&file, "the name tells no face and expression"))?;
        let origin = relative(&file, root);
        let row = Row { split: Split::Training, label, subject: Some(subject), origin };
        items.push(Item { file, row, area: Area::Whole });
    }
    if items.is_empty() {
        return Err(bad(root, "there is no picture in it"));
    }
    push_all(&mut data, &items, Sizes::Same)?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn names_tell_who_and_what() {
        let root = tempfile::tempdir().unwrap();
        for (seed, name) in
            ["KA.AN1.39.tiff", "KM.SU3.16.tiff", "YM.NE2.50.tiff"].iter().enumerate()
        {
            fixture::save(&root.path().join(name), 64, seed as u32);
        }
        fixture::write(&root.path().join("README_FIRST.txt"), b"read me");
        let data = read(root.path(), 64).unwrap();
        let told: Vec<_> = (0..3)
            .map(|i| (FER_7.names[data.label(i)], data.row(i).subject.as_deref().unwrap()))
            .collect();
        assert_eq!(told, [("anger", "KA"), ("surprise", "KM"), ("neutral", "YM")]);
        assert_eq!(data.picture(2), fixture::face(64, 2).as_raw());
        assert_eq!(read(root.path(), 48).unwrap().side(), 48);

        fixture::save(&root.path().join("KA.XX1.40.tiff"), 64, 4);
        let error = fixture::reported(read(root.path(), 48).unwrap_err());
        assert!(error.contains("KA.XX1.40.tiff: the name tells no"), "{error}");
    }

    #[test]
    fn foreign_names_tell_nothing() {
        for name in ["KA.AN.39.tiff", "KAI.AN1.39.tiff", "KA.AN1.tiff", "K", "KA.Aé1.2.tiff", ""] {
            assert_eq!(told_by(name), None, "{name}");
        }
    }
}
