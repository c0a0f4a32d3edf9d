//! Reads a CSV file with a row for each face; the pictures are relative to its folder.

use std::path::Path;

use emocue_models::geometry::{Landmarks, Point, Rect};

use super::super::table::{columns, csv_error, open_csv};
use super::super::{DataError, name_of};
use super::collect::Collect;
use super::{FaceSet, MarkedFace};

pub(super) const HELP: &str = "Expected a header with the picture (file or image), its box in px (x, y, width or w, height or h; or xmin, ymin, xmax, ymax) and perhaps label, score and landmarks (re_x, re_y, le_x ... lm_y).";

/// Possible names of the picture's and of the label's column.
const PICTURE: [&str; 4] = ["file", "image", "filename", "path"];
const LABEL: [&str; 3] = ["label", "class", "name"];
/// Forms of a box: corner and size, or two corners.
const BOXES: [([&str; 4], Form); 4] = [
    (["xmin", "ymin", "xmax", "ymax"], Form::Corners),
    (["x1", "y1", "x2", "y2"], Form::Corners),
    (["x", "y", "width", "height"], Form::Size),
    (["x", "y", "w", "h"], Form::Size),
];
/// Columns of the landmarks, named by the person's right and left: the person's right eye is on the viewer's left.
const POINTS: [&str; 10] =
    ["re_x", "re_y", "le_x", "le_y", "nose_x", "nose_y", "rm_x", "rm_y", "lm_x", "lm_y"];

#[derive(Clone, Copy)]
enum Form {
    Size,
    Corners,
}

/// Indices of the columns.
struct Columns {
    picture: usize,
    shape: [usize; 4],
    form: Form,
    label: Option<usize>,
    score: Option<usize>,
    points: Option<[usize; 10]>,
}

impl Columns {
    fn of(
        path: &Path,
        reader: &mut csv::Reader<Box<dyn std::io::Read>>,
    ) -> Result<Option<Self>, DataError> {
        let picture = columns(path, reader, PICTURE)?.into_iter().flatten().next();
        let label = columns(path, reader, LABEL)?.into_iter().flatten().next();
        let [score] = columns(path, reader, ["score"])?;
        let points = all(columns(path, reader, POINTS)?);
        for (names, form) in BOXES {
            if let (Some(picture), Some(shape)) = (picture, all(columns(path, reader, names)?)) {
                return Ok(Some(Self { picture, shape, form, label, score, points }));
            }
        }
        Ok(None)
    }
}

fn all<const N: usize>(found: [Option<usize>; N]) -> Option<[usize; N]> {
    let mut at = [0; N];
    for (at, found) in at.iter_mut().zip(found) {
        *at = found?;
    }
    Some(at)
}

/// Whether the header of the file `path` is one of annotated faces.
pub(super) fn is_in(path: &Path) -> bool {
    open_csv(path, true)
        .is_ok_and(|mut reader| matches!(Columns::of(path, &mut reader), Ok(Some(_))))
}

