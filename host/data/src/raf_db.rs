//! RAF-DB's basic expressions (Li, Deng & Du 2017), aligned: `EmoLabel/list_patition_label.txt` with lines like
//! `train_00001.jpg 5`, and `Image/aligned/train_00001_aligned.jpg`, 100x100 px. Also in Kaggle's layout: a folder for
//! each label, `DATASET/train/1/train_00001_aligned.jpg`, with `train_labels.csv` and `test_labels.csv` beside them.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use emocue_models::files;
use emocue_models::label::RAF_7;

use super::dataset::{Dataset, Row};
use super::items::{Area, Item, Sizes, push_all};
use super::picture;
use super::table::{columns, csv_error, open_csv};
use super::{DataError, Split, children, name_of, relative};

/// The list's name, spelled as published.
pub const LIST: &str = "list_patition_label.txt";

const HELP: &str = "Expected RAF-DB's basic part as published: EmoLabel/list_patition_label.txt with lines like \"train_00001.jpg 5\" (labels 1-7), and Image/aligned.";

const FOLDERS_HELP: &str = "Expected RAF-DB as Kaggle has it: DATASET/train and DATASET/test with the folders 1 to 7, and lists with the columns image and label.";
/// Parts of Kaggle's layout.
const PARTS: [(&str, Split); 2] = [("train", Split::Training), ("test", Split::PrivateTest)];

/// The list below `root`, in one of the usual folders.
pub(super) fn list_below(root: &Path) -> Option<PathBuf> {
    let folders = ["", "EmoLabel", "basic/EmoLabel", "basic"];
    folders.map(|folder| root.join(folder).join(LIST)).into_iter().find(|list| list.is_file())
}

/// Reads the list in or below the folder `root` and the aligned pictures beside it; `train` becomes Training,
/// `test` PrivateTest.
///
/// # Errors
/// [`DataError`] naming the list's row or the picture: another layout, a label outside `1..=7`, a gap in the numbering,
/// a picture that is missing, not listed, unreadable or of another size than the first.
pub fn read(root: &Path, side: usize) -> Result<Dataset, DataError> {
    let missing = |path: &Path, what: &str| DataError::File {
        path: path.to_owned(),
        what: what.to_owned(),
        help: HELP,
    };
    if let (None, Some(top)) = (list_below(root), folders_root(root)) {
        return read_folders(root, &top, side);
    }
    let list = list_below(root)
        .ok_or_else(|| missing(root, "there is no list_patition_label.txt in it or in EmoLabel"))?;
    let folders = list.ancestors().skip(1).take(2).map(|folder| folder.join("Image/aligned"));
    let folder = folders.into_iter().find(|folder| folder.is_dir()).ok_or_else(|| {
        missing(&list, "there is no Image/aligned beside it; the unaligned pictures need `emocue data prepare`")
    })?;
    let rows = read_list(&list)?;
    check_numbers(&list, &rows)?;

    let mut stored: BTreeSet<String> = children(&folder)?.1.iter().map(|f| name_of(f)).collect();
    let mut items = Vec::with_capacity(rows.len());
    for (index, Listed { split, stem, label, .. }) in rows.into_iter().enumerate() {
        let name = format!("{stem}_aligned.jpg");
        let file = folder.join(&name);
        if !stored.remove(&name) {
            let what = format!("{} is missing", file.display());
            return Err(DataError::Row { path: list, row: index + 1, what, help: HELP });
        }
        let origin = relative(&file, root);
        items.push(Item {
            file,
            row: Row { split, label, subject: None, origin },
            area: Area::Whole,
        });
    }
    if let Some(name) = stored.iter().find(|name| picture::is_picture(Path::new(name))) {
        let what = format!("{name} is not in the list; {} such files", stored.len());
        return Err(DataError::File { path: folder, what, help: HELP });
    }
    let mut data = Dataset::new("raf-db", RAF_7, side);
    push_all(&mut data, &items, Sizes::Same)?;
    Ok(data)
}

