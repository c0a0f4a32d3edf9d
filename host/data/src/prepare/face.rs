//! One picture to one square.

use emocue_models::crop::Preprocess;
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use emocue_models::resample::{Similarity, resample};
use emocue_run::{Detector, RunError};

use super::{Fallback, How, PrepareOutcome, PrepareSettings};
use crate::resize;

/// Side of the square that is searched, px. One size for all pictures: the detector prepares itself for a size.
const CANVAS: usize = 320;
/// Longer side of the picture in its middle, px. Around it the border repeats, since faces that fill a picture
/// are found badly without surroundings.
const INNER: f32 = 240.0;
/// The smallest face that a detector need look for, px of the canvas: a seventh of the picture's longer side.
pub const MIN_FACE: f32 = 34.0;

/// What became of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// How the square came about, or why there is none.
    pub outcome: PrepareOutcome,
    /// The longer side of the largest face's box as a part of the picture's shorter side.
    pub share: Option<f32>,
    /// The square, row-major luma; `None` where the picture is to be left out.
    pub square: Option<Vec<u8>>,
}

/// Finds the face of a picture and cuts it out.
pub struct Preparer {
    detector: Box<dyn Detector + Send>,
    preprocess: Preprocess,
    settings: PrepareSettings,
    canvas: Luma,
    faces: Vec<Face>,
}

impl Preparer {
    /// `detector` should look for faces of [`MIN_FACE`] px; `preprocess` is the badge's, and is scaled to the
    /// side that the settings ask for.
    pub fn new(
        detector: Box<dyn Detector + Send>,
        preprocess: &Preprocess,
        settings: PrepareSettings,
    ) -> Self {
        let scale = settings.side as f32 / preprocess.size as f32;
        let points = preprocess.landmarks.points().map(|p| Point::new(p.x * scale, p.y * scale));
        let preprocess = Preprocess {
            size: settings.side,
            landmarks: Landmarks::from_points(points),
            ..preprocess.clone()
        };
        let canvas = Luma::new(CANVAS, CANVAS);
        Self { detector, preprocess, settings, canvas, faces: Vec::new() }
    }

    /// The settings in use.
    pub fn settings(&self) -> &PrepareSettings {
        &self.settings
    }

    /// Searches `picture` and cuts its largest face out.
    ///
    /// # Errors
    /// [`RunError`] when the detector fails.
    pub fn prepare(&mut self, picture: &Luma) -> Result<Prepared, RunError> {
        let side = self.settings.side;
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let whole = || resize::cut(picture, &Rect::new(0.0, 0.0, width, height), side);
        if self.settings.how == How::Whole {
            return Ok(Prepared {
                outcome: PrepareOutcome::Whole,
                share: None,
                square: Some(whole()),
            });
        }
        let fallback = || (self.settings.fallback == Fallback::Whole).then(whole);
        let Some(face) = find(self.detector.as_mut(), picture, &mut self.canvas, &mut self.faces)?
        else {
            return Ok(Prepared {
                outcome: PrepareOutcome::NoFace,
                share: None,
                square: fallback(),
            });
        };
        let share = face.rect.width.max(face.rect.height) / width.min(height);
        let found = |outcome, square| Prepared { outcome, share: Some(share), square };
        if share < self.settings.min_share {
            return Ok(found(PrepareOutcome::SmallFace, fallback()));
        }
        let is_aligned = self.settings.how == How::Align && face.landmarks.is_some();
        let (outcome, face) = match is_aligned {
            true => (PrepareOutcome::Aligned, face),
            false => (PrepareOutcome::Cropped, Face { landmarks: None, ..face }),
        };
        let mut square = vec![0; side * side];
        self.preprocess.crop(picture, &face, &mut square);
        Ok(found(outcome, Some(square)))
    }
}

/// The largest face whose middle lies in the picture, px of the picture.
fn find(
    detector: &mut dyn Detector,
    picture: &Luma,
    canvas: &mut Luma,
    faces: &mut Vec<Face>,
) -> Result<Option<Face>, RunError> {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let scale = width.max(height) / INNER;
    let start = |side: f32| side / 2.0 - scale * CANVAS as f32 / 2.0;
    let to_picture = Similarity { a: scale, b: 0.0, x: start(width), y: start(height) };
    resample(picture, to_picture, CANVAS, canvas.pixels_mut());
    detector.detect(canvas, faces)?;
    let mapped = |face: &Face| {
        let corner = to_picture.apply(Point::new(face.rect.x, face.rect.y));
        let points = face.landmarks.map(|landmarks| landmarks.points());
        Face {
            rect: Rect::new(corner.x, corner.y, face.rect.width * scale, face.rect.height * scale),
            score: face.score,
            landmarks: points.map(|p| Landmarks::from_points(p.map(|p| to_picture.apply(p)))),
        }
    };
    let is_inside = |face: &Face| {
        let center = face.rect.center();
        (0.0..=width).contains(&center.x) && (0.0..=height).contains(&center.y)
    };
    let inside = faces.iter().map(mapped).filter(is_inside);
    Ok(inside.max_by(|a, b| a.rect.area().total_cmp(&b.rect.area())))
}
