//! NumPy archives (`.npz`): pictures and labels as arrays, named by use and split.
//!
//! Accepted are the names of [`PARTS`], and for `N` pictures of `S * S` px
//! - pictures `[N, S, S]`, `[N, S*S]`, `[N, S, S, C]`, `[N, C, S, S]` with `C` 1 or 3, or with `N` last:
//!   `[S*S, N]`, `[S, S, N]`; integers `0..=255`, or floats `0..=1` or `0..=255`,
//! - labels `[N]`, `[N, 1]` or `[1, N]`: integers from 0 or from 1, or class names; or one-hot `[N, K]` or
//!   `[K, N]`.
//!
//! `toronto_face.npz` is the part of the Toronto Face Database (Susskind, Anderson & Hinton 2010) that the course
//! CSC411 published: `inputs_train` `[3374, 2304]`, and so for `valid` (419) and `test` (385); its classes are those of
//! `fer-7` in the same order, counted from 0 or from 1.

mod labels;
mod view;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use emocue_models::label::LabelSet;
use npyz::npz::NpzArchive;

use super::dataset::{Dataset, Row};
use super::npy::Array;
use super::{DataError, Split, resize};
use labels::{Classes, classes_of, first_label};
use view::{Range, View};

/// The largest array, bytes.
const MAX_ARRAY: u64 = 2 << 30;

/// Names of pictures and of their labels, by split; case is ignored.
pub const PARTS: &[(Split, &[(&str, &str)])] = &[
    (
        Split::Training,
        &[
            ("inputs_train", "target_train"),
            ("x_train", "y_train"),
            ("train_x", "train_y"),
            ("train_images", "train_labels"),
            // Without a split.
            ("x", "y"),
            ("images", "labels"),
            ("data", "target"),
        ],
    ),
    (
        Split::PublicTest,
        &[
            ("inputs_valid", "target_valid"),
            ("x_valid", "y_valid"),
            ("x_val", "y_val"),
            ("valid_x", "valid_y"),
            ("val_images", "val_labels"),
        ],
    ),
    (
        Split::PrivateTest,
        &[
            ("inputs_test", "target_test"),
            ("x_test", "y_test"),
            ("test_x", "test_y"),
            ("test_images", "test_labels"),
        ],
    ),
];

const HELP: &str = "Expected arrays like inputs_train and target_train (also valid, test; x_train and y_train; X and y), of pictures [N, S, S] or [N, S*S] and of N labels.";

/// Reads an archive whose labels are classes of `labels`, at `side` px; `layout` is the name of its layout.
///
/// # Errors
/// [`DataError`] naming the file, the array and the row: no known names, shapes that do not fit, pixels or
/// labels out of range, an array over 2 GiB.
pub fn read(
    path: &Path,
    layout: &'static str,
    labels: LabelSet,
    side: usize,
) -> Result<Dataset, DataError> {
    let refuse = |problem: Problem| match problem.row {
        Some(row) => DataError::Row { path: path.to_owned(), row, what: problem.what, help: HELP },
        None => DataError::File { path: path.to_owned(), what: problem.what, help: HELP },
    };
    let file =
        File::open(path).map_err(|source| DataError::Io { path: path.to_owned(), source })?;
    let archive = NpzArchive::new(BufReader::new(file))
        .map_err(|error| refuse(format!("no NumPy archive: {error}").into()))?;
    read_parts(archive, layout, labels, side).map_err(refuse)
}

type Archive = NpzArchive<BufReader<File>>;

/// An error, with its row if it is in one.
struct Problem {
    row: Option<usize>,
    what: String,
}

impl From<String> for Problem {
    fn from(what: String) -> Self {
        Self { row: None, what }
    }
}

/// Pictures and labels of one split.
struct Part {
    split: Split,
    pictures: String,
    labels: String,
    classes: Classes,
}