/// The folder that contains `train` and `test`, in Kaggle's layout.
fn folders_root(root: &Path) -> Option<PathBuf> {
    let holds = |root: &PathBuf| {
        PARTS.iter().any(|(part, _)| {
            let first = children(&root.join(part).join("1")).map(|(_, files)| files);
            first.is_ok_and(|files| {
                files.iter().any(|file| {
                    let name = name_of(file);
                    name.starts_with(&format!("{part}_")) && name.contains("_aligned.")
                })
            })
        })
    };
    [root.to_owned(), root.join("DATASET")].into_iter().find(holds)
}

/// Whether `root` has Kaggle's layout.
pub(super) fn has_folders(root: &Path) -> bool {
    folders_root(root).is_some()
}

/// Reads Kaggle's folders; the lists beside them must agree.
fn read_folders(root: &Path, top: &Path, side: usize) -> Result<Dataset, DataError> {
    let mut items = Vec::new();
    for (part, split) in PARTS {
        let mut listed = HashMap::new();
        let list = [root, top]
            .map(|folder| folder.join(format!("{part}_labels.csv")))
            .into_iter()
            .find(|list| list.is_file());
        if let Some(list) = &list {
            listed = read_labels(list)?;
        }
        let folder = top.join(part);
        if !folder.is_dir() {
            continue;
        }
        for class in children(&folder)?.0 {
            let bad = |path: &Path, what: String| DataError::File {
                path: path.to_owned(),
                what,
                help: FOLDERS_HELP,
            };
            let label: usize = name_of(&class)
                .parse()
                .ok()
                .filter(|label| (1..=RAF_7.len()).contains(label))
                .ok_or_else(|| bad(&class, "not a label 1-7".to_owned()))?;
            for file in children(&class)?.1.into_iter().filter(|file| picture::is_picture(file)) {
                if list.is_some() {
                    let what = match listed.remove(&name_of(&file)) {
                        Some(said) if said == label => None,
                        Some(said) => {
                            Some(format!("it lies in folder {label}, the list says {said}"))
                        }
                        None => Some(format!("not in {part}_labels.csv")),
                    };
                    if let Some(what) = what {
                        return Err(bad(&file, what));
                    }
                }
                let origin = relative(&file, root);
                let row = Row { split, label: label - 1, subject: None, origin };
                items.push(Item { file, row, area: Area::Whole });
            }
        }
        if let (Some(list), Some(name)) = (list, listed.keys().min()) {
            let what = format!("{name:.120} is listed and missing; {} such pictures", listed.len());
            return Err(DataError::File { path: list, what, help: FOLDERS_HELP });
        }
    }
    let mut data = Dataset::new("raf-db", RAF_7, side);
    push_all(&mut data, &items, Sizes::Same)?;
    Ok(data)
}

/// The label of every picture in `train_labels.csv`: columns `image` and `label`.
fn read_labels(list: &Path) -> Result<HashMap<String, usize>, DataError> {
    let mut reader = open_csv(list, true)?;
    let [Some(image), Some(label)] = columns(list, &mut reader, ["image", "label"])? else {
        let what = "there are no columns image and label".to_owned();
        return Err(DataError::File { path: list.to_owned(), what, help: FOLDERS_HELP });
    };
    let mut labels = HashMap::new();
    for (index, record) in reader.records().enumerate() {
        let row = index + 1;
        let record = record.map_err(|error| csv_error(list, row, &error))?;
        let name = record.get(image).unwrap_or("").trim();
        let number = record.get(label).and_then(|label| label.trim().parse().ok());
        let number = number.filter(|label| (1..=RAF_7.len()).contains(label));
        let Some(number) = number else {
            let what = "the label is not 1-7".to_owned();
            return Err(DataError::Row { path: list.to_owned(), row, what, help: FOLDERS_HELP });
        };
        if labels.insert(name.to_owned(), number).is_some() {
            let what = format!("{name:.120} is listed twice");
            return Err(DataError::Row { path: list.to_owned(), row, what, help: FOLDERS_HELP });
        }
    }
    Ok(labels)
}

struct Listed {
    split: Split,
    /// `"train_00001"`
    stem: String,
    number: usize,
    label: usize,
}

