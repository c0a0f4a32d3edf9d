//! Boxes with classes in YOLO's layout, in which AffectNet is also distributed: `data.yaml` with the classes' names,
//! folders `train`, `valid` and `test` with `images` and `labels` in each (or the other way round), and for every
//! picture a text file with a line for each face: class, centre, width and height as fractions of the picture.

use std::path::{Path, PathBuf};

use emocue_models::files;
use emocue_models::geometry::Rect;
use emocue_models::label::LabelSet;

use super::dataset::{Dataset, Row};
use super::folder::{SPLITS, class_of, labels_with};
use super::items::{Area, Item, Sizes, push_all};
use super::map::Map;
use super::{DataError, Split, below, children, name_of, picture, relative};

const HELP: &str = "Expected data.yaml with a list of names, train, valid and test with images and labels, and lines like \"4 0.5 0.5 0.9 0.9\" in the labels.";
const CLASSES: [&str; 2] = ["data.yaml", "dataset.yaml"];

fn classes_file(root: &Path) -> Option<PathBuf> {
    CLASSES.map(|name| root.join(name)).into_iter().find(|file| file.is_file())
}

/// Whether `root` has this layout.
pub(super) fn is_in(root: &Path) -> bool {
    classes_file(root).is_some()
}

/// Reads the folders in `root`; the classes follow from `labels` or `map`, else from their names.
///
/// # Errors
/// [`DataError`] naming the file and the line: no list of names, a name that is in no label set, an invalid class or
/// box, an unreadable picture.
pub fn read(
    root: &Path,
    labels: Option<LabelSet>,
    map: Option<&Map>,
    side: usize,
) -> Result<Dataset, DataError> {
    let bad = |path: &Path, what: &str| DataError::File {
        path: path.to_owned(),
        what: what.to_owned(),
        help: HELP,
    };
    let names = names(root)?;
    let file = classes_file(root).unwrap_or_else(|| root.to_owned());
    let labels = match (map, labels) {
        (Some(map), _) => map.labels(),
        (None, Some(labels)) => labels,
        (None, None) => labels_with(&file, names.iter().map(String::as_str))?,
    };
    let classes: Vec<Option<usize>> = names
        .iter()
        .map(|name| match map {
            Some(map) => map.class_of(name),
            None => class_of(name, &labels)
                .map(Some)
                .ok_or_else(|| bad(&file, &format!("\"{name}\" is not a class of {}", labels.id))),
        })
        .collect::<Result<_, _>>()?;
    let mut data = Dataset::new("yolo", labels, side);
    let mut items = Vec::new();
    for (folder, images, split) in folders(root)? {
        for entry in below(&images) {
            let entry = entry?;
            if !(entry.file_type().is_file() && picture::is_picture(entry.path())) {
                continue;
            }
            let file = entry.into_path();
            let list = folder.join(file.strip_prefix(&images).unwrap_or(&file));
            let list = list.with_extension("txt");
            if !list.is_file() {
                data.skip("no labels");
                continue;
            }
            for (class, area) in faces(&list, names.len())? {
                match classes[class] {
                    None => data.skip(&format!("class {}", names[class])),
                    Some(label) => {
                        let origin = relative(&file, root);
                        let row = Row { split, label, subject: None, origin };
                        items.push(Item { file: file.clone(), row, area: Area::Parts(area) });
                    }
                }
            }
        }
    }
    if items.is_empty() {
        return Err(bad(root, "there is no picture with labels in it"));
    }
    push_all(&mut data, &items, Sizes::Square)?;
    Ok(data)
}

/// The classes' names.
pub(super) fn names(root: &Path) -> Result<Vec<String>, DataError> {
    let bad = |path: &Path, what: &str| DataError::File {
        path: path.to_owned(),
        what: what.to_owned(),
        help: HELP,
    };
    let file = classes_file(root).ok_or_else(|| bad(root, "there is no data.yaml in it"))?;
    let text =
        files::read_text(&file).map_err(|source| DataError::Io { path: file.clone(), source })?;
    names_in(&text).ok_or_else(|| bad(&file, "there is no list of names in it"))
}

/// The folders of labels and of pictures of every split.
pub(super) fn folders(root: &Path) -> Result<Vec<(PathBuf, PathBuf, Split)>, DataError> {
    let split_of = |folder: &Path| {
        let name = name_of(folder).to_lowercase();
        SPLITS.iter().find(|(split, _)| *split == name).map(|(_, split)| *split)
    };
    let mut found = Vec::new();
    for folder in children(root)?.0 {
        if let Some(split) = split_of(&folder) {
            found.push((folder.join("labels"), folder.join("images"), split));
        }
    }
    let images = root.join("images");
    if images.is_dir() {
        for folder in children(&images)?.0 {
            if let Some(split) = split_of(&folder) {
                found.push((root.join("labels").join(name_of(&folder)), folder, split));
            }
        }
    }
    found.retain(|(_, images, _)| images.is_dir());
    Ok(found)
}

