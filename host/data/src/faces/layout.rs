//! Layouts of annotated faces, and their detection.

use std::path::{Path, PathBuf};

use super::super::{DataError, children};
use super::{FaceSet, table, voc, wider, yolo};

/// A layout of annotated faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaceLayout {
    /// A CSV file with a row for each face.
    Csv,
    /// WIDER FACE's lists.
    Wider,
    /// An XML file for each picture.
    Voc,
    /// A text file for each picture.
    Yolo,
}

impl FaceLayout {
    /// All layouts.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Wider, Self::Voc, Self::Yolo];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Wider => "wider",
            Self::Voc => "voc",
            Self::Yolo => "yolo",
        }
    }

    /// Its characteristics.
    pub fn looks_like(self) -> &'static str {
        match self {
            Self::Csv => {
                "A CSV file with file (or image), x, y, w, h (or width, height; or xmin, ymin, xmax, ymax), pictures beside it"
            }
            Self::Wider => "wider_face_train_bbx_gt.txt, pictures in WIDER_train/images",
            Self::Voc => "Annotations with an XML file for each picture, pictures in JPEGImages",
            Self::Yolo => "images and labels with a text file for each picture, perhaps data.yaml",
        }
    }

    /// The files in `path` that are in this layout.
    fn in_path(self, path: &Path) -> Result<Vec<PathBuf>, DataError> {
        let files = |is_in: fn(&Path) -> bool| -> Result<Vec<PathBuf>, DataError> {
            let all = if path.is_dir() { children(path)?.1 } else { vec![path.to_owned()] };
            Ok(all.into_iter().filter(|file| is_in(file)).collect())
        };
        let whole = |is_in: bool| if is_in { vec![path.to_owned()] } else { Vec::new() };
        match self {
            Self::Csv => files(|file| {
                let is_csv = file.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
                is_csv && table::is_in(file)
            }),
            Self::Wider => files(wider::is_in),
            Self::Voc => Ok(whole(!voc::files_in(path)?.is_empty())),
            Self::Yolo => Ok(whole(path.is_dir() && yolo::is_in(path))),
        }
    }

    /// Detects the layout of a file or folder.
    ///
    /// # Errors
    /// [`DataError`] with a list of all layouts when it matches none, or several.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        if let Err(source) = path.metadata() {
            return Err(DataError::Io { path: path.to_owned(), source });
        }
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
            _ => format!("marked faces in several layouts ({}); name one", names.join(", ")),
        };
        let known = Self::ALL.map(|layout| format!("{}: {}", layout.name(), layout.looks_like()));
        Err(DataError::DatasetLayout { path: path.to_owned(), what, known: known.join("\n") })
    }

    /// Reads `path` in this layout.
    pub(super) fn read(self, path: &Path) -> Result<FaceSet, DataError> {
        if let Err(source) = path.metadata() {
            return Err(DataError::Io { path: path.to_owned(), source });
        }
        let found = self.in_path(path)?;
        let [one] = &found[..] else {
            let what = match found.len() {
                0 => format!("nothing in it has the layout {}", self.name()),
                several => format!("{several} files of it have the layout {}", self.name()),
            };
            let help = "Name the file or folder with the marked faces.";
            return Err(DataError::File { path: path.to_owned(), what, help });
        };
        match self {
            Self::Csv => table::read(one),
            Self::Wider => wider::read(one),
            Self::Voc => voc::read(one),
            Self::Yolo => yolo::read(one),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces;
    use crate::fixture;

    #[test]
    fn a_folder_in_two_layouts_needs_one_to_be_named() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fixture::save(&root.join("images/a.png"), 40, 1);
        fixture::write(&root.join("labels/a.txt"), "0 0.5 0.5 0.5 0.5\n");
        fixture::write(&root.join("marks.csv"), "file,x,y,w,h\nimages/a.png,1,2,3,4\n");
        let error = fixture::reported(faces::read(root).unwrap_err());
        assert!(
            error.contains("several layouts (csv, yolo)") && error.contains("wider_face"),
            "{error}"
        );
        for (layout, width) in [(FaceLayout::Csv, 3.0), (FaceLayout::Yolo, 20.0)] {
            let set = faces::read_as(root, Some(layout)).unwrap();
            assert_eq!(set.pictures[0].faces[0].rect.width, width);
        }
        let error = fixture::reported(faces::read_as(root, Some(FaceLayout::Voc)).unwrap_err());
        assert!(error.contains("nothing in it has the layout voc"), "{error}");
    }

    #[test]
    fn nothing_known_and_nothing_there_are_different_errors() {
        let root = tempfile::tempdir().unwrap();
        let error = fixture::reported(faces::read(root.path()).unwrap_err());
        assert!(error.contains("no known layout"), "{error}");
        let error = fixture::reported(faces::read(&root.path().join("gone")).unwrap_err());
        assert!(error.contains("cannot read"), "{error}");
    }
}
