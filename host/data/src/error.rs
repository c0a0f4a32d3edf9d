//! Why a dataset is refused.

use std::path::PathBuf;

use emocue_models::failure::{Failure, exit};

/// A dataset cannot be read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A row does not match the layout.
    #[error("{path}, row {row}: {what}", path = path.display())]
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
    /// The files match no known layout, or several.
    #[error("{path}: {what}", path = path.display())]
    DatasetLayout {
        /// The path to read.
        path: PathBuf,
        /// Why no layout was chosen.
        what: String,
        /// One line for each layout: its name and its characteristics.
        known: String,
    },
    /// The request does not fit the dataset.
    #[error("{what}")]
    Asked {
        /// What does not fit.
        what: String,
        /// What to do next.
        help: &'static str,
    },
    /// The file as a whole does not match the layout.
    #[error("{path}: {what}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// What to do next.
        help: &'static str,
    },
}

impl Failure for DataError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Io { .. } => "Check the path; the dataset's own page says where to get it.",
            Self::DatasetLayout { known, .. } => known,
            Self::Row { help, .. } | Self::Asked { help, .. } | Self::File { help, .. } => help,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Asked { .. } => exit::USAGE,
            Self::Io { .. } | Self::Row { .. } | Self::DatasetLayout { .. } | Self::File { .. } => {
                exit::INPUT
            }
        }
    }
}
