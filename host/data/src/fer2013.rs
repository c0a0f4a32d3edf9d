//! FER2013 (Goodfellow et al. 2013) as the CSV files from Kaggle, optionally gzipped: columns `emotion`, `pixels` and
//! `Usage` in any order, with others ignored. Without `Usage` (the challenge's `train.csv`) all rows are Training.
//!
//! `ckextended.csv` is such a table of CK+'s pictures with an eighth class, 7 = contempt.

use std::path::Path;

use emocue_models::label::{FER_7, FERPLUS_8};

use super::dataset::{Dataset, Row};
use super::table::{columns, csv_error, open_csv};
use super::{DataError, PIXELS, SIDE, Split};

const HELP: &str =
    "Expected Kaggle's fer2013.csv: emotion 0-6, 2304 pixels 0-255 separated by blanks, Usage.";
/// The label of contempt in `ckextended.csv`; FER2013's own labels are below it.
const CONTEMPT: usize = FER_7.names.len();

/// Indices of the columns.
struct Columns {
    emotion: usize,
    pixels: usize,
    usage: Option<usize>,
    count: usize,
}

/// Reads the table in the file's order, since FER+ is joined by row order.
///
/// # Errors
/// [`DataError`] naming the row: another count of pixels than 2,304, a pixel above 255, a label
/// outside `0..=7`, an unknown Usage, or a file without rows.
pub fn read(path: &Path) -> Result<Dataset, DataError> {
    let mut reader = open_csv(path, true)?;
    let found = columns(path, &mut reader, ["emotion", "pixels", "Usage"])?;
    let header = reader.headers().map_err(|error| csv_error(path, 0, &error))?;
    let [Some(emotion), Some(pixels), usage] = found else {
        let header = header.iter().take(12).collect::<Vec<_>>().join(",");
        let what = format!("the header is \"{header:.200}\", expected \"emotion,pixels,Usage\"");
        return Err(DataError::File { path: path.to_owned(), what, help: HELP });
    };
    let columns = Columns { emotion, pixels, usage, count: header.len() };
    let mut data = Dataset::new("fer2013", FER_7, SIDE);
    let mut record = csv::StringRecord::new();
    for row in 1.. {
        if !reader.read_record(&mut record).map_err(|e| csv_error(path, row, &e))? {
            break;
        }
        let bad = |what| DataError::Row { path: path.to_owned(), row, what, help: HELP };
        let (label, split, picture) = columns.parse(&record).map_err(bad)?;
        if label == CONTEMPT && data.labels() == FER_7 {
            data = data.renamed(FERPLUS_8);
        }
        let label = match data.labels() == FER_7 {
            true => label,
            false => FER_7.names.get(label).and_then(|name| FERPLUS_8.index_of(name)).unwrap_or(7),
        };
        let origin = format!("row {row}");
        data.push(Row { split, label, subject: None, origin }, &picture);
    }
    if data.is_empty() {
        let what = "the file has a header but no row".to_owned();
        return Err(DataError::File { path: path.to_owned(), what, help: HELP });
    }
    Ok(data)
}

impl Columns {
    /// Label, split and pixels of a row.
    fn parse(&self, record: &csv::StringRecord) -> Result<(usize, Split, Vec<u8>), String> {
        if record.len() != self.count {
            return Err(format!("{} columns, expected {}", record.len(), self.count));
        }
        let field = |column: usize| record.get(column).unwrap_or("").trim();
        let (label, pixels) = (field(self.emotion), field(self.pixels));
        let label = label
            .parse()
            .ok()
            .filter(|label| *label <= CONTEMPT)
            .ok_or_else(|| format!("the label is \"{label:.20}\", expected 0-6"))?;
        let split = match self.usage.map(field) {
            None => Split::Training,
            Some(usage) => Split::from_name(usage).ok_or_else(|| {
                format!("Usage is \"{usage:.20}\", expected Training, PublicTest or PrivateTest")
            })?,
        };
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
        Ok((label, split, picture))
    }
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
        read_table(&format!("emotion,pixels,Usage\n{body}"))
    }

    fn read_table(table: &str) -> Result<Dataset, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "{table}").unwrap();
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

    #[test]
    fn columns_are_found_by_name() {
        let pixels = |value: u8| vec![value.to_string(); PIXELS].join(" ");
        let (a, b) = (pixels(7), pixels(9));
        for (table, splits) in [
            (
                format!("emotion, Usage, pixels\n3,Training,{a}\n6,PrivateTest,{b}\n"),
                [Split::Training, Split::PrivateTest],
            ),
            (
                format!(",emotion,pixels,Usage\n0,3,{a},Training\n1,6,{b},PrivateTest\n"),
                [Split::Training, Split::PrivateTest],
            ),
            (format!("emotion,pixels\n3,{a}\n6,{b}\n"), [Split::Training; 2]),
        ] {
            let mut file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
            write!(file, "{table}").unwrap();
            assert_eq!(crate::layout::DatasetLayout::of(file.path()).unwrap().name(), "fer2013");
            let data = read(file.path()).unwrap();
            assert_eq!([data.label(0), data.label(1)], [3, 6]);
            assert_eq!([data.split(0), data.split(1)], splits);
            assert_eq!((data.labels(), data.picture(1)), (FER_7, [9; PIXELS].as_slice()));
        }
        let error = read_table("emotion,Usage\n0,Training\n").unwrap_err();
        assert!(error.contains("the header is \"emotion,Usage\""), "{error}");
    }

    #[test]
    fn an_eighth_class_is_contempt() {
        let body = row("0", PIXELS, "1", "Training") + &row("7", PIXELS, "2", "PublicTest");
        let data = read_body(&(body + &row("6", PIXELS, "3", "PrivateTest"))).unwrap();
        let names: Vec<_> = (0..3).map(|row| data.labels().names[data.label(row)]).collect();
        assert_eq!(names, ["anger", "contempt", "neutral"]);
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
                prop_assert!((0..data.len()).all(|row| data.label(row) < 8));
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
