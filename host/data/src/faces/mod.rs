//! Pictures with annotated face boxes, for detectors: one reader for each layout, one [`FaceSet`].
//!
//! Invalid boxes are left out and counted by reason; an invalid list is refused with file and row.

mod collect;
pub mod groups;
mod layout;
mod table;
mod voc;
mod wider;
mod yolo;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use emocue_models::bundle::Sha256;
use emocue_models::geometry::{Landmarks, Rect};
use emocue_models::luma::Luma;

pub use layout::FaceLayout;

use super::{DataError, name_of, picture};

/// Pictures with their annotated faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaceSet {
    /// The last component of its path.
    pub name: String,
    /// The pictures, in the order of the annotations.
    pub pictures: Vec<FacePicture>,
    /// Numbers of boxes and pictures left out or changed, by reason.
    pub skipped: BTreeMap<String, usize>,
}

/// A picture that is not yet decoded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FacePicture {
    /// Path of the file.
    pub file: PathBuf,
    /// Its name in the annotations, such as `"images/00001.jpg"`.
    pub name: String,
    /// Its faces, in px of the upright picture.
    pub faces: Vec<MarkedFace>,
}

/// A face annotated by a person or by a detector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarkedFace {
    /// Its box, px.
    pub rect: Rect,
    /// Five points, the viewer's left first, if the annotations have them.
    pub landmarks: Option<Landmarks>,
    /// Label from the annotations; empty if there is none.
    pub label: String,
    /// Score, `0..=1`, if a detector annotated it.
    pub score: Option<f32>,
    /// Whether it is ignored: neither a miss nor, if it is detected, a false alarm.
    pub ignore: bool,
}

impl MarkedFace {
    /// Its longer side, px.
    pub fn side(&self) -> f32 {
        self.rect.width.max(self.rect.height)
    }
}

impl FacePicture {
    /// Decodes the picture.
    ///
    /// # Errors
    /// As for [`picture::read`].
    pub fn read(&self) -> Result<Luma, DataError> {
        picture::read(&self.file)
    }

    /// Its half, see [`half_of`].
    pub fn half(&self) -> Half {
        half_of(&self.name)
    }
}

impl FaceSet {
    /// The pictures of one half.
    pub fn in_half(&self, half: Half) -> impl Iterator<Item = &FacePicture> {
        self.pictures.iter().filter(move |picture| picture.half() == half)
    }

    /// Number of annotated faces.
    pub fn faces(&self) -> usize {
        self.pictures.iter().map(|picture| picture.faces.len()).sum()
    }
}

/// The halves of every set: figures come from pictures that were never trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// For training and for validation.
    Training,
    /// For the published figures.
    Judging,
}

/// The half of a picture, by the SHA-256 of its file name (the last component of `name`): a first byte below 128 means
/// training. So a picture stays in its half when it is copied elsewhere.
pub fn half_of(name: &str) -> Half {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if Sha256::of(last.as_bytes()).0[0] < 128 { Half::Training } else { Half::Judging }
}

/// Reads a set of annotated faces; its layout is detected.
///
/// # Errors
/// [`DataError`] naming file and row: no layout or several, invalid boxes, a missing picture, no face at all.
pub fn read(path: &Path) -> Result<FaceSet, DataError> {
    read_as(path, None)
}

/// As [`read`], in the `layout` that is given.
///
/// # Errors
/// As for [`read`].
pub fn read_as(path: &Path, layout: Option<FaceLayout>) -> Result<FaceSet, DataError> {
    let layout = match layout {
        Some(layout) => layout,
        None => FaceLayout::of(path)?,
    };
    layout.read(path)
}

/// The pictures of a folder, none of which shows a face.
///
/// # Errors
/// As for [`picture::pictures_in`].
pub fn empty(folder: &Path) -> Result<FaceSet, DataError> {
    let picture = |file: PathBuf| {
        let name = super::relative(&file, folder);
        FacePicture { file, name, faces: Vec::new() }
    };
    let pictures = picture::pictures_in(folder)?.into_iter().map(picture).collect();
    Ok(FaceSet { name: name_of(folder), pictures, skipped: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stays_in_its_half_wherever_it_lies() {
        let names: Vec<String> = (0..2000).map(|i| format!("{i:05}.jpg")).collect();
        let judged = names.iter().filter(|name| half_of(name) == Half::Judging).count();
        assert!((900..1100).contains(&judged), "{judged}");
        for name in names.iter().take(20) {
            assert_eq!(half_of(name), half_of(&format!("some/images/{name}")));
        }
        // The rule must not change: otherwise pictures for evaluation would have been trained on.
        let halves = ["00000.jpg", "00001.jpg", "00002.jpg", "00007.jpg"].map(half_of);
        assert_eq!(halves, [Half::Training, Half::Judging, Half::Judging, Half::Training]);
    }
}
