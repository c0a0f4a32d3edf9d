//! WIDER FACE: `wider_face_train_bbx_gt.txt` with a picture's name, how many faces, and a line for each: left, top, width,
//! height, blur, expression, illumination, invalid, occlusion, pose. A picture without faces has 0 and a line of zeros.

use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use emocue_models::geometry::Rect;

use super::super::{DataError, name_of};
use super::collect::{Collect, NO_AREA};
use super::{FaceSet, MarkedFace};

const HELP: &str = "Expected lines as in wider_face_train_bbx_gt.txt: a picture's name, the number of its faces, then x y w h and up to six attributes for each.";

/// The largest list, bytes; the published ones have about 5 MB.
const MAX_LIST: u64 = 256 << 20;

/// Index of "invalid" among a face's numbers.
const INVALID: usize = 7;

/// Whether a file is such a list, by its name.
pub(super) fn is_in(path: &Path) -> bool {
    name_of(path).to_lowercase().ends_with("_bbx_gt.txt")
}

/// Reads the list; its pictures are in `WIDER_train/images` and the like, or in `images`, beside it or beside its folder.
pub(super) fn read(path: &Path) -> Result<FaceSet, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let mut input = BufReader::new(std::fs::File::open(path).map_err(io)?).take(MAX_LIST);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut set: Option<Collect> = None;
    let mut row = 0;
    loop {
        // Errors name the line that was read last.
        let mut next = |row: &mut usize| -> Result<Option<String>, DataError> {
            loop {
                line.clear();
                if input.read_until(b'\n', &mut line).map_err(io)? == 0 {
                    return Ok(None);
                }
                *row += 1;
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                if !text.is_empty() {
                    return Ok(Some(text));
                }
            }
        };
        let Some(name) = next(&mut row)? else { break };
        let bad = |row: usize, what: String| DataError::Row {
            path: path.to_owned(),
            row,
            what,
            help: HELP,
        };
        let set = set.get_or_insert_with(|| Collect::new(name_of(path), &pictures_of(path, &name)));
        set.picture(&name).map_err(|what| bad(row, what))?;
        let count = next(&mut row)?.ok_or_else(|| bad(row, "the list ends here".to_owned()))?;
        let faces: usize = count
            .parse()
            .map_err(|_| bad(row, format!("\"{count:.40}\" is not a number of faces")))?;
        for at in 0..faces.max(1) {
            let text = next(&mut row)?.ok_or_else(|| bad(row, "the list ends here".to_owned()))?;
            lines.clear();
            for word in text.split_ascii_whitespace() {
                let value: Result<f32, _> = word.parse();
                lines.push(value.map_err(|_| bad(row, format!("\"{text:.60}\" is not a face")))?);
            }
            let &[x, y, width, height, ..] = lines.as_slice() else {
                return Err(bad(row, format!("\"{text:.60}\" is not a face")));
            };
            if faces == 0 {
                // A picture without faces has one line of zeros; other values mean that the count is wrong.
                if at == 0 && lines.iter().any(|value| *value != 0.0) {
                    return Err(bad(row, "a face of a picture with 0 faces".to_owned()));
                }
                continue;
            }
            if width <= 0.0 || height <= 0.0 {
                set.skip(NO_AREA);
                continue;
            }
            let ignore = lines.get(INVALID).is_some_and(|invalid| *invalid != 0.0);
            let rect = Rect::new(x, y, width, height);
            set.face(MarkedFace { rect, ignore, ..MarkedFace::default() })
                .map_err(|what| bad(row, what))?;
        }
    }
    match set {
        Some(set) => set.finish(path),
        None => Collect::new(name_of(path), Path::new(".")).finish(path),
    }
}

/// The folder of a list's pictures: the first of the usual folders that contains the picture `first`, else the list's
/// own folder.
fn pictures_of(path: &Path, first: &str) -> PathBuf {
    let own = path.parent().unwrap_or(Path::new(""));
    let split = name_of(path).to_lowercase();
    let split = split.trim_start_matches("wider_face_").trim_end_matches("_bbx_gt.txt").to_owned();
    let named = PathBuf::from(format!("WIDER_{split}")).join("images");
    let beside = own.join("..");
    let folders = [
        own.join(&named),
        beside.join(&named),
        own.join("images"),
        beside.join("images"),
        own.to_owned(),
    ];
    folders.iter().find(|folder| folder.join(first).is_file()).unwrap_or(&folders[4]).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces;
    use crate::fixture;

    fn read(text: &str) -> Result<FaceSet, String> {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for name in ["0--Parade/a.png", "1--Riot/b.png"] {
            fixture::save(&root.join("WIDER_val/images").join(name), 40, 1);
        }
        let path = root.join("wider_face_split/wider_face_val_bbx_gt.txt");
        fixture::write(&path, text);
        assert_eq!(
            faces::read(&path).map_err(|error| error.to_string()),
            faces::read(path.parent().unwrap()).map_err(|error| error.to_string())
        );
        faces::read(&path).map_err(fixture::reported)
    }

    #[test]
    fn faces_invalid_ones_and_empty_pictures_are_read() {
        let set = read("0--Parade/a.png\n3\n1 2 10 20 0 0 0 0 0 0 \n5 5 8 8 2 0 0 1 2 0\n3 3 0 4 0 0 0 0 0 0\n1--Riot/b.png\n0\n0 0 0 0 0 0 0 0 0 0 \n").unwrap();
        let pictures: Vec<_> = set.pictures.iter().map(|p| (&*p.name, p.faces.len())).collect();
        assert_eq!(pictures, [("0--Parade/a.png", 2), ("1--Riot/b.png", 0)]);
        let faces = &set.pictures[0].faces;
        assert_eq!(faces[0].rect, Rect::new(1.0, 2.0, 10.0, 20.0));
        assert_eq!([faces[0].ignore, faces[1].ignore], [false, true]);
        assert_eq!(set.skipped[NO_AREA], 1);
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_with_its_row() {
        for (text, word) in [
            ("0--Parade/a.png\n2\n1 2 10 20\n", "row 3: the list ends here"),
            ("0--Parade/a.png\n", "row 1: the list ends here"),
            ("0--Parade/a.png\nx\n", "row 2: \"x\" is not a number of faces"),
            ("0--Parade/a.png\n1\n1 2 nan 20\n", "row 3: NaN is not a position"),
            ("0--Parade/a.png\n1\n1 2 3\n", "row 3: \"1 2 3\" is not a face"),
            ("0--Parade/a.png\n0\n1 2 3 4\n", "row 3: a face of a picture with 0 faces"),
            ("0--Parade/c.png\n0\n0 0 0 0\n", "row 1: the picture"),
            ("0--Parade/a.png\n99999999999\n1 2 3 4\n", "row 3: the list ends here"),
            ("", "no face is marked"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
