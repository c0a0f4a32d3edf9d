//! The lists of AffectNet's manual release: `training.csv` and `validation.csv`.

use std::path::{Path, PathBuf};

use csv::StringRecord;
use emocue_models::geometry::Rect;

use super::{AnnotatedLabel, HELP, told_by};
use crate::dataset::{Dataset, Row};
use crate::items::{Area, Item};
use crate::table::{csv_error, open_csv};
use crate::{DataError, Split};

/// Columns of the lists, as published; `validation.csv` comes without this header.
pub(in super::super) const COLUMNS: [&str; 9] = [
    "subDirectory_filePath",
    "face_x",
    "face_y",
    "face_width",
    "face_height",
    "facial_landmarks",
    "expression",
    "valence",
    "arousal",
];

/// The lists and their splits.
pub(super) const LISTS: &[(&str, Split)] =
    &[("training.csv", Split::Training), ("validation.csv", Split::PrivateTest)];

/// Folders of the pictures, relative to the list's folder.
const FOLDERS: [&str; 4] = [
    "",
    "Manually_Annotated_Images",
    "Manually_Annotated/Manually_Annotated_Images",
    "Manually_Annotated_compressed/Manually_Annotated_Images",
];

/// The pictures of the list `root`, or of both lists in the folder `root`.
pub(super) fn items(root: &Path, data: &mut Dataset) -> Result<Vec<Item>, DataError> {
    let mut items = Vec::new();
    if root.is_file() {
        let name = crate::name_of(root).to_lowercase();
        let split = if name.starts_with("val") { Split::PrivateTest } else { Split::Training };
        read(root, split, data, &mut items)?;
        return Ok(items);
    }
    for (name, split) in LISTS {
        let list = root.join(name);
        if list.is_file() {
            read(&list, *split, data, &mut items)?;
        }
    }
    Ok(items)
}

fn read(
    list: &Path,
    split: Split,
    data: &mut Dataset,
    items: &mut Vec<Item>,
) -> Result<(), DataError> {
    let mut reader = open_csv(list, false)?;
    let mut record = StringRecord::new();
    let mut columns = Columns::published();
    let mut folder: Option<PathBuf> = None;
    let (mut row, mut is_first) = (0, true);
    while reader.read_record(&mut record).map_err(|error| csv_error(list, row + 1, &error))? {
        if std::mem::take(&mut is_first) && record.get(0).is_some_and(|path| !path.contains('/')) {
            columns = Columns::named(list, &record)?;
            continue;
        }
        row += 1;
        let bad = |what| DataError::Row { path: list.to_owned(), row, what, help: HELP };
        let (name, face, label) = columns.parse(&record).map_err(bad)?;
        let label = match told_by(label).map_err(bad)? {
            AnnotatedLabel::Skip(why) => {
                data.skip(why);
                continue;
            }
            AnnotatedLabel::Class(label) => label,
        };
        let Some(face) = face else {
            data.skip("no box of the face");
            continue;
        };
        let file = match &folder {
            Some(folder) => folder.join(name),
            None => {
                let beside = list.parent().unwrap_or(Path::new(""));
                let folders = FOLDERS.map(|folder| beside.join(folder));
                let found = folders.into_iter().find(|folder| folder.join(name).is_file());
                folder.insert(found.ok_or_else(|| bad(missing(name)))?).join(name)
            }
        };
        if !file.is_file() {
            return Err(bad(missing(name)));
        }
        let row = Row { split, label, subject: None, origin: name.to_owned() };
        items.push(Item { file, row, area: Area::Pixels(face) });
    }
    Ok(())
}

fn missing(name: &str) -> String {
    format!("{name:.120} is neither beside the list nor in Manually_Annotated_Images")
}

/// Indices of the columns that are used.
struct Columns {
    path: usize,
    face: [usize; 4],
    expression: usize,
}

impl Columns {
    fn published() -> Self {
        Self { path: 0, face: [1, 2, 3, 4], expression: 6 }
    }

    fn named(list: &Path, header: &StringRecord) -> Result<Self, DataError> {
        let find = |name: &str| {
            header.iter().position(|column| column.trim_start_matches('\u{feff}').trim() == name)
        };
        let column = |name: &str| {
            find(name).ok_or_else(|| {
                let found = header.iter().take(12).collect::<Vec<_>>().join(",");
                let what = format!("there is no column {name} in the header \"{found:.200}\"");
                DataError::File { path: list.to_owned(), what, help: HELP }
            })
        };
        let [path, x, y, width, height, _, expression, ..] = COLUMNS;
        Ok(Self {
            path: column(path)?,
            face: [column(x)?, column(y)?, column(width)?, column(height)?],
            expression: column(expression)?,
        })
    }

