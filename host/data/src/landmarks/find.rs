//! Detection of the face in a row. Faces fill rows up to the border, where detectors are weak, so a border is added and
//! the row is enlarged first.

use std::sync::{Mutex, PoisonError};

use emocue_models::bundle::Bundle;
use emocue_models::geometry::{Face, Landmarks, Point};
use emocue_models::luma::Luma;
use emocue_run::{Detector, Networks, RunError};

use crate::dataset::Dataset;

/// Side of the enlarged row with its border, px: a detector's last network has an input of 48 px, and a face fills only
/// a part of the row.
const FRAME: usize = 240;
/// Width of the border as a fraction of the row's side.
const BORDER: f32 = 1.0 / 3.0;
/// The smallest face that a detector must detect, px of the enlarged row: half a row.
pub const MIN_FACE: f32 = 72.0;
/// Rows that a thread takes at once.
const BATCH: usize = 16;

/// A row with a repeated border, enlarged by linear interpolation.
struct Enlarged {
    frame: Luma,
    /// Px of the row per px of the frame.
    scale: f32,
    /// Width of the border, px of the row.
    border: f32,
}

impl Enlarged {
    /// `picture` has `side * side` pixels.
    fn of(picture: &[u8], side: usize) -> Self {
        let border = side as f32 * BORDER;
        let scale = (side as f32 + 2.0 * border) / FRAME as f32;
        let mut enlarged = Self { frame: Luma::new(FRAME, FRAME), scale, border };
        let last = side.saturating_sub(1) as isize;
        let at = |x: isize, y: isize| {
            let [x, y] = [x, y].map(|v| v.clamp(0, last) as usize);
            picture.get(y * side + x).map_or(0.0, |&pixel| f32::from(pixel))
        };
        // Pixel centres are at .5 in both pictures.
        let places: Vec<(isize, f32)> = (0..FRAME)
            .map(|v| (v as f32 + 0.5) * scale - border - 0.5)
            .map(|v| (v.floor() as isize, v - v.floor()))
            .collect();
        for (i, pixel) in enlarged.frame.pixels_mut().iter_mut().enumerate() {
            let ((left, right_share), (top, low_share)) = (places[i % FRAME], places[i / FRAME]);
            let across = |y| at(left, y) * (1.0 - right_share) + at(left + 1, y) * right_share;
            *pixel = (across(top) * (1.0 - low_share) + across(top + 1) * low_share).round() as u8;
        }
        enlarged
    }

    /// Maps a point of the enlarged picture to the row.
    fn in_row(&self, point: Point) -> Point {
        Point::new(point.x * self.scale - self.border, point.y * self.scale - self.border)
    }
}

/// Range of a landmark's coordinates in a row of this side, px of the row: up to half a side outside.
pub(super) fn range(side: usize) -> std::ops::RangeInclusive<f32> {
    -0.5 * side as f32..=1.5 * side as f32
}

/// The landmarks of the face nearest to the centre of a row, px of the row; `None` if no face with landmarks within
/// [`range`] is found.
///
/// # Errors
/// [`RunError`] when the detector fails.
pub(super) fn find(
    picture: &[u8],
    side: usize,
    detector: &mut dyn Detector,
    faces: &mut Vec<Face>,
) -> Result<Option<Landmarks>, RunError> {
    let enlarged = Enlarged::of(picture, side);
    detector.detect(&enlarged.frame, faces)?;
    let middle = Point::new(FRAME as f32 / 2.0, FRAME as f32 / 2.0);
    let distance = |face: &Face| face.rect.center().distance(middle);
    let central = faces.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let landmarks = central.and_then(|face| face.landmarks);
    let points = landmarks.map(|found| found.points().map(|point| enlarged.in_row(point)));
    let range = range(side);
    let inside = |points: &[Point; 5]| {
        points.iter().all(|point| range.contains(&point.x) && range.contains(&point.y))
    };
    Ok(points.filter(inside).map(Landmarks::from_points))
}

/// The landmarks of `rows`, in their order, by the detector of `bundle`: those of the face nearest to the centre of a
/// row, px of the row; `None` if none is found. `progress` receives how many more rows are done.
///
/// # Errors
/// [`RunError`] when the detector does not run.
pub fn find_all(
    data: &Dataset,
    rows: &[usize],
    bundle: &Bundle<'_>,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Option<Landmarks>>, RunError> {
    let mut found = vec![None; rows.len()];
    let work = Mutex::new(rows.chunks(BATCH).zip(found.chunks_mut(BATCH)));
    let run = || -> Result<(), RunError> {
        let mut detector = Networks::from_bundle(bundle, Some(MIN_FACE))?.detector;
        let mut faces = Vec::new();
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((rows, targets)) = next else { return Ok(()) };
            for (row, target) in rows.iter().zip(targets) {
                *target = find(data.picture(*row), data.side(), detector.as_mut(), &mut faces)?;
            }
            progress(rows.len());
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(run)).collect();
        handles.into_iter().try_for_each(|handle| match handle.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Rect;

    use super::*;

    /// Finds a face in the middle with all landmarks at the brightest pixel, and another face in the corner.
    struct Brightest;

    impl Detector for Brightest {
        fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
            faces.clear();
            let brightest = frame.pixels().iter().copied().max().unwrap();
            if brightest == 0 {
                return Ok(());
            }
            let hits: Vec<usize> =
                (0..frame.pixels().len()).filter(|i| frame.pixels()[*i] == brightest).collect();
            let mean = |of: fn(usize, usize) -> usize| {
                hits.iter().map(|&i| of(i, frame.width()) as f32 + 0.5).sum::<f32>()
                    / hits.len() as f32
            };
            let point = Point::new(mean(|i, w| i % w), mean(|i, w| i / w));
            let middle = Rect::new(60.0, 60.0, 120.0, 120.0);
            for (rect, point) in [(Rect::default(), Point::default()), (middle, point)] {
                let landmarks = Some(Landmarks::from_points([point; 5]));
                faces.push(Face { rect, score: 1.0, landmarks });
            }
            Ok(())
        }
    }

    /// Finds a landmark far outside every frame.
    struct Outside;

    impl Detector for Outside {
        fn detect(&mut self, _: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
            let landmarks = Some(Landmarks::from_points([Point::new(-300.0, 120.0); 5]));
            faces.push(Face { rect: Rect::new(60.0, 60.0, 120.0, 120.0), score: 1.0, landmarks });
            Ok(())
        }
    }

    fn found(side: usize, dot: (usize, usize)) -> Option<Point> {
        let mut picture = vec![0; side * side];
        picture[dot.1 * side + dot.0] = 255;
        let landmarks = find(&picture, side, &mut Brightest, &mut Vec::new()).unwrap();
        landmarks.map(|landmarks| landmarks.nose)
    }

    #[test]
    fn positions_are_in_pixels_of_the_row() {
        for (side, dot) in [(48, (10, 20)), (48, (12, 20)), (96, (40, 7)), (8, (3, 3))] {
            let expected = Point::new(dot.0 as f32 + 0.5, dot.1 as f32 + 0.5);
            let found = found(side, dot).unwrap();
            assert!(found.distance(expected) < 0.6 * side as f32 / 48.0, "{side}: {found:?}");
        }
        assert_eq!(find(&[0; 64], 8, &mut Brightest, &mut Vec::new()).unwrap(), None);
        assert_eq!(find(&[0; 64], 8, &mut Outside, &mut Vec::new()).unwrap(), None);
    }
}
