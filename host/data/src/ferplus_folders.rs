//! FER+ as its authors' tool writes it: folders FER2013Train, FER2013Valid and FER2013Test with pictures, and a
//! `label.csv` in each whose rows are a picture's name, its box and ten votes.

use std::path::{Path, PathBuf};

use emocue_models::label::FERPLUS_8;

use super::dataset::{Dataset, Row};
use super::items::{Area, Item, Sizes, push_all};
use super::table::{csv_error, open_csv};
use super::votes::{COLUMNS, Votes};
use super::{DataError, Split, relative};

const HELP: &str = "Expected the folders FER2013Train, FER2013Valid and FER2013Test, each with its pictures and a label.csv with rows like fer0000000.png,\"(0, 0, 48, 48)\",4,0,0,1,3,2,0,0,0,0.";
const LIST: &str = "label.csv";
const SPLITS: [(&str, Split); 3] = [
    ("FER2013Train", Split::Training),
    ("FER2013Valid", Split::PublicTest),
    ("FER2013Test", Split::PrivateTest),
];

/// The lists below `root`, and their splits.
fn lists(root: &Path) -> Vec<(PathBuf, Split)> {
    let list = |(folder, split): (&str, Split)| (root.join(folder).join(LIST), split);
    SPLITS.map(list).into_iter().filter(|(list, _)| list.is_file()).collect()
}

/// Whether `root` has this layout.
pub(super) fn is_in(root: &Path) -> bool {
    !lists(root).is_empty()
}

/// Reads the folders in `root`. The class is the plurality of the votes; a picture without one is skipped.
///
/// # Errors
/// [`DataError`] naming the list's row or the picture: another number of columns, a vote above ten, a picture that is
/// missing, unreadable or of another size than the first.
pub fn read(root: &Path, side: usize) -> Result<Dataset, DataError> {
    let mut data = Dataset::new("ferplus", FERPLUS_8, side);
    let (mut items, mut votes) = (Vec::new(), Vec::new());
    for (list, split) in lists(root) {
        let folder = list.parent().unwrap_or(root);
        let mut reader = open_csv(&list, false)?;
        let mut record = csv::StringRecord::new();
        for row in 1.. {
            if !reader.read_record(&mut record).map_err(|error| csv_error(&list, row, &error))? {
                break;
            }
            let bad = |what| DataError::Row { path: list.clone(), row, what, help: HELP };
            let (name, counts) = parse(&record).map_err(bad)?;
            let Some(label) = counts.plurality() else {
                data.skip("no top vote for a class");
                continue;
            };
            let file = folder.join(name);
            if !file.is_file() {
                return Err(bad(format!("{name:.120} is missing beside the list")));
            }
            let origin = relative(&file, root);
            let row = Row { split, label, subject: None, origin };
            items.push(Item { file, row, area: Area::Whole });
            votes.push(counts);
        }
    }
    if items.is_empty() {
        let what = "no list in it has a row with a top vote".to_owned();
        return Err(DataError::File { path: root.to_owned(), what, help: HELP });
    }
    push_all(&mut data, &items, Sizes::Same)?;
    Ok(data.with_votes(votes))
}

/// The picture's name and the votes.
fn parse(record: &csv::StringRecord) -> Result<(&str, Votes), String> {
    if record.len() != COLUMNS + 2 {
        return Err(format!("{} columns, expected {}", record.len(), COLUMNS + 2));
    }
    let name = record[0].trim();
    if name.is_empty() || name.contains(['/', '\\']) {
        return Err(format!("\"{name:.120}\" is not the name of a picture beside the list"));
    }
    let mut votes = [0; COLUMNS];
    for (count, text) in votes.iter_mut().zip(record.iter().skip(2)) {
        let number = text.trim().parse().ok().filter(|votes| *votes <= 10);
        *count = number.ok_or_else(|| format!("\"{text:.20}\" votes, expected 0-10"))?;
    }
    Ok((name, Votes(votes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::layout::{DatasetLayout, ReadOptions};

    fn tree(rows: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (folder, name, seed) in [
            ("FER2013Train", "fer0000000.png", 1),
            ("FER2013Train", "fer0000001.png", 2),
            ("FER2013Test", "fer0000002.png", 3),
        ] {
            fixture::save(&root.path().join(folder).join(name), 48, seed);
        }
        fixture::write(&root.path().join("FER2013Train/label.csv"), rows);
        let test = "fer0000002.png,\"(0, 0, 48, 48)\",0,9,0,0,0,0,0,0,1,0\n";
        fixture::write(&root.path().join("FER2013Test/label.csv"), test);
        root
    }

    #[test]
    fn votes_come_from_the_list_beside_the_pictures() {
        let root = tree(
            "fer0000000.png,\"(0, 0, 48, 48)\",4,0,0,1,3,2,0,0,0,0\nfer0000001.png,\"(0, 0, 48, 48)\",0,0,0,0,0,0,0,0,0,10\n",
        );
        assert_eq!(DatasetLayout::of(root.path()).unwrap(), DatasetLayout::FerPlus);
        let data = crate::layout::read(root.path(), None, &ReadOptions::default()).unwrap();
        let rows: Vec<_> = (0..data.len()).map(|row| (data.split(row), data.label(row))).collect();
        assert_eq!(rows, [(Split::Training, 0), (Split::PrivateTest, 1)]);
        assert_eq!(data.votes(0).unwrap().0[4], 3);
        assert_eq!(data.skipped()["no top vote for a class"], 1);
    }

    #[test]
    fn rows_are_named() {
        for (rows, word) in [
            ("fer0000009.png,box,10,0,0,0,0,0,0,0,0,0\n", "row 1: fer0000009.png is missing"),
            ("../a.png,box,10,0,0,0,0,0,0,0,0,0\n", "row 1: \"../a.png\" is not the name"),
            ("fer0000000.png,box,11,0,0,0,0,0,0,0,0,0\n", "row 1: \"11\" votes"),
            ("fer0000000.png,1\n", "row 1: 2 columns"),
        ] {
            let error = fixture::reported(read(tree(rows).path(), 48).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
    }
}
