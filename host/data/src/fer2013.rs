//! FER2013 in Kaggle's layout (Goodfellow et al. 2013): `emotion,pixels,Usage`, optionally gzipped.

use std::path::Path;

use emocue_models::label::FER_7;

use super::dataset::{Dataset, Row};
use super::table::{csv_error, expect_header, open_csv};
use super::{DataError, PIXELS, SIDE, Split};

/// Reads `fer2013.csv` or `fer2013.csv.gz`, in the file's order, which FER+ joins by.
///
/// # Errors
/// [`DataError`] naming the row: another count of pixels than 2,304, a pixel above 255, a label
/// outside `0..=6`, an unknown Usage, or a file without rows.
pub fn read(path: &Path) -> Result<Dataset, DataError> {
    let help =
        "Expected Kaggle's fer2013.csv: emotion 0-6, 2304 pixels 0-255 separated by blanks, Usage.";
    let mut reader = open_csv(path, true)?;
    expect_header(path, &mut reader, &["emotion", "pixels", "Usage"], help)?;
    let mut data = Dataset::new("fer2013", FER_7, SIDE);
    let mut record = csv::StringRecord::new();
    for row in 1.. {
        if !reader.read_record(&mut record).map_err(|e| csv_error(path, row, &e))? {
            break;
        }
        let bad = |what| DataError::Row { path: path.to_owned(), row, what, help };
        push(&mut data, &record, row).map_err(bad)?;
    }
    if data.is_empty() {
        let what = "the file has a header but no row".to_owned();
        return Err(DataError::File { path: path.to_owned(), what, help });
    }
    Ok(data)
}

fn push(data: &mut Dataset, record: &csv::StringRecord, row: usize) -> Result<(), String> {
    let [label, pixels, usage] = [0, 1, 2].map(|i| record.get(i).unwrap_or("").trim());
    if record.len() != 3 {
        return Err(format!("{} columns, expected 3", record.len()));
    }
    let label = label
        .parse()
        .ok()
        .filter(|label| *label < FER_7.len())
        .ok_or_else(|| format!("the label is \"{label}\", expected 0-6"))?;
    let split = Split::from_name(usage).ok_or_else(|| {
        format!("Usage is \"{usage}\", expected Training, PublicTest or PrivateTest")
    })?;
    let mut picture = Vec::with_capacity(PIXELS);
    for (index, text) in pixels.split_ascii_whitespace().enumerate() {
        let value = text
            .parse()
            .map_err(|_| format!("pixel {} is \"{text:.20}\", expected 0-255", index + 1))?;
        picture.push(value);
    }
    if picture.len() != PIXELS {
        return Err(format!("{} pixels, expected {PIXELS} ({SIDE} x {SIDE})", picture.len()));
    }
    let origin = format!("row {row}");
    data.push(Row { split, label, subject: None, origin }, &picture);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn row(label: &str, pixels: usize, value: &str, usage: &str) -> String {
        format!("{label},{},{usage}\n", vec![value; pixels].join(" "))
    }

    fn read_body(body: &str) -> Result<Dataset, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "emotion,pixels,Usage\n{body}").unwrap();
        read(file.path()).map_err(crate::fixture::reported)
    }

    #[test]
    fn reads_plain_and_gzipped() {
        let body = row("3", PIXELS, "7", "Training") + &row("6", PIXELS, "9", "PrivateTest");
        let data = read_body(&body).unwrap();
        assert_eq!((data.len(), data.label(1), data.split(1)), (2, 6, Split::PrivateTest));
        assert_eq!(data.picture(1), [9; PIXELS]);

        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut gz = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
        write!(gz, "emotion,pixels,Usage\n{body}").unwrap();
        gz.finish().unwrap();
        assert_eq!(read(file.path()).unwrap().picture(0), [7; PIXELS]);
    }

    proptest! {
        #[test]
        fn damaged_tables_never_panic(
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            keep in any::<prop::sample::Index>(),
            gzipped: bool,
        ) {
            let body = row("3", PIXELS, "7", "Training") + &row("6", PIXELS, "9", "PrivateTest");
            let mut bytes = format!("emotion,pixels,Usage\n{body}").into_bytes();
            if gzipped {
                let fast = flate2::Compression::fast();
                let mut gz = flate2::write::GzEncoder::new(Vec::new(), fast);
                gz.write_all(&bytes).unwrap();
                bytes = gz.finish().unwrap();
            }
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(keep.index(bytes.len() * 3));
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            if let Ok(data) = read(file.path()) {
                prop_assert!((0..data.len()).all(|row| data.label(row) < 7));
            }
        }
    }

    #[test]
    fn names_the_bad_row() {
        let good = row("0", PIXELS, "0", "Training");
        for (bad, word) in [
            (row("0", PIXELS - 1, "0", "Training"), "2303 pixels"),
            (row("9", PIXELS, "0", "Training"), "the label is \"9\""),
            (row("0", PIXELS, "256", "Training"), "pixel 1 is \"256\""),
            (row("0", PIXELS, "0", "Test"), "Usage is \"Test\""),
            ("0,1 2 3\n".to_owned(), "2 columns"),
        ] {
            let error = read_body(&(good.clone() + &bad)).unwrap_err();
            assert!(error.contains("row 2") && error.contains(word), "{error}");
        }
        assert!(read_body("").unwrap_err().contains("no row"));
    }
}
