//! Where the eyes, the nose and the mouth lie in FER2013's rows: what the badge's crop is aligned to.

use emocue_models::geometry::{Face, Point};
use emocue_models::luma::Luma;
use emocue_run::{Detector, RunError};
use serde::Serialize;

use super::SIDE;

/// Pixels repeated around a row, px of the row: faces fill rows to the border, where detectors are weak.
const BORDER: usize = 16;
/// How many times a row is enlarged: the last network looks at 48 px, and faces fill only a part of that.
const ZOOM: usize = 3;
/// The smallest face a detector need look for, px of the enlarged row: half a row.
pub const MIN_FACE: f32 = (SIDE / 2 * ZOOM) as f32;

/// Where one landmark lies over many rows, px of the 48x48 row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Which of the five.
    pub landmark: &'static str,
    /// The mean.
    pub mean: Point,
    /// The median of x and of y.
    pub median: Point,
    /// The standard deviations of x and of y.
    pub deviation: Point,
}

/// The five landmarks over many rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LandmarkStudy {
    /// Rows looked at.
    pub rows: usize,
    /// Rows in which a face with landmarks was found.
    pub faces: usize,
    /// One for each landmark in the field's order; empty when no face was found.
    pub landmarks: Vec<Spread>,
}

/// Finds the face nearest the middle of every row of 48x48 px and says where its landmarks lie. `progress` is
/// called after every row.
///
/// # Errors
/// [`RunError`] when the detector fails.
pub fn study<'a>(
    pictures: impl Iterator<Item = &'a [u8]>,
    detector: &mut dyn Detector,
    mut progress: impl FnMut(),
) -> Result<LandmarkStudy, RunError> {
    let mut found: [Vec<Point>; 5] = Default::default();
    let (mut rows, mut faces) = (0, Vec::new());
    for picture in pictures {
        rows += 1;
        detector.detect(&enlarged(picture), &mut faces)?;
        if let Some(landmarks) = central(&faces).and_then(|face| face.landmarks) {
            for (all, point) in found.iter_mut().zip(landmarks.points()) {
                all.push(Point::new(in_row(point.x), in_row(point.y)));
            }
        }
        progress();
    }
    let names = ["left eye", "right eye", "nose", "left mouth corner", "right mouth corner"];
    let faces = found[0].len();
    let landmarks = names.into_iter().zip(&found).filter_map(spread).collect();
    Ok(LandmarkStudy { rows, faces, landmarks })
}

/// A row with a repeated border, enlarged by linear interpolation.
fn enlarged(picture: &[u8]) -> Luma {
    let side = (SIDE + 2 * BORDER) * ZOOM;
    let mut frame = Luma::new(side, side);
    let at = |x: isize, y: isize| {
        let [x, y] = [x, y].map(|v| v.clamp(0, SIDE as isize - 1) as usize);
        picture.get(y * SIDE + x).map_or(0.0, |&pixel| f32::from(pixel))
    };
    for (i, pixel) in frame.pixels_mut().iter_mut().enumerate() {
        // Pixel centres lie at .5 in both pictures.
        let [x, y] = [i % side, i / side].map(|v| in_row(v as f32 + 0.5) - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, low_share) = (x - left, y - top);
        let (left, top) = (left as isize, top as isize);
        let across = |y| at(left, y) * (1.0 - right_share) + at(left + 1, y) * right_share;
        *pixel = (across(top) * (1.0 - low_share) + across(top + 1) * low_share).round() as u8;
    }
    frame
}

/// From px of the enlarged picture to px of the row.
fn in_row(v: f32) -> f32 {
    v / ZOOM as f32 - BORDER as f32
}

fn central(faces: &[Face]) -> Option<&Face> {
    let middle = ((SIDE + 2 * BORDER) * ZOOM) as f32 / 2.0;
    let distance = |face: &Face| face.rect.center().distance(Point::new(middle, middle));
    faces.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn spread((landmark, points): (&'static str, &Vec<Point>)) -> Option<Spread> {
    let [(mean_x, median_x, deviation_x), (mean_y, median_y, deviation_y)] = [
        statistics(points.iter().map(|p| p.x).collect())?,
        statistics(points.iter().map(|p| p.y).collect())?,
    ];
    Some(Spread {
        landmark,
        mean: Point::new(mean_x, mean_y),
        median: Point::new(median_x, median_y),
        deviation: Point::new(deviation_x, deviation_y),
    })
}

/// Mean, median and standard deviation; `None` of nothing.
fn statistics(mut values: Vec<f32>) -> Option<(f32, f32, f32)> {
    let count = values.len() as f32;
    values.sort_by(f32::total_cmp);
    let median = *values.get(values.len() / 2)?;
    let mean = values.iter().sum::<f32>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / count;
    Some((mean, median, variance.sqrt()))
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::{Landmarks, Rect};

    use super::*;

    /// Takes the brightest pixel for every landmark of a face in the middle, beside a decoy in the corner.
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

    #[test]
    fn positions_are_in_pixels_of_the_row() {
        let dot = |x: usize, y: usize| {
            let mut picture = vec![0; SIDE * SIDE];
            picture[y * SIDE + x] = 255;
            picture
        };
        let pictures = [dot(10, 20), dot(12, 20), vec![0; SIDE * SIDE], dot(11, 20)];
        let mut steps = 0;
        let pictures = pictures.iter().map(Vec::as_slice);
        let study = study(pictures, &mut Brightest, || steps += 1).unwrap();
        assert_eq!((study.rows, study.faces, steps), (4, 3, 4));
        let eye = &study.landmarks[0];
        for (found, expected) in [
            (eye.mean, Point::new(11.5, 20.5)),
            (eye.median, Point::new(11.5, 20.5)),
            (eye.deviation, Point::new((2.0_f32 / 3.0).sqrt(), 0.0)),
        ] {
            assert!(found.distance(expected) < 0.01, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn no_face_gives_no_position() {
        let black = vec![0; SIDE * SIDE];
        let study = study([black.as_slice()].into_iter(), &mut Brightest, || ()).unwrap();
        assert_eq!((study.rows, study.faces, study.landmarks.len()), (1, 0, 0));
    }
}
