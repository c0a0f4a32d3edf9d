//! The folder of a release, created atomically.

use std::fs;
use std::path::{Path, PathBuf};

use emocue_models::failure::Problem;
use tempfile::TempDir;

use crate::Result;

/// A temporary folder next to the final one. It is removed when dropped before [`Output::finish`].
pub(crate) struct Output {
    meanwhile: TempDir,
    folder: PathBuf,
    place: PathBuf,
}

impl Output {
    /// Creates the temporary folder.
    ///
    /// # Errors
    /// When the final folder exists, unless `overwrite`.
    pub(crate) fn begin(place: PathBuf, overwrite: bool) -> Result<Self> {
        if place.exists() && !overwrite {
            return Err(Problem::usage(format!("{} is there already", place.display()))
                .help("Name another folder with --output, or replace it with --overwrite.")
                .into());
        }
        let above = place.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        fs::create_dir_all(above)?;
        let meanwhile = tempfile::Builder::new().prefix(".release-").tempdir_in(above)?;
        let folder = meanwhile.path().join("new");
        fs::create_dir(&folder)?;
        Ok(Self { meanwhile, folder, place })
    }

    /// The temporary folder for the files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Moves the folder to its final path and returns that.
    pub(crate) fn finish(self) -> Result<PathBuf> {
        if self.place.exists() {
            fs::rename(&self.place, self.meanwhile.path().join("old"))?;
        }
        fs::rename(&self.folder, &self.place)?;
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_release_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::begin(folder.path().join("files"), false).unwrap();
        fs::write(output.folder().join("half"), "").unwrap();
        drop(output);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn an_earlier_release_stays_until_the_next_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("files");
        for name in ["first", "second"] {
            let output = Output::begin(place.clone(), name == "second").unwrap();
            fs::write(output.folder().join(name), "").unwrap();
            assert!(!place.join(name).exists());
            output.finish().unwrap();
            assert_eq!(names(&place), [name]);
        }
        assert!(Output::begin(place.clone(), false).is_err());
        assert_eq!(
            (names(&place), names(folder.path())),
            (vec!["second".into()], vec!["files".into()])
        );
    }
}
