//! Loads the pictures that a reader has listed into a dataset.

use std::path::PathBuf;

use emocue_models::geometry::Rect;

use super::dataset::{Dataset, Row};
use super::resize::cut;
use super::{DataError, picture, threads};

/// Pictures that are decoded before they are added; this limits the memory besides the dataset's own.
const CHUNK: usize = 2048;

/// A layout's requirement on the sizes of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sizes {
    /// Square pictures.
    Square,
    /// Square pictures, all of the size of the first.
    Same,
}

/// A picture that is not yet decoded.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) file: PathBuf,
    pub(super) row: Row,
    pub(super) area: Area,
}

/// The area of the face in a picture.
#[derive(Clone, Copy, Debug)]
pub(super) enum Area {
    /// The whole picture.
    Whole,
    /// In px of the file.
    Pixels(Rect),
    /// As fractions of the picture's width and height.
    Parts(Rect),
}

/// Reads the pictures, on all cores, and adds them in order.
pub(super) fn push_all(data: &mut Dataset, items: &[Item], sizes: Sizes) -> Result<(), DataError> {
    let threads = threads();
    let side = data.side();
    let mut first: Option<(usize, PathBuf)> = None;
    for chunk in items.chunks(CHUNK) {
        let load = |part: &[Item]| part.iter().map(|item| load(item, side)).collect::<Vec<_>>();
        let parts: Vec<Vec<_>> = std::thread::scope(|scope| {
            let parts = chunk.chunks(chunk.len().div_ceil(threads));
            let handles: Vec<_> = parts.map(|part| scope.spawn(move || load(part))).collect();
            let join = |handle: std::thread::ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            handles.into_iter().map(join).collect()
        });
        for (item, loaded) in chunk.iter().zip(parts.into_iter().flatten()) {
            let (own_side, picture) = loaded?;
            let (expected, example) = first.get_or_insert_with(|| (own_side, item.file.clone()));
            if sizes == Sizes::Same && own_side != *expected {
                let what = format!(
                    "{own_side}x{own_side} px, but {} has {expected}x{expected}",
                    example.display()
                );
                let help =
                    "All pictures of this layout have one size: look which of the two is foreign.";
                return Err(DataError::File { path: item.file.clone(), what, help });
            }
            data.push(item.row.clone(), &picture);
        }
    }
    Ok(())
}

/// The picture's own side and its pixels at `side`.
fn load(item: &Item, side: usize) -> Result<(usize, Vec<u8>), DataError> {
    let picture = picture::read(&item.file)?;
    let (width, height) = (picture.width(), picture.height());
    let bad = |what, help| DataError::File { path: item.file.clone(), what, help };
    let whole = Rect::new(0.0, 0.0, width as f32, height as f32);
    let face = match item.area {
        Area::Whole => None,
        Area::Pixels(face) => Some(face),
        Area::Parts(Rect { x, y, width: w, height: h }) => {
            let (width, height) = (width as f32, height as f32);
            Some(Rect::new(x * width, y * height, w * width, h * height))
        }
    };
    match face {
        Some(face) => {
            if face.intersection(&whole) < 0.5 * face.area() {
                let Rect { x, y, width: w, height: h } = face;
                let what =
                    format!("{width}x{height} px, but the face is said at {x},{y}, {w}x{h} px");
                let help = "Boxes belong to the pictures as published: were these cropped already?";
                return Err(bad(what, help));
            }
            Ok((width.max(height), cut(&picture, &face, side)))
        }
        None if width != height => {
            let what = format!("{width}x{height} px, expected a square");
            Err(bad(what, "`emocue data prepare` cuts square faces out of raw pictures."))
        }
        None => Ok((width, cut(&picture, &whole, side))),
    }
}

#[cfg(test)]
mod tests {
    use image::Luma as Grey;

    use super::*;

    #[test]
    fn a_box_is_cut_and_a_foreign_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wide.png");
        let wide = image::GrayImage::from_fn(60, 30, |x, _| Grey([if x < 30 { 10 } else { 200 }]));
        wide.save(&file).unwrap();
        let row =
            Row { split: crate::Split::Training, label: 0, subject: None, origin: String::new() };
        let item = |area| Item { file: file.clone(), row: row.clone(), area };
        let right = Rect::new(36.0, 6.0, 18.0, 18.0);
        assert_eq!(load(&item(Area::Pixels(right)), 4).unwrap().1, [200; 16]);
        let parts = Rect::new(0.6, 0.2, 0.3, 0.6);
        assert_eq!(load(&item(Area::Parts(parts)), 4).unwrap().1, [200; 16]);
        let error = crate::fixture::reported(
            load(&item(Area::Pixels(Rect::new(58.0, 0.0, 20.0, 20.0))), 4).unwrap_err(),
        );
        assert!(error.contains("60x30 px, but the face"), "{error}");
        let error = crate::fixture::reported(load(&item(Area::Whole), 4).unwrap_err());
        assert!(error.contains("expected a square") && error.contains("prepare"), "{error}");
    }
}