fn read_parts(
    mut archive: Archive,
    layout: &'static str,
    labels: LabelSet,
    side: usize,
) -> Result<Dataset, Problem> {
    let mut parts = Vec::new();
    for (split, pictures, names) in parts_of(&archive)? {
        let array = array(&mut archive, &names)?;
        let classes = classes_of(&array, &labels).map_err(|problem| problem.within(&names))?;
        parts.push(Part { split, pictures, labels: names, classes });
    }
    let first = first_label(parts.iter().map(|part| &part.classes), &labels)?;
    let mut data = Dataset::new(layout, labels, side);
    let mut ranges: Option<(Range, String)> = None;
    for part in parts {
        let classes = part.classes.indices(first, &labels);
        let classes = classes.map_err(|problem| problem.within(&part.labels))?;
        let array = array(&mut archive, &part.pictures)?;
        let within = |problem: Problem| problem.within(&part.pictures);
        let view = View::of(&array, classes.len()).map_err(within)?;
        let range = view.range(&array).map_err(within)?;
        let (expected, example) = ranges.get_or_insert_with(|| (range, part.pictures.clone()));
        if range != *expected {
            let what =
                format!("{} has pixels {range:?}, but {example} {expected:?}", part.pictures);
            return Err(what.into());
        }
        for (index, label) in classes.into_iter().enumerate() {
            let pixels = view.picture(&array, index, range);
            let origin = format!("{} row {}", part.pictures, index + 1);
            let row = Row { split: part.split, label, subject: None, origin };
            data.push(row, &resize::scaled(&pixels, view.side, side));
        }
    }
    if data.is_empty() { Err("the arrays hold no picture".to_owned().into()) } else { Ok(data) }
}

/// The names of the arrays of pictures and labels of each split in the archive.
fn parts_of(archive: &Archive) -> Result<Vec<(Split, String, String)>, Problem> {
    let names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    let stored = |name: &str| names.iter().find(|n| n.eq_ignore_ascii_case(name)).cloned();
    let mut parts = Vec::new();
    for (split, pairs) in PARTS {
        for (pictures, labels) in *pairs {
            match (stored(pictures), stored(labels)) {
                (Some(pictures), Some(labels)) => parts.push((*split, pictures, labels)),
                (Some(pictures), None) => {
                    return Err(format!("{pictures} has no {labels} beside it").into());
                }
                (None, _) => continue,
            }
            break;
        }
    }
    if parts.is_empty() {
        let found = names.iter().take(12).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(format!("no known arrays among \"{found}\"").into());
    }
    Ok(parts)
}

fn array(archive: &mut Archive, name: &str) -> Result<Array, Problem> {
    let file = archive.zip_archive().by_name(&npyz::npz::file_name_from_array_name(name));
    let file = file.map_err(|error| format!("{name}: {error}"))?;
    Array::read(file, MAX_ARRAY).map_err(|what| format!("{name}: {what}").into())
}

impl Problem {
    fn within(self, array: &str) -> Self {
        Self { what: format!("{array}: {}", self.what), ..self }
    }
}