    /// The picture's path, the face's box if there is one, and the label.
    fn parse<'a>(
        &self,
        record: &'a StringRecord,
    ) -> Result<(&'a str, Option<Rect>, &'a str), String> {
        let field = |column: usize| {
            record
                .get(column)
                .map(str::trim)
                .ok_or_else(|| format!("{} columns, expected {}", record.len(), COLUMNS.len()))
        };
        let name = field(self.path)?;
        let is_below = Path::new(name)
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_)));
        if name.is_empty() || !is_below {
            return Err(format!("\"{name:.120}\" is not a path below the list's folder"));
        }
        let mut values = [0.0_f32; 4];
        for (value, column) in values.iter_mut().zip(self.face) {
            let text = field(column)?;
            if text.eq_ignore_ascii_case("null") {
                return Ok((name, None, field(self.expression)?));
            }
            let number = text.parse().ok().filter(|number: &f32| number.is_finite());
            *value = number.ok_or_else(|| format!("the face's box has \"{text:.20}\""))?;
        }
        let [x, y, width, height] = values;
        let face = (width > 0.0 && height > 0.0).then(|| Rect::new(x, y, width, height));
        Ok((name, face, field(self.expression)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::read as read_set;
    use super::*;
    use crate::fixture;

    const TRAINING: &str = "689/a.jpg,10,10,40,40,1;2,6,-0.1,0.2
1/b.jpg,0,0,20,24,1;2,10,-2,-2
1/b.jpg,NULL,NULL,NULL,NULL,,1,-2,-2
1/b.jpg,0,0,24,20,1;2,1,0.5,0.5
";

    fn release(training: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let images = root.path().join("Manually_Annotated_Images");
        fixture::save(&images.join("689/a.jpg"), 64, 1);
        fixture::save(&images.join("1/b.jpg"), 24, 2);
        fixture::write(
            &root.path().join("training.csv"),
            format!("{}\n{training}", COLUMNS.join(",")),
        );
        fixture::write(&root.path().join("validation.csv"), "1/b.jpg,0,0,24,24,1;2,0,0,0\n");
        root
    }

    #[test]
    fn faces_are_cut_out_by_their_boxes() {
        let root = release(TRAINING);
        let data = read_set(root.path(), 40).unwrap();
        let rows: Vec<_> = (0..3).map(|i| (data.split(i), data.label(i))).collect();
        assert_eq!(rows, [(Split::Training, 6), (Split::Training, 1), (Split::PrivateTest, 0)]);
        assert_eq!((data.skipped()["10 no face"], data.skipped()["no box of the face"]), (1, 1));
        let whole =
            crate::picture::read(&root.path().join("Manually_Annotated_Images/689/a.jpg")).unwrap();
        let expected: Vec<u8> = (10..50).flat_map(|y| whole.row(y)[10..50].to_vec()).collect();
        assert_eq!(data.picture(0), expected);
        // A path to a single list.
        let list = root.path().join("validation.csv");
        let data = read_set(&list, 40).unwrap();
        assert_eq!((data.len(), data.split(0)), (1, Split::PrivateTest));
    }

    #[test]
    fn rows_are_named() {
        for (training, word) in [
            (
                "689/a.jpg,10,10,40,40,1;2,6,0,0\n689/c.jpg,1,1,9,9,,1,0,0",
                "row 2: 689/c.jpg is neither",
            ),
            ("689/a.jpg,10,10,40,40,1;2,11,0,0", "row 1: the label is \"11\""),
            ("689/a.jpg,10,x,40,40,1;2,1,0,0", "row 1: the face's box has \"x\""),
            ("689/a.jpg,10,10", "row 1: "),
            ("../a.jpg,10,10,40,40,1;2,1,0,0", "row 1: \"../a.jpg\" is not a path"),
            ("689/a.jpg,90,10,40,40,1;2,1,0,0", "a.jpg: 64x64 px, but the face is said at 90,10"),
        ] {
            let error = fixture::reported(read_set(release(training).path(), 48).unwrap_err());
            assert!(error.contains(word), "{error}");
        }
        let root = release("");
        fixture::write(&root.path().join("training.csv"), "path,label\na/b.jpg,1\n");
        let error = fixture::reported(read_set(root.path(), 48).unwrap_err());
        assert!(
            error.contains("no column subDirectory_filePath in the header \"path,label\""),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn damaged_lists_never_panic(
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            keep in any::<prop::sample::Index>(),
        ) {
            let mut bytes = format!("{}\n{TRAINING}", COLUMNS.join(",")).into_bytes();
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(keep.index(bytes.len() * 3));
            let root = release("");
            fixture::write(&root.path().join("training.csv"), bytes);
            if let Ok(data) = read_set(root.path(), 16) {
                prop_assert!((0..data.len()).all(|row| data.label(row) < 8));
            }
        }
    }
}
