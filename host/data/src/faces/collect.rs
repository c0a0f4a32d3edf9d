//! Common to all readers: checks each box against its picture.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use emocue_models::geometry::Rect;

use super::super::table::is_below;
use super::super::{DataError, picture};
use super::{FacePicture, FaceSet, MarkedFace};

/// Above the side of any picture that can be read, px.
const LARGEST: f32 = 1e6;

pub(super) const CLIPPED: &str = "boxes cut at the picture's border";
const OUTSIDE: &str = "boxes outside the picture";
pub(super) const NO_AREA: &str = "boxes without an area";

/// A face set under construction.
pub(super) struct Collect {
    set: FaceSet,
    /// Folder of the pictures.
    folder: PathBuf,
    /// Width and height of every picture, px.
    sizes: Vec<(f32, f32)>,
    /// Indices of pictures by their names.
    places: HashMap<String, usize>,
    /// Index of the current picture.
    current: usize,
}

impl Collect {
    /// `folder` is what the names of pictures are relative to.
    pub(super) fn new(name: String, folder: &Path) -> Self {
        let set = FaceSet { name, ..FaceSet::default() };
        let (sizes, places) = Default::default();
        Self { set, folder: folder.to_owned(), sizes, places, current: 0 }
    }

    /// Makes the picture that the annotations call `name` the current one, to which faces are added. The error is a
    /// message without the row, which only the reader knows.
    pub(super) fn picture(&mut self, name: &str) -> Result<(), String> {
        if let Some(place) = self.places.get(name) {
            self.current = *place;
            return Ok(());
        }
        let relative = Path::new(name);
        if name.is_empty() || !is_below(relative) {
            return Err(format!("\"{name:.80}\" is not the name of a picture in the set"));
        }
        let file = self.folder.join(relative);
        if !file.is_file() {
            return Err(format!("the picture {} does not exist", file.display()));
        }
        let (width, height) = picture::size(&file).map_err(|error| error.to_string())?;
        self.current = self.set.pictures.len();
        self.sizes.push((width as f32, height as f32));
        self.places.insert(name.to_owned(), self.current);
        self.set.pictures.push(FacePicture { file, name: name.to_owned(), faces: Vec::new() });
        Ok(())
    }

    /// Width and height of the current picture, px.
    pub(super) fn size(&self) -> (f32, f32) {
        self.sizes.get(self.current).copied().unwrap_or_default()
    }

    /// Adds a face to the current picture; the error is a message without the row.
    pub(super) fn face(&mut self, mut face: MarkedFace) -> Result<(), String> {
        let Rect { x, y, width, height } = face.rect;
        let values = [x, y, width, height, face.score.unwrap_or(0.0)];
        let points = face.landmarks.iter().flat_map(|landmarks| landmarks.points());
        let mut all = values.into_iter().chain(points.flat_map(|point| [point.x, point.y]));
        if let Some(value) = all.find(|value| value.is_nan() || value.abs() > LARGEST) {
            return Err(format!("{value} is not a position in a picture"));
        }
        let (right, bottom) = self.size();
        if width <= 0.0 || height <= 0.0 {
            self.skip(NO_AREA);
            return Ok(());
        }
        let inside = Rect::from_corners(
            x.max(0.0),
            y.max(0.0),
            (x + width).min(right),
            (y + height).min(bottom),
        );
        if inside.width <= 0.0 || inside.height <= 0.0 {
            self.skip(OUTSIDE);
            return Ok(());
        }
        if inside != face.rect {
            // Rounded annotations can exceed the border by a pixel; a clipped box is counted, but used.
            self.skip(CLIPPED);
            face.rect = inside;
        }
        if let Some(picture) = self.set.pictures.get_mut(self.current) {
            picture.faces.push(face);
        }
        Ok(())
    }

    /// Counts a box or picture that is left out or changed.
    pub(super) fn skip(&mut self, reason: &str) {
        *self.set.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// The finished set; an error if it has no face.
    pub(super) fn finish(self, path: &Path) -> Result<FaceSet, DataError> {
        if self.set.faces() > 0 {
            return Ok(self.set);
        }
        let counts: Vec<String> =
            self.set.skipped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let left_out =
            if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
        Err(DataError::File {
            path: path.to_owned(),
            what: format!("no face is marked in it{left_out}"),
            help: "Pictures without faces are named as such (--empty FOLDER).",
        })
    }
}