fn read_list(list: &Path) -> Result<Vec<Listed>, DataError> {
    let bytes = files::read_at_most(list, files::MAX_TEXT)
        .map_err(|source| DataError::Io { path: list.to_owned(), source })?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().enumerate();
    let rows = lines.map(|(index, line)| {
        let row = index + 1;
        let bad = |what| DataError::Row { path: list.to_owned(), row, what, help: HELP };
        parse(line).map_err(bad)
    });
    let rows: Vec<Listed> = rows.collect::<Result<_, _>>()?;
    if rows.is_empty() {
        let what = "the list is empty".to_owned();
        return Err(DataError::File { path: list.to_owned(), what, help: HELP });
    }
    Ok(rows)
}

fn parse(line: &str) -> Result<Listed, String> {
    let unknown = || format!("\"{line:.60}\" is not like \"train_00001.jpg 5\"");
    let (name, label) = line.trim().split_once(char::is_whitespace).ok_or_else(unknown)?;
    let stem = name.strip_suffix(".jpg").ok_or_else(unknown)?;
    let (part, number) = stem.split_once('_').ok_or_else(unknown)?;
    let number = number.parse().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit()));
    let number = number.ok_or_else(unknown)?;
    let split = match part {
        "train" => Split::Training,
        "test" => Split::PrivateTest,
        _ => return Err(unknown()),
    };
    let label: usize = label.trim().parse().map_err(|_| unknown())?;
    if !(1..=RAF_7.len()).contains(&label) {
        return Err(format!("the label is {label}, expected 1-7"));
    }
    Ok(Listed { split, stem: stem.to_owned(), number, label: label - 1 })
}

