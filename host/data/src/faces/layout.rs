//! Which layout of marked faces something has.

use std::path::{Path, PathBuf};

use super::super::{DataError, children};
use super::{FaceSet, table};

/// A layout of marked faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaceLayout {
    /// A CSV file with a row for each face.
    Csv,
}

impl FaceLayout {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Csv];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
        }
    }

    /// What distinguishes it.
    pub fn looks_like(self) -> &'static str {
        match self {
            Self::Csv => {
                "A CSV file with the columns file (or image), x, y, w, h (or width, height; or xmin, ymin, xmax, ymax), pictures beside it"
            }
        }
    }

    /// What of `path` is in this layout: the file to read.
    fn in_path(self, path: &Path) -> Result<Vec<PathBuf>, DataError> {
        match self {
            Self::Csv => {
                Ok(files(path, "csv")?.into_iter().filter(|file| table::is_in(file)).collect())
            }
        }
    }

    /// The layout of a file or folder.
    ///
    /// # Errors
    /// [`DataError`] with all layouts when it has none of them, or several.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let mut found = Vec::new();
        for layout in Self::ALL {
            if !layout.in_path(path)?.is_empty() {
                found.push(layout);
            }
        }
        let names: Vec<&str> = found.iter().map(|layout| layout.name()).collect();
        let what = match found[..] {
            [layout] => return Ok(layout),
            [] => "marked faces in no known layout".to_owned(),
            _ => format!("marked faces in several layouts: {}", names.join(", ")),
        };
        let known = Self::ALL.map(|layout| format!("{}: {}", layout.name(), layout.looks_like()));
        Err(DataError::DatasetLayout { path: path.to_owned(), what, known: known.join("\n") })
    }

    /// Reads `path` in this layout.
    pub(super) fn read(self, path: &Path) -> Result<FaceSet, DataError> {
        let files = self.in_path(path)?;
        let [file] = &files[..] else {
            let what = match files.len() {
                0 => format!("nothing in it is in the layout {}", self.name()),
                several => format!("{several} files of it are in the layout {}", self.name()),
            };
            return Err(DataError::File {
                path: path.to_owned(),
                what,
                help: "Name the file with the marked faces.",
            });
        };
        match self {
            Self::Csv => table::read(file),
        }
    }
}

#[cfg(feature = "clap")]
impl clap::ValueEnum for FaceLayout {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()).help(self.looks_like()))
    }
}

/// The file itself, or the files in the folder `path` that end in `.extension`.
fn files(path: &Path, extension: &str) -> Result<Vec<PathBuf>, DataError> {
    let all = if path.is_dir() { children(path)?.1 } else { vec![path.to_owned()] };
    let ends =
        |file: &PathBuf| file.extension().is_some_and(|end| end.eq_ignore_ascii_case(extension));
    Ok(all.into_iter().filter(ends).collect())
}
