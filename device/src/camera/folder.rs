//! The pictures of a folder.

use std::path::{Path, PathBuf};

use super::CameraError;

/// What counts as a picture, case ignored.
const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];

/// Every picture directly in `folder`, sorted by name; hidden files are left out.
///
/// # Errors
/// [`CameraError`] when the folder cannot be read or has no picture.
pub(super) fn pictures(folder: &Path) -> Result<Vec<PathBuf>, CameraError> {
    let name = || folder.display().to_string();
    let list = || {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()
    };
    let mut paths: Vec<PathBuf> =
        list().map_err(|reason| CameraError::Io { name: name(), reason })?;
    paths.retain(|path| is_picture(path));
    paths.sort();
    if paths.is_empty() { Err(CameraError::EmptyFolder { name: name() }) } else { Ok(paths) }
}

fn is_picture(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    !hidden && EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_sorted_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.PNG", "a.jpeg", "notes.txt", "._a.jpg", "c.jpg"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let names = pictures(folder.path()).unwrap();
        let names: Vec<_> = names.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["a.jpeg", "b.PNG", "c.jpg"]);
    }

    #[test]
    fn a_folder_without_pictures_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = pictures(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with(&folder.path().display().to_string()), "{error}");
        assert!(error.contains("no pictures"), "{error}");
    }
}