/// Checks that every split is numbered from 1 without gaps and duplicates.
fn check_numbers(list: &Path, rows: &[Listed]) -> Result<(), DataError> {
    let mut seen: HashMap<(Split, usize), usize> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        if let Some(first) = seen.insert((row.split, row.number), index) {
            let what = format!("{} is in row {} already", row.stem, first + 1);
            return Err(DataError::Row { path: list.to_owned(), row: index + 1, what, help: HELP });
        }
    }
    for (index, row) in rows.iter().enumerate() {
        if row.number != 1 && !seen.contains_key(&(row.split, row.number.wrapping_sub(1))) {
            let what = format!("{} is listed, but the number before it is not", row.stem);
            return Err(DataError::Row { path: list.to_owned(), row: index + 1, what, help: HELP });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    const NAMES: [(&str, u32); 4] =
        [("train_00001", 5), ("train_00002", 7), ("train_00003", 1), ("test_0001", 4)];

    fn tree(names: &[(&str, u32)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let lines: Vec<String> =
            names.iter().map(|(n, label)| format!("{n}.jpg {label}\n")).collect();
        fixture::write(&root.path().join("basic/EmoLabel").join(LIST), lines.concat());
        for (seed, (name, _)) in names.iter().enumerate() {
            let file = format!("basic/Image/aligned/{name}_aligned.jpg");
            fixture::save(&root.path().join(file), 100, seed as u32);
        }
        root
    }

    fn error(root: &tempfile::TempDir) -> String {
        fixture::reported(read(root.path(), 48).unwrap_err())
    }

    #[test]
    fn reads_the_published_tree() {
        let root = tree(&NAMES);
        let data = read(root.path(), 48).unwrap();
        let names: Vec<&str> = (0..4).map(|row| RAF_7.names[data.label(row)]).collect();
        assert_eq!(names, ["sadness", "neutral", "surprise", "happiness"]);
        assert_eq!(data.rows(Split::Training), [0, 1, 2]);
        assert_eq!(data.rows(Split::PrivateTest), [3]);
        assert_eq!(data.row(3).origin, "basic/Image/aligned/test_0001_aligned.jpg");
        assert_eq!((data.side(), data.picture(0).len()), (48, 2304));
        assert_eq!(read(root.path(), 100).unwrap().picture(0).len(), 10_000);
        // The enclosing folder works, too.
        assert_eq!(read(&root.path().join("basic"), 48).unwrap().len(), 4);
    }

    #[test]
    fn names_the_row_of_the_list() {
        for (at, name, word) in [
            (1, ("train_00002", 8), "row 2: the label is 8, expected 1-7"),
            (1, ("train_00005", 3), "row 2: train_00005 is listed"),
            (2, ("train_00002", 3), "row 3: train_00002 is in row 2 already"),
            (3, ("valid_0001", 3), "row 4: \"valid_0001.jpg 3\" is not like"),
            (3, ("test_../x", 3), "row 4"),
        ] {
            let mut names = NAMES;
            names[at] = name;
            let error = error(&tree(&names));
            assert!(error.contains(word) && error.contains(LIST), "{error}");
        }
    }

    proptest! {
        #[test]
        fn damaged_lines_never_panic(line in "(train|test)?_?[0-9é./]{0,8}(.jpg)? ?[0-9]{0,3}.?") {
            if let Ok(listed) = parse(&line) {
                prop_assert!(listed.label < 7 && !listed.stem.contains(['/', '.']));
            }
        }
    }

    #[test]
    fn names_the_picture() {
        let picture = |root: &tempfile::TempDir, name: &str| {
            root.path().join("basic/Image/aligned").join(name)
        };
        let root = tree(&NAMES);
        fixture::save(&picture(&root, "train_00003_aligned.jpg"), 96, 9);
        let text = error(&root);
        assert!(text.contains("train_00003") && text.contains("96x96 px, but"), "{text}");
        fixture::write(&picture(&root, "train_00003_aligned.jpg"), b"<html>");
        assert!(error(&root).contains("train_00003_aligned.jpg: not a JPEG"));
        std::fs::remove_file(picture(&root, "train_00003_aligned.jpg")).unwrap();
        assert!(error(&root).contains("row 3: ") && error(&root).contains("is missing"));
        let root = tree(&NAMES);
        fixture::save(&picture(&root, "test_0002_aligned.jpg"), 100, 9);
        assert!(error(&root).contains("test_0002_aligned.jpg is not in the list"));
    }

    #[test]
    fn kaggles_folders_agree_with_their_lists() {
        let root = tempfile::tempdir().unwrap();
        for (seed, file) in
            ["train/1/train_00001", "train/7/train_00002", "test/4/test_0001"].iter().enumerate()
        {
            let file = format!("DATASET/{file}_aligned.jpg");
            fixture::save(&root.path().join(file), 100, seed as u32);
        }
        let read_all = || read(root.path(), 48).map_err(fixture::reported);
        let data = read_all().unwrap();
        let rows: Vec<_> = (0..3).map(|i| (data.split(i), RAF_7.names[data.label(i)])).collect();
        let expected = [
            (Split::Training, "surprise"),
            (Split::Training, "neutral"),
            (Split::PrivateTest, "happiness"),
        ];
        assert_eq!(rows, expected);
        let list = root.path().join("train_labels.csv");
        let first = "image,label\ntrain_00001_aligned.jpg,1\n";
        for (rows, word) in [
            ("train_00002_aligned.jpg,7\n", None),
            ("train_00002_aligned.jpg,6\n", Some("lies in folder 7, the list says 6")),
            ("", Some("train_00002_aligned.jpg: not in train_labels.csv")),
            ("train_00002_aligned.jpg,7\ntrain_00003_aligned.jpg,7\n", Some("listed and missing")),
            ("train_00002_aligned.jpg,8\n", Some("row 2: the label is not 1-7")),
        ] {
            fixture::write(&list, format!("{first}{rows}"));
            match (read_all(), word) {
                (Ok(data), None) => assert_eq!(data.len(), 3),
                (Err(error), Some(word)) => assert!(error.contains(word), "{error}"),
                (other, _) => panic!("{rows}: {other:?}"),
            }
        }
    }

    #[test]
    fn original_pictures_need_preparing() {
        let root = tree(&NAMES);
        let image = root.path().join("basic/Image");
        std::fs::rename(image.join("aligned"), image.join("original")).unwrap();
        assert!(error(&root).contains("emocue data prepare"));
    }
}