fn at_row(index: usize, what: String) -> Problem {
    Problem { row: Some(index + 1), what }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use emocue_models::label::FER_7;
    use npyz::{DType, Order};
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;
    use crate::npy::tests::{with_dtype, written};

    const SIDE: usize = 8;

    /// A zip file of stored arrays, as `numpy.savez` writes it.
    fn zipped(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        let mut npz = npyz::npz::NpzWriter::new(&mut file);
        for (name, bytes) in arrays {
            let zip = npz.zip_writer();
            zip.start_file(format!("{name}.npy"), Default::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        npz.zip_writer().finish().unwrap();
        drop(npz);
        file.into_inner()
    }

    fn read_arrays(arrays: &[(&str, Vec<u8>)]) -> Result<Dataset, String> {
        read_bytes(&zipped(arrays))
    }

    fn read_bytes(bytes: &[u8]) -> Result<Dataset, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read(file.path(), "npz", FER_7, SIDE).map_err(fixture::reported)
    }

    fn faces(count: u32) -> Vec<u8> {
        (0..count).flat_map(|seed| fixture::face(SIDE as u32, seed).into_raw()).collect()
    }

    fn pictures(shape: &[u64]) -> Vec<u8> {
        written(shape, &faces((shape.iter().product::<u64>() / 64) as u32))
    }

    #[test]
    fn toronto_layout_with_labels_from_0_or_1() {
        for first in [0_i64, 1] {
            let labels: Vec<i64> = (0..7).map(|label| label + first).collect();
            let data = read_arrays(&[
                ("inputs_train", pictures(&[7, 64])),
                ("target_train", written(&[7], &labels)),
                ("inputs_valid", pictures(&[2, 8, 8])),
                ("target_valid", written(&[2, 1], &[6 + first, first])),
                ("inputs_test", pictures(&[1, 64])),
                ("target_test", written(&[1], &[3 + first])),
            ])
            .unwrap();
            assert_eq!((data.len(), data.label(6), data.label(7), data.label(9)), (10, 6, 6, 3));
            let counts = Split::ALL.map(|split| data.rows(split).len());
            assert_eq!(counts, [7, 2, 1]);
            assert_eq!(data.picture(8), fixture::face(8, 1).as_raw());
            assert_eq!(data.row(8).origin, "inputs_valid row 2");
        }
    }

    #[test]
    fn every_arrangement_gives_the_same_pictures() {
        let truth = faces(3);
        let labels = || ("y", written(&[3], &[0_u8, 1, 6]));
        let unit: Vec<f32> = truth.iter().map(|v| f32::from(*v) / 255.0).collect();
        let wide: Vec<f64> = truth.iter().map(|v| f64::from(*v)).collect();
        // Element (y, x, n) of [S, S, N].
        let last: Vec<u8> = (0..192).map(|i| truth[i % 3 * 64 + i / 3]).collect();
        let colour: Vec<u8> = truth.iter().flat_map(|v| [*v; 3]).collect();
        let fortran =
            with_dtype(DType::Plain("|u1".parse().unwrap()), Order::Fortran, &[3, 64], &last);
        for array in [
            written(&[3, 8, 8], &unit),
            written(&[3, 64], &wide),
            written(&[3, 8, 8, 1], &truth),
            written(&[3, 1, 8, 8], &truth),
            written(&[8, 8, 3], &last),
            written(&[64, 3], &last),
            written(&[3, 8, 8, 3], &colour),
            fortran,
        ] {
            let data = read_arrays(&[("X", array), labels()]).unwrap();
            let read: Vec<u8> = (0..3).flat_map(|row| data.picture(row).to_vec()).collect();
            assert_eq!(read, truth);
        }
    }

    #[test]
    fn one_hot_and_named_labels() {
        let mut hot = [0.0_f32; 14];
        (hot[2], hot[7 + 6]) = (1.0, 1.0);
        let one_hot = written(&[2, 7], &hot);
        let data = read_arrays(&[("X", pictures(&[2, 64])), ("y", one_hot)]).unwrap();
        assert_eq!((data.label(0), data.label(1)), (2, 6));
        let names = crate::npy::tests::text("|S5", b"happy");
        let data = read_arrays(&[("X", pictures(&[1, 64])), ("y", names)]).unwrap();
        assert_eq!(data.label(0), 3);
    }

    #[test]
    fn what_cannot_be_trusted_is_named() {
        let good = || ("x_train", pictures(&[2, 64]));
        let labels = |values: &[i64]| ("y_train", written(&[values.len() as u64], values));
        let pixels = |values: Vec<f32>| ("x_train", written(&[2, 64], &values));
        let mut standardised = vec![0.5; 128];
        standardised[70] = -1.25;
        for (arrays, word) in [
            (vec![good()], "x_train has no y_train"),
            (vec![("faces", pictures(&[2, 64]))], "no known arrays among \"faces\""),
            (vec![good(), labels(&[0, 1, 2])], "2 pictures for 3 labels"),
            (vec![good(), labels(&[0, 8])], "row 2: y_train: label 8"),
            (vec![good(), labels(&[2, 3])], "from 0 or from 1"),
            (vec![good(), ("y_train", written(&[2, 5], &[0_u8; 10]))], "one-hot for the 7"),
            (vec![good(), ("y_train", written(&[2, 7], &[0_u8; 14]))], "row 1: y_train: "),
            (vec![pixels(standardised), labels(&[0, 1])], "row 2: x_train: a pixel is -1.25"),
            (vec![("x_train", pictures(&[2, 8, 8, 4])), labels(&[0, 1])], "no square pictures"),
            (vec![("x_train", written(&[2, 64], &[1_u8; 128])), labels(&[0, 1])], "truth values"),
            (
                vec![
                    good(),
                    labels(&[0, 1]),
                    ("x_val", written(&[1, 64], &[0.5_f32; 64])),
                    ("y_val", written(&[1], &[0_u8])),
                ],
                "x_val has pixels Unit, but x_train Byte",
            ),
        ] {
            let error = read_arrays(&arrays).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(read_bytes(b"emotion,pixels,Usage").unwrap_err().contains("no NumPy archive"));
    }

    proptest! {
        #[test]
        fn damaged_archives_never_panic(
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            keep in any::<prop::sample::Index>(),
        ) {
            let mut bytes =
                zipped(&[("X", pictures(&[4, 64])), ("y", written(&[4], &[0_i64, 2, 6, 1]))]);
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(keep.index(bytes.len() * 3));
            if let Ok(data) = read_bytes(&bytes) {
                prop_assert!((0..data.len()).all(|row| data.label(row) < 7));
            }
        }

        #[test]
        fn damaged_arrays_never_panic(
            flips in proptest::collection::vec((0..200_usize, any::<u8>()), 1..6),
            labels: bool,
        ) {
            let mut arrays =
                [("X", pictures(&[4, 64])), ("y", written(&[4], &[0_i64, 2, 6, 1]))];
            let bytes = &mut arrays[usize::from(labels)].1;
            for (at, value) in flips {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            let _ = read_arrays(&arrays);
        }
    }
}
