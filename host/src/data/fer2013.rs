//! FER2013 in Kaggle's layout (Goodfellow et al. 2013): `emotion,pixels,Usage`, optionally gzipped.

use std::collections::HashSet;
use std::path::Path;

use emocue_models::label::FER_7;

use super::{DataError, PIXELS, SIDE, Split, csv_error, expect_header, open_csv};

/// Every row of FER2013 in the file's order, which FER+ joins by.
#[derive(Debug)]
pub struct Fer2013 {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    splits: Vec<Split>,
}

impl Fer2013 {
    /// Reads `fer2013.csv` or `fer2013.csv.gz`.
    ///
    /// # Errors
    /// [`DataError`] naming the row: another count of pixels than 2,304, a pixel above 255, a label
    /// outside `0..=6`, an unknown Usage, or a file without rows.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let help = "Expected Kaggle's fer2013.csv: emotion 0-6, 2304 pixels 0-255 separated by blanks, Usage.";
        let mut reader = open_csv(path)?;
        expect_header(path, &mut reader, &["emotion", "pixels", "Usage"], help)?;
        let mut data = Self { pixels: Vec::new(), labels: Vec::new(), splits: Vec::new() };
        let mut record = csv::StringRecord::new();
        for row in 1.. {
            if !reader.read_record(&mut record).map_err(|e| csv_error(path, row, &e))? {
                break;
            }
            let bad = |what| DataError::Row { path: path.to_owned(), row, what, help };
            data.push(&record).map_err(bad)?;
        }
        if data.is_empty() {
            let what = "the file has a header but no row".to_owned();
            return Err(DataError::File { path: path.to_owned(), what, help });
        }
        Ok(data)
    }

    fn push(&mut self, record: &csv::StringRecord) -> Result<(), String> {
        let [label, pixels, usage] = [0, 1, 2].map(|i| record.get(i).unwrap_or("").trim());
        if record.len() != 3 {
            return Err(format!("{} columns, expected 3", record.len()));
        }
        let label: u8 = label
            .parse()
            .ok()
            .filter(|label| usize::from(*label) < FER_7.len())
            .ok_or_else(|| format!("the label is \"{label}\", expected 0-6"))?;
        let split = Split::from_name(usage).ok_or_else(|| {
            format!("Usage is \"{usage}\", expected Training, PublicTest or PrivateTest")
        })?;
        let start = self.pixels.len();
        for (index, text) in pixels.split_ascii_whitespace().enumerate() {
            let value = text
                .parse()
                .map_err(|_| format!("pixel {} is \"{text:.20}\", expected 0-255", index + 1))?;
            self.pixels.push(value);
        }
        let count = self.pixels.len() - start;
        if count != PIXELS {
            return Err(format!("{count} pixels, expected {PIXELS} ({SIDE} x {SIDE})"));
        }
        self.labels.push(label);
        self.splits.push(split);
        Ok(())
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row; [`Fer2013::read`] never returns such a set.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The 48x48 luma picture of a row, `0..=255`, row-major.
    pub fn picture(&self, row: usize) -> &[u8] {
        &self.pixels[row * PIXELS..(row + 1) * PIXELS]
    }

    /// The class of a row in `fer-7`.
    pub fn label(&self, row: usize) -> usize {
        usize::from(self.labels[row])
    }

    /// The part a row belongs to.
    pub fn split(&self, row: usize) -> Split {
        self.splits[row]
    }

    /// Indices of the rows of one split, ascending.
    pub fn rows(&self, split: Split) -> Vec<usize> {
        (0..self.len()).filter(|row| self.splits[*row] == split).collect()
    }

    /// Training rows whose pixels also stand in PublicTest or PrivateTest, ascending. Training on
    /// them would flatter the test.
    pub fn leaked_rows(&self) -> Vec<usize> {
        let is_test = |row: &usize| self.splits[*row] != Split::Training;
        let tests: HashSet<&[u8]> =
            (0..self.len()).filter(is_test).map(|row| self.picture(row)).collect();
        let training = self.rows(Split::Training);
        training.into_iter().filter(|row| tests.contains(self.picture(*row))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn row(label: &str, pixels: usize, value: &str, usage: &str) -> String {
        format!("{label},{},{usage}\n", vec![value; pixels].join(" "))
    }

    fn read(body: &str) -> Result<Fer2013, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "emotion,pixels,Usage\n{body}").unwrap();
        Fer2013::read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_plain_and_gzipped() {
        let body = row("3", PIXELS, "7", "Training") + &row("6", PIXELS, "9", "PrivateTest");
        let data = read(&body).unwrap();
        assert_eq!((data.len(), data.label(1), data.split(1)), (2, 6, Split::PrivateTest));
        assert_eq!(data.picture(1), [9; PIXELS]);

        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut gz = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
        write!(gz, "emotion,pixels,Usage\n{body}").unwrap();
        gz.finish().unwrap();
        assert_eq!(Fer2013::read(file.path()).unwrap().picture(0), [7; PIXELS]);
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
            let error = read(&(good.clone() + &bad)).unwrap_err();
            assert!(error.contains("row 2") && error.contains(word), "{error}");
        }
        assert!(read("").unwrap_err().contains("no row"));
    }

    #[test]
    fn finds_training_rows_that_stand_in_a_test() {
        let body = row("3", PIXELS, "7", "Training")
            + &row("3", PIXELS, "8", "Training")
            + &row("4", PIXELS, "8", "PublicTest");
        assert_eq!(read(&body).unwrap().leaked_rows(), [1]);
    }
}
