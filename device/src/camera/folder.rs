//! The pictures of a folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use super::CameraError;

/// File name extensions of pictures, case ignored.
const EXTENSIONS: &[&str] = if cfg!(feature = "pictures") {
    &["jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp"]
} else {
    &["jpg", "jpeg", "png"]
};
/// Most extensions that a note lists.
const NAMED: usize = 6;

/// What is in a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Every picture, sorted by name.
    pub(super) pictures: Vec<PathBuf>,
    /// Files that are not pictures by their names: how many of each extension. Hidden ones are not counted.
    others: BTreeMap<String, usize>,
    /// Subfolders that were skipped.
    folders: usize,
}

impl Listing {
    /// What was skipped, in one line; `None` where nothing was.
    pub(super) fn skipped(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.others.is_empty() {
            let files: usize = self.others.values().sum();
            let mut part = format!("{files} files that are not pictures by their names (");
            for (index, (ending, count)) in self.others.iter().take(NAMED).enumerate() {
                let comma = if index > 0 { ", " } else { "" };
                let Ok(()) = write!(part, "{comma}{ending} {count}") else { break };
            }
            parts.push(part + if self.others.len() > NAMED { ", ...)" } else { ")" });
        }
        if self.folders > 0 {
            parts.push(format!("{} folders (--recursive looks into them)", self.folders));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// The entries of `folder`, or also of all its subfolders; links to folders are not followed.
///
/// # Errors
/// [`CameraError`] when a folder cannot be read or there is no picture.
pub(super) fn list(folder: &Path, is_recursive: bool) -> Result<Listing, CameraError> {
    let mut listing = Listing::default();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        let fail = |reason| CameraError::Io { name: next.display().to_string(), reason };
        let entries = std::fs::read_dir(&next).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in entries.map_err(fail)? {
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match entry.file_type().map_err(fail)?.is_dir() {
                true if is_recursive => left.push(path),
                true => listing.folders += 1,
                false if is_picture(&path) && !is_special(&path) => listing.pictures.push(path),
                false => *listing.others.entry(ending(&path)).or_default() += 1,
            }
        }
    }
    listing.pictures.sort();
    if listing.pictures.is_empty() {
        let skipped = listing.skipped().unwrap_or_default();
        return Err(CameraError::EmptyFolder { name: folder.display().to_string(), skipped });
    }
    Ok(listing)
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Whether a path is a pipe, a device or a socket, which could keep the reader waiting, or a link to one.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file())
}

fn ending(path: &Path) -> String {
    match path.extension() {
        Some(ending) => format!(".{}", ending.to_string_lossy().to_lowercase()),
        None => "without an ending".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"").unwrap();
        }
        folder
    }

    fn names(folder: &tempfile::TempDir, listing: &Listing) -> Vec<String> {
        let name = |path: &PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
        listing.pictures.iter().map(name).collect()
    }

    #[test]
    fn only_pictures_sorted_by_name_and_what_is_skipped_is_said() {
        let folder = folder(&[
            "b.PNG", "a.jpeg", "x.HEIC", "y.heic", "z.avif", "._a.jpg", "c.jpg", "d/1.jpg",
        ]);
        let listing = list(folder.path(), false).unwrap();
        assert_eq!(names(&folder, &listing), ["a.jpeg", "b.PNG", "c.jpg"]);
        assert_eq!(
            listing.skipped().unwrap(),
            "3 files that are not pictures by their names (.avif 1, .heic 2), 1 folders (--recursive looks into them)"
        );
        let listing = list(folder.path(), true).unwrap();
        assert_eq!(names(&folder, &listing), ["a.jpeg", "b.PNG", "c.jpg", "d/1.jpg"]);
        assert!(!listing.skipped().unwrap().contains("folders"));
    }

    #[test]
    #[cfg(unix)]
    fn pipes_and_sockets_are_not_pictures() {
        let folder = folder(&["a.jpg"]);
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("b.jpg")).unwrap();
        let listing = list(folder.path(), false).unwrap();
        assert_eq!(names(&folder, &listing), ["a.jpg"]);
        assert!(listing.skipped().unwrap().contains(".jpg 1"), "{:?}", listing.skipped());
    }

    #[test]
    fn a_folder_without_pictures_is_named_and_what_it_has() {
        let empty = folder(&[]);
        let error = failure::line(&list(empty.path(), false).unwrap_err());
        assert!(error.starts_with(&empty.path().display().to_string()), "{error}");
        assert!(error.contains("no pictures"), "{error}");
        let below = folder(&["happy/1.jpg", "notes.txt"]);
        let error = failure::line(&list(below.path(), false).unwrap_err());
        assert!(error.contains(".txt 1") && error.contains("--recursive"), "{error}");
        assert_eq!(list(below.path(), true).unwrap().pictures.len(), 1);
    }
}