/// Reads the file; pictures are named relative to its folder.
pub(super) fn read(path: &Path) -> Result<FaceSet, DataError> {
    let mut reader = open_csv(path, true)?;
    let columns = Columns::of(path, &mut reader)?.ok_or_else(|| DataError::File {
        path: path.to_owned(),
        what: "the header is not one of marked faces".to_owned(),
        help: HELP,
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut set = Collect::new(set_name(path), folder);
    for (index, record) in reader.records().enumerate() {
        let row = index + 1;
        let record = record.map_err(|error| csv_error(path, row, &error))?;
        let bad = |what: String| DataError::Row { path: path.to_owned(), row, what, help: HELP };
        let cell = |at: usize| record.get(at).unwrap_or("").trim();
        set.picture(cell(columns.picture)).map_err(bad)?;
        if columns.shape.iter().all(|at| cell(*at).is_empty()) {
            continue;
        }
        let number = |at: usize| {
            let text = cell(at);
            text.parse::<f32>().map_err(|_| bad(format!("\"{text:.40}\" is not a number")))
        };
        let [mut a, mut b, mut c, mut d] = [0.0; 4];
        for (value, at) in [&mut a, &mut b, &mut c, &mut d].into_iter().zip(columns.shape) {
            *value = number(at)?;
        }
        let rect = match columns.form {
            Form::Size => Rect::new(a, b, c, d),
            Form::Corners => Rect::from_corners(a, b, c, d),
        };
        let landmarks = match columns.points {
            Some(at) if at.iter().any(|at| !cell(*at).is_empty()) => {
                let mut points = [Point::default(); 5];
                for (point, at) in points.iter_mut().zip(at.chunks_exact(2)) {
                    *point = Point::new(number(at[0])?, number(at[1])?);
                }
                Some(Landmarks::from_points(points))
            }
            _ => None,
        };
        let score = columns.score.filter(|at| !cell(*at).is_empty()).map(number).transpose()?;
        let label = columns.label.map(|at| cell(at).to_owned()).unwrap_or_default();
        set.face(MarkedFace { rect, landmarks, label, score, ignore: false }).map_err(bad)?;
    }
    set.finish(path)
}

/// The set's name: the folder's, since the file's is often just `annotations`.
fn set_name(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok();
    folder.map_or_else(|| name_of(path), |folder| name_of(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces;
    use crate::fixture;

    fn read(text: &str) -> Result<FaceSet, String> {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fixture::save(&root.join("images/a.png"), 40, 1);
        fixture::save(&root.join("images/b.png"), 60, 2);
        let path = root.join("marks.csv");
        fixture::write(&path, text);
        faces::read(&path).map_err(fixture::reported)
    }

    #[test]
    fn every_form_of_header_gives_the_same_box() {
        for text in [
            "file,x,y,w,h,label\nimages/a.png,1,2,10,20,with_mask\n",
            "image, X ,y,width,height,class\nimages/a.png,1,2,10,20,with_mask\n",
            "filename,width,height,class,xmin,ymin,xmax,ymax\nimages/a.png,40,40,with_mask,1,2,11,22\n",
        ] {
            let set = read(text).unwrap();
            let face = &set.pictures[0].faces[0];
            assert_eq!((face.rect, &*face.label), (Rect::new(1.0, 2.0, 10.0, 20.0), "with_mask"));
        }
    }

    #[test]
    fn the_right_eye_of_a_person_is_on_the_viewers_left() {
        let set = read("image,x,y,width,height,score,re_x,re_y,le_x,le_y,nose_x,nose_y,rm_x,rm_y,lm_x,lm_y\nimages/a.png,5,5,20,20,0.9,10,11,20,12,15,16,11,20,19,21\n").unwrap();
        let face = &set.pictures[0].faces[0];
        let landmarks = face.landmarks.unwrap();
        assert_eq!(landmarks.left_eye, Point::new(10.0, 11.0));
        assert_eq!(landmarks.right_mouth, Point::new(19.0, 21.0));
        assert_eq!(face.score, Some(0.9));
    }

    #[test]
    fn boxes_that_cannot_be_right_are_cut_or_left_out_and_counted() {
        let set = read("file,x,y,w,h\nimages/a.png,30,30,20,5\nimages/b.png,,,,\nimages/a.png,50,0,9,9\nimages/a.png,1,1,0,4\nimages/a.png,-2,1,5,4\n").unwrap();
        let names: Vec<_> = set.pictures.iter().map(|p| (&*p.name, p.faces.len())).collect();
        assert_eq!(names, [("images/a.png", 2), ("images/b.png", 0)]);
        assert_eq!(set.pictures[0].faces[0].rect, Rect::new(30.0, 30.0, 10.0, 5.0));
        let counts: Vec<usize> = set.skipped.values().copied().collect();
        assert_eq!(counts, [2, 1, 1], "{:?}", set.skipped);
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_with_its_row() {
        for (row, word) in [
            ("images/a.png,1,2,x,4", "row 1: \"x\" is not a number"),
            ("images/a.png,1,2,NaN,4", "row 1: NaN is not a position"),
            ("images/a.png,1e39,2,3,4", "row 1: inf is not a position"),
            ("images/a.png,1e30,2,3,4", "is not a position"),
            ("images/c.png,1,2,3,4", "row 1: the picture"),
            ("../images/a.png,1,2,3,4", "is not the name of a picture in the set"),
            (",1,2,3,4", "is not the name of a picture"),
            ("images/a.png,1,2", "is not a number"),
            ("images/a.png,100,2,3,4", "no face is marked in it (1 boxes outside"),
            ("images/a.png,,,,", "no face is marked"),
        ] {
            let error = read(&format!("file,x,y,w,h\n{row}\n")).unwrap_err();
            assert!(error.contains(word), "{row}: {error}");
        }
        assert!(read("file,x,y\na,1,2\n").unwrap_err().contains("csv"));
    }
}
