//! CSV files, plain or gzipped.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path};

use super::DataError;

/// The largest table, bytes after decompression: FER2013 has 300 MB. It limits the effect of a decompression bomb.
const MAX_TABLE: u64 = 1 << 30;

/// The longest row, bytes: a picture of 512x512 px has 1 MB. The reader keeps a whole row in memory.
const MAX_ROW: usize = 8 << 20;

/// Fails after the limit of bytes, or when a row is longer than [`MAX_ROW`].
struct Limited<R> {
    input: R,
    left: u64,
    /// Length of the current row, bytes.
    row: usize,
    /// Whether the position is within a quoted cell.
    quoted: bool,
}

impl<R> Limited<R> {
    fn new(input: R, left: u64) -> Self {
        Self { input, left, row: 0, quoted: false }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other(format!("the table has more than {} MiB", MAX_TABLE >> 20))
        })?;
        for byte in &buffer[..count] {
            self.quoted ^= *byte == b'"';
            self.row = if *byte == b'\n' && !self.quoted { 0 } else { self.row + 1 };
            if self.row > MAX_ROW {
                let limit = MAX_ROW >> 20;
                return Err(io::Error::other(format!("a row has more than {limit} MiB")));
            }
        }
        Ok(count)
    }
}

/// Opens a CSV file with or without a header row; gzip is detected by the first bytes.
pub(super) fn open_csv(
    path: &Path,
    has_header: bool,
) -> Result<csv::Reader<Box<dyn Read>>, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let mut magic = [0; 2];
    let is_gzip = File::open(path).and_then(|mut file| file.read(&mut magic)).map_err(io)? == 2
        && magic == [0x1f, 0x8b];
    let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(io)?);
    let input: Box<dyn Read> =
        if is_gzip { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
    let input: Box<dyn Read> = Box::new(Limited::new(input, MAX_TABLE));
    Ok(csv::ReaderBuilder::new().flexible(true).has_headers(has_header).from_reader(input))
}

/// Refuses a file with another header than the layout's.
pub(super) fn expect_header(
    path: &Path,
    reader: &mut csv::Reader<Box<dyn Read>>,
    expected: &[&str],
    help: &'static str,
) -> Result<(), DataError> {
    let header = reader.headers().map_err(|error| csv_error(path, 0, &error))?;
    if header.iter().map(str::trim).eq(expected.iter().copied()) {
        return Ok(());
    }
    let found = header.iter().take(12).collect::<Vec<_>>().join(",");
    Err(DataError::File {
        path: path.to_owned(),
        what: format!("the header is \"{found}\", expected \"{}\"", expected.join(",")),
        help,
    })
}

/// Indices of the columns `names` in the header, ignoring case and surrounding spaces; there may be other columns.
/// `None` for a missing one.
pub(super) fn columns<const N: usize>(
    path: &Path,
    reader: &mut csv::Reader<Box<dyn Read>>,
    names: [&str; N],
) -> Result<[Option<usize>; N], DataError> {
    let header = reader.headers().map_err(|error| csv_error(path, 0, &error))?;
    let word = |name: &str| name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
    let header: Vec<String> = header.iter().map(word).collect();
    Ok(names.map(|name| header.iter().position(|column| *column == name.to_ascii_lowercase())))
}

/// Whether a relative path stays within its folder, as the names of a set's pictures must.
pub(super) fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// The error for a row that is not valid CSV.
pub(super) fn csv_error(path: &Path, row: usize, error: &csv::Error) -> DataError {
    DataError::Row {
        path: path.to_owned(),
        row,
        what: error.to_string(),
        help: "The file may be cut short or damaged; fetch it again.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_does_not_end_fails() {
        let mut limited = Limited::new(io::repeat(b'1'), 1000);
        let mut bytes = Vec::new();
        assert!(limited.read_to_end(&mut bytes).unwrap_err().to_string().contains("more than"));
        assert!(bytes.len() <= 1000);
    }

    #[test]
    fn a_row_that_does_not_end_fails() {
        for text in ["1", "\"\n"] {
            let endless = text.as_bytes()[..1].chain(io::repeat(text.as_bytes()[text.len() - 1]));
            let mut reader = csv::Reader::from_reader(Limited::new(endless, MAX_TABLE));
            let error = reader.headers().unwrap_err().to_string();
            assert!(error.contains("a row has more than 8 MiB"), "{error}");
        }
        let rows = "\"a\nb\",1\n".repeat(1_000_000);
        let mut reader = csv::Reader::from_reader(Limited::new(rows.as_bytes(), MAX_TABLE));
        assert_eq!(reader.records().filter(Result::is_ok).count(), 999_999);
    }
}
