//! Readers for published datasets, one file each.

pub mod dataset;
pub mod fer2013;
pub mod ferplus;
pub mod folds;
pub mod landmarks;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Width and height of a network's input and of a FER2013 row, px.
pub const SIDE: usize = 48;
/// Pixels in one row.
pub const PIXELS: usize = SIDE * SIDE;

/// Which part of a dataset a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// For training.
    Training,
    /// For choosing settings while training.
    PublicTest,
    /// For the figures that are reported.
    PrivateTest,
}

impl Split {
    /// FER2013's own spelling: `"Training"`, `"PublicTest"`, `"PrivateTest"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::PublicTest => "PublicTest",
            Self::PrivateTest => "PrivateTest",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Training, Self::PublicTest, Self::PrivateTest]
            .into_iter()
            .find(|split| split.name() == name)
    }
}

/// A dataset cannot be read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}\n  Check the path; the dataset's own page tells where to get it.", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A row is not what the layout says.
    #[error("{path}, row {row}: {what}\n  {help}", path = path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Counts data rows from 1, the header not counted.
        row: usize,
        /// What is wrong.
        what: String,
        /// What to do next.
        help: &'static str,
    },
    /// The file as a whole is not what the layout says.
    #[error("{path}: {what}\n  {help}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// What to do next.
        help: &'static str,
    },
}

/// Opens a CSV file with a header row, unpacking gzip when the first bytes say so.
fn open_csv(path: &Path) -> Result<csv::Reader<Box<dyn Read>>, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let mut magic = [0; 2];
    let is_gzip = File::open(path).and_then(|mut file| file.read(&mut magic)).map_err(io)? == 2
        && magic == [0x1f, 0x8b];
    let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(io)?);
    let input: Box<dyn Read> =
        if is_gzip { Box::new(flate2::read::MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(input))
}

/// Refuses a file whose header is not the layout's.
fn expect_header(
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

fn csv_error(path: &Path, row: usize, error: &csv::Error) -> DataError {
    DataError::Row {
        path: path.to_owned(),
        row,
        what: error.to_string(),
        help: "The file may be cut short or damaged; fetch it again.",
    }
}