/// The names in `data.yaml`: `names: [a, b]`, a line `- a` for each, or a line `0: a` for each.
fn names_in(text: &str) -> Option<Vec<String>> {
    let plain = |name: &str| {
        let name = name.split(" #").next().unwrap_or(name);
        name.trim().trim_matches(['\'', '"']).trim().to_owned()
    };
    let mut lines = text.lines().skip_while(|line| !line.starts_with("names:"));
    let first = lines.next()?.trim_start_matches("names:").trim();
    let names: Vec<String> = if first.starts_with('[') {
        let mut list = first.to_owned();
        while !list.contains(']') {
            list.push_str(lines.next()?);
        }
        list.trim_start_matches('[').split(']').next()?.split(',').map(plain).collect()
    } else {
        lines
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .map_while(|line| match line.strip_prefix("- ") {
                Some(name) => Some(plain(name)),
                None => {
                    let (number, name) = line.split_once(':')?;
                    number.parse::<usize>().ok().map(|_| plain(name))
                }
            })
            .collect()
    };
    let is_list = !names.is_empty() && names.iter().all(|name| !name.is_empty());
    is_list.then_some(names)
}

/// Class and box of every line.
pub(super) fn faces(list: &Path, classes: usize) -> Result<Vec<(usize, Rect)>, DataError> {
    let text =
        files::read_text(list).map_err(|source| DataError::Io { path: list.to_owned(), source })?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parse = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let class = words.next()?.parse().ok().filter(|class| *class < classes)?;
        let parts: Vec<f32> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let &[x, y, width, height] = parts.as_slice() else { return None };
        let is_inside = [x, y].iter().all(|v| (0.0..=1.0).contains(v));
        let is_box = [width, height].iter().all(|v| *v > 0.0 && *v <= 1.0);
        (is_inside && is_box)
            .then(|| (class, Rect::new(x - width / 2.0, y - height / 2.0, width, height)))
    };
    lines
        .map(|(index, line)| {
            parse(line).ok_or_else(|| DataError::Row {
                path: list.to_owned(),
                row: index + 1,
                what: format!("\"{line:.60}\" is not a class of {classes} and a box"),
                help: HELP,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use emocue_models::label::FERPLUS_8;

    use super::*;
    use crate::fixture;
    use crate::layout::{DatasetLayout, ReadOptions};

    const NAMES: &str = "nc: 8\nnames: ['Anger', 'Contempt', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise']\n";

    fn tree(labels: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fixture::write(&root.path().join("data.yaml"), NAMES);
        fixture::save(&root.path().join("train/images/a.png"), 40, 1);
        fixture::write(&root.path().join("train/labels/a.txt"), labels);
        fixture::save(&root.path().join("valid/images/b.png"), 40, 2);
        fixture::write(&root.path().join("valid/labels/b.txt"), "4 0.5 0.5 1 1\n");
        fixture::save(&root.path().join("test/images/none.png"), 40, 3);
        root
    }

    #[test]
    fn every_line_is_a_face() {
        let root = tree("0 0.25 0.25 0.5 0.5\n1 0.5 0.5 0.5 0.5\n");
        assert_eq!(DatasetLayout::of(root.path()).unwrap(), DatasetLayout::Yolo);
        let data = crate::layout::read(
            root.path(),
            None,
            &ReadOptions { side: 20, ..ReadOptions::default() },
        )
        .unwrap();
        let rows: Vec<_> =
            (0..3).map(|i| (data.split(i), FERPLUS_8.names[data.label(i)])).collect();
        let expected = [
            (Split::Training, "anger"),
            (Split::Training, "contempt"),
            (Split::PublicTest, "happiness"),
        ];
        assert_eq!((rows, data.labels()), (expected.to_vec(), FERPLUS_8));
        let picture = fixture::face(40, 1);
        let corner: Vec<u8> = (0..20)
            .flat_map(|y| (0..20).map(move |x| (x, y)))
            .map(|(x, y)| picture.get_pixel(x, y).0[0])
            .collect();
        assert_eq!(data.picture(0), corner);
        assert_eq!(data.skipped()["no labels"], 1);
    }

    #[test]
    fn odd_lines_are_named() {
        for line in ["8 0.5 0.5 1 1", "0 0.5 0.5 1", "0 0.5 0.5 0 1", "0 2 0.5 1 1", "x"] {
            let error = fixture::reported(read(tree(line).path(), None, None, 20).unwrap_err());
            assert!(error.contains("a.txt, row 1: "), "{error}");
        }
    }

    #[test]
    fn names_are_read_in_every_form() {
        let expected = Some(vec!["Anger".to_owned(), "Sad".to_owned()]);
        for text in [
            "nc: 2\nnames: ['Anger', \"Sad\"]\n",
            "names:\n- Anger\n- Sad\ntrain: x\n",
            "names:\n  0: Anger\n  1: Sad # the other\n\ntrain: x\n",
            "names: [Anger,\n  Sad]\n",
        ] {
            assert_eq!(names_in(text), expected, "{text}");
        }
        for text in ["nc: 2\n", "names:\n", "names: []", "names: [a"] {
            assert_eq!(names_in(text), None, "{text}");
        }
    }
}
