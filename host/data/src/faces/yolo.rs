//! YOLO's text files: for each picture in `images` a file in `labels` with a line for each face: class, centre, width
//! and height as fractions of the picture. With `data.yaml`, classes have names.

use std::path::Path;

use emocue_models::geometry::Rect;

use super::super::{DataError, below, name_of, picture, relative, yolo};
use super::collect::Collect;
use super::{FaceSet, MarkedFace};

/// Largest number of classes without a list of names.
const MOST_CLASSES: usize = 10_000;

const UNLABELLED: &str = "pictures without a file of labels";

/// Whether the folder `root` has this layout.
pub(super) fn is_in(root: &Path) -> bool {
    yolo::is_in(root) || (root.join("images").is_dir() && root.join("labels").is_dir())
}

/// Reads the folder. A picture with an empty label file has no face; a picture without a label file is left out.
pub(super) fn read(root: &Path) -> Result<FaceSet, DataError> {
    let names = if yolo::is_in(root) { Some(yolo::names(root)?) } else { None };
    let mut folders = yolo::folders(root)?;
    if folders.is_empty() {
        folders.push((root.join("labels"), root.join("images"), super::super::Split::Training));
    }
    let mut set = Collect::new(name_of(root), root);
    for (labels, images, _) in folders {
        for entry in below(&images) {
            let file = entry?.into_path();
            if !file.is_file() || !picture::is_picture(&file) {
                continue;
            }
            let list = labels.join(file.strip_prefix(&images).unwrap_or(&file));
            let list = list.with_extension("txt");
            if !list.is_file() {
                set.skip(UNLABELLED);
                continue;
            }
            let bad = |what: String| DataError::File {
                path: list.clone(),
                what,
                help: "Expected lines like \"0 0.5 0.5 0.2 0.3\": class, middle, width and height.",
            };
            set.picture(&relative(&file, root)).map_err(bad)?;
            let (width, height) = set.size();
            let classes = names.as_ref().map_or(MOST_CLASSES, Vec::len);
            for (class, part) in yolo::faces(&list, classes)? {
                let rect = Rect::new(
                    part.x * width,
                    part.y * height,
                    part.width * width,
                    part.height * height,
                );
                let label = names.as_ref().map(|names| names[class].clone()).unwrap_or_default();
                set.face(MarkedFace { rect, label, ..MarkedFace::default() }).map_err(bad)?;
            }
        }
    }
    set.finish(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces;
    use crate::fixture;

    fn read(yaml: Option<&str>, folder: &str, labels: &str) -> Result<FaceSet, String> {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        if let Some(yaml) = yaml {
            fixture::write(&root.join("data.yaml"), yaml);
        }
        for name in ["a", "b", "c"] {
            fixture::save(
                &root.join(folder).join("images").join(name).with_extension("png"),
                40,
                1,
            );
        }
        fixture::write(&root.join(folder).join("labels/a.txt"), labels);
        fixture::write(&root.join(folder).join("labels/b.txt"), "");
        faces::read(root).map_err(fixture::reported)
    }

    #[test]
    fn parts_become_pixels_with_and_without_names() {
        let line = "1 0.5 0.25 0.5 0.5\n0 0.95 0.5 0.2 0.1\n";
        let yaml = Some("names: [face, with_mask]\n");
        for (yaml, folder, label) in [(yaml, "train", "with_mask"), (None, "", "")] {
            let set = read(yaml, folder, line).unwrap();
            assert_eq!((set.pictures.len(), set.faces(), set.skipped[UNLABELLED]), (2, 2, 1));
            let face = &set.pictures[0].faces[0];
            assert_eq!((face.rect, &*face.label), (Rect::new(10.0, 0.0, 20.0, 20.0), label));
            let cut = set.pictures[0].faces[1].rect;
            assert!((cut.right() - 40.0).abs() < 1e-3 && (cut.x - 34.0).abs() < 1e-3, "{cut:?}");
        }
    }

    #[test]
    fn odd_lines_are_named() {
        for line in ["2 0.5 0.5 1 1", "0 0.5 0.5 0 1", "0 NaN 0.5 1 1", "0 inf 0.5 1 1", "0 0.5"] {
            let error = read(Some("names: [a, b]\n"), "train", line).unwrap_err();
            assert!(error.contains("a.txt, row 1: "), "{line}: {error}");
        }
        assert!(read(None, "", "").unwrap_err().contains("no face is marked"));
    }
}
