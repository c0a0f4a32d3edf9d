//! From a picture to square crops of its faces.

use emocue_models::crop::Preprocess;
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use emocue_models::resample::{Resampler, Similarity};
use emocue_run::{Detector, RunError};

use super::{Faces, Fallback, How, PrepareOutcome, PrepareSettings};
use crate::resize;

/// Side of the square in which the detector searches, px. It is the same for all pictures, since a detector is set up
/// for one size.
const CANVAS: usize = 320;
/// Longer side of the picture in the centre of the square, px. Its border is repeated around it, since faces that fill
/// a picture are hard to detect without a margin.
const INNER: f32 = 240.0;
/// The smallest face that a detector must detect, px of the square: a seventh of the picture's longer side.
pub const MIN_FACE: f32 = 34.0;

/// The result for a picture, or for one of its faces.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// How the square was made, or why there is none.
    pub outcome: PrepareOutcome,
    /// The longer side of the face's box as a fraction of the picture's shorter side.
    pub share: Option<f32>,
    /// The square, row-major luma; `None` if the picture is left out.
    pub square: Option<Vec<u8>>,
}

/// Detects the face of a picture and crops it.
pub struct Preparer {
    detector: Box<dyn Detector + Send>,
    preprocess: Preprocess,
    settings: PrepareSettings,
    canvas: Luma,
    faces: Vec<Face>,
}

impl Preparer {
    /// `detector` should detect faces from [`MIN_FACE`] px; `preprocess` is the badge's, and is scaled to the settings'
    /// side.
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

    /// Detects and crops the faces of `picture`, the largest first; the result is never empty.
    ///
    /// # Errors
    /// [`RunError`] when the detector fails.
    pub fn prepare(&mut self, picture: &Luma) -> Result<Vec<Prepared>, RunError> {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let whole = |outcome, share| {
            let is_taken =
                outcome == PrepareOutcome::Whole || self.settings.fallback == Fallback::Whole;
            let rect = Rect::new(0.0, 0.0, width, height);
            let square = is_taken.then(|| resize::cut(picture, &rect, self.settings.side));
            Ok(vec![Prepared { outcome, share, square }])
        };
        if self.settings.how == How::Whole {
            return whole(PrepareOutcome::Whole, None);
        }
        let found = find(self.detector.as_mut(), picture, &mut self.canvas, &mut self.faces)?;
        let share = |face: &Face| face.rect.width.max(face.rect.height) / width.min(height);
        let Some(largest) = found.first() else { return whole(PrepareOutcome::NoFace, None) };
        let is_large = |face: &&Face| share(face) >= self.settings.min_share;
        let many = match self.settings.faces {
            Faces::All => found.len(),
            Faces::Largest => 1,
        };
        let taken: Vec<Prepared> = found[..many]
            .iter()
            .filter(is_large)
            .map(|face| self.cut(picture, face, share(face)))
            .collect();
        if taken.is_empty() {
            return whole(PrepareOutcome::SmallFace, Some(share(largest)));
        }
        Ok(taken)
    }

    fn cut(&self, picture: &Luma, face: &Face, share: f32) -> Prepared {
        let is_aligned = self.settings.how == How::Align && face.landmarks.is_some();
        let (outcome, face) = match is_aligned {
            true => (PrepareOutcome::Aligned, *face),
            false => (PrepareOutcome::Cropped, Face { landmarks: None, ..*face }),
        };
        let mut square = vec![0; self.settings.side * self.settings.side];
        self.preprocess.crop(picture, &face, &mut Resampler::default(), &mut square);
        Prepared { outcome, share: Some(share), square: Some(square) }
    }
}

/// The faces whose centres are in the picture, px of the picture, the largest first.
fn find(
    detector: &mut dyn Detector,
    picture: &Luma,
    canvas: &mut Luma,
    faces: &mut Vec<Face>,
) -> Result<Vec<Face>, RunError> {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let scale = width.max(height) / INNER;
    let start = |side: f32| side / 2.0 - scale * CANVAS as f32 / 2.0;
    let to_picture = Similarity { a: scale, b: 0.0, x: start(width), y: start(height) };
    Resampler::default().run(picture, to_picture, CANVAS, canvas.pixels_mut());
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
    let mut inside: Vec<Face> = faces.iter().map(mapped).filter(is_inside).collect();
    inside.sort_by(|a, b| b.rect.area().total_cmp(&a.rect.area()));
    Ok(inside)
}
