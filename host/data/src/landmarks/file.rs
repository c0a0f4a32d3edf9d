//! A CSV file with the landmarks of a dataset's rows, px of the row.

use std::fmt::Write as _;
use std::path::Path;

use emocue_models::bundle::Sha256;
use emocue_models::geometry::{Landmarks, Point};

use crate::dataset::Dataset;
use crate::error::DataError;
use crate::table::{csv_error, expect_header, open_csv};

use super::find::range;

/// The columns: index of the row, from 0; the first eight hexadecimal digits of the SHA-256 of its pixels, which may be
/// empty; x and y of each point, left and right as the viewer sees them.
const HEADER: [&str; 12] = [
    "row",
    "picture",
    "left_eye_x",
    "left_eye_y",
    "right_eye_x",
    "right_eye_y",
    "nose_x",
    "nose_y",
    "left_mouth_x",
    "left_mouth_y",
    "right_mouth_x",
    "right_mouth_y",
];

const HELP: &str = "`emocue data landmarks --output FILE` writes one for a dataset.";
const OTHER: &str = "The file belongs to another dataset or another --side: make one for this.";

/// The file's text for those of `rows` that have landmarks.
pub fn text(data: &Dataset, rows: &[usize], landmarks: &[Option<Landmarks>]) -> String {
    let mut text = HEADER.join(",") + "\n";
    for (row, landmarks) in rows.iter().zip(landmarks) {
        let Some(landmarks) = landmarks else { continue };
        let _ = write!(text, "{row},{}", digits(data, *row));
        for Point { x, y } in landmarks.points() {
            let _ = write!(text, ",{x:.2},{y:.2}");
        }
        text.push('\n');
    }
    text
}

fn digits(data: &Dataset, row: usize) -> String {
    Sha256::of(data.picture(row)).to_string()[..8].to_owned()
}

/// Reads the landmarks of `data` from a file, one entry for each of its rows; `None` for a row that the file does not
/// have.
///
/// # Errors
/// [`DataError`] naming the row: an invalid index, a duplicate, another picture's hash, or a point more than half a
/// side outside the picture.
pub fn read(path: &Path, data: &Dataset) -> Result<Vec<Option<Landmarks>>, DataError> {
    let mut reader = open_csv(path, true)?;
    expect_header(path, &mut reader, &HEADER, HELP)?;
    let mut landmarks = vec![None; data.len()];
    let range = range(data.side());
    for (index, record) in reader.records().enumerate() {
        let number = index + 1;
        let record = record.map_err(|error| csv_error(path, number, &error))?;
        let bad =
            |what: String, help| DataError::Row { path: path.to_owned(), row: number, what, help };
        if record.len() != HEADER.len() {
            let what = format!("{} cells, expected {}", record.len(), HEADER.len());
            return Err(bad(what, HELP));
        }
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        let row: usize =
            cell(0).parse().map_err(|_| bad(format!("\"{}\" is not a row", cell(0)), HELP))?;
        let Some(target) = landmarks.get_mut(row) else {
            return Err(bad(format!("row {row} of a dataset with {} rows", data.len()), OTHER));
        };
        if target.is_some() {
            return Err(bad(format!("row {row} is there twice"), HELP));
        }
        let own = digits(data, row);
        if !cell(1).is_empty() && cell(1) != own {
            let what = format!("the picture of row {row} is {own}, the file says {}", cell(1));
            return Err(bad(what, OTHER));
        }
        let mut points = [Point::default(); 5];
        for (at, point) in points.iter_mut().enumerate() {
            let number = |at: usize| -> Result<f32, DataError> {
                let value = cell(at).parse().ok().filter(|value| range.contains(value));
                value.ok_or_else(|| {
                    let (name, low, high) = (HEADER[at], range.start(), range.end());
                    let what =
                        format!("{name} is \"{}\", expected {low:.0} to {high:.0} px", cell(at));
                    bad(what, OTHER)
                })
            };
            *point = Point::new(number(2 + 2 * at)?, number(3 + 2 * at)?);
        }
        *target = Some(Landmarks::from_points(points));
    }
    Ok(landmarks)
}

#[cfg(test)]
mod tests {
    use emocue_models::label::FER_7;

    use super::*;
    use crate::Split;
    use crate::dataset::Row;
    use crate::fixture::reported;

    fn data() -> Dataset {
        let mut data = Dataset::new("test", FER_7, 8);
        for label in 0..3 {
            let row = Row { split: Split::Training, label, subject: None, origin: String::new() };
            data.push(row, &[label as u8; 64]);
        }
        data
    }

    fn points() -> Landmarks {
        let points = [(2.0, 3.0), (6.0, 3.0), (4.0, 4.5), (2.5, 6.0), (5.5, -1.25)];
        Landmarks::from_points(points.map(|(x, y)| Point::new(x, y)))
    }

    #[test]
    fn what_is_written_is_read() {
        let (data, folder) = (data(), tempfile::tempdir().unwrap());
        let path = folder.path().join("landmarks.csv");
        std::fs::write(&path, text(&data, &[0, 2], &[None, Some(points())])).unwrap();
        assert_eq!(read(&path, &data).unwrap(), [None, None, Some(points())]);
    }

    #[test]
    fn a_file_that_does_not_fit_is_refused_with_its_row() {
        let (data, folder) = (data(), tempfile::tempdir().unwrap());
        let path = folder.path().join("landmarks.csv");
        let good = text(&data, &[1], &[Some(points())]);
        let line = good.lines().nth(1).unwrap();
        let hash = line.split(',').nth(1).unwrap();
        for (from, to, expected) in [
            ("1,", "9,", "row 1: row 9 of a dataset with 3 rows"),
            ("1,", "x,", "\"x\" is not a row"),
            (hash, "00000000", "the file says 00000000"),
            ("2.00", "nan", "left_eye_x is \"nan\", expected -4 to 12 px"),
            ("2.00", "12.5", "left_eye_x is \"12.5\""),
            ("2.00,", "", "11 cells, expected 12"),
            ("row,", "line,", "the header is \"line,"),
            (line, &format!("{line}\n{line}"), "row 2: row 1 is there twice"),
        ] {
            // The header has no digits, so the first match of a value is the row's.
            std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
            let error = reported(read(&path, &data).unwrap_err());
            assert!(error.contains(expected), "{expected}: {error}");
        }
        std::fs::write(&path, good.replacen(hash, "", 1)).unwrap();
        assert_eq!(read(&path, &data).unwrap()[1], Some(points()), "the hash may be left out");
    }
}
