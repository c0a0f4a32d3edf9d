//! Statistics of the landmarks of many rows, from which the targets of the badge's alignment come.

use emocue_models::geometry::{Landmarks, Point};
use serde::Serialize;

/// The position of one landmark over many rows, px of the row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Name of the landmark.
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
    /// Number of rows.
    pub rows: usize,
    /// Rows in which a face with landmarks was found.
    pub faces: usize,
    /// One entry for each landmark; empty when no face was found.
    pub landmarks: Vec<Spread>,
}

/// Computes the statistics of the landmarks of rows; `None` is a row without a face.
pub fn study(rows: &[Option<Landmarks>]) -> LandmarkStudy {
    let mut found: [Vec<Point>; 5] = Default::default();
    for landmarks in rows.iter().flatten() {
        for (all, point) in found.iter_mut().zip(landmarks.points()) {
            all.push(point);
        }
    }
    let names = ["left eye", "right eye", "nose", "left mouth corner", "right mouth corner"];
    let faces = found[0].len();
    let landmarks = names.into_iter().zip(&found).filter_map(spread).collect();
    LandmarkStudy { rows: rows.len(), faces, landmarks }
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

/// Mean, median and standard deviation; `None` without values.
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
    use super::*;

    #[test]
    fn mean_median_and_deviation_by_hand() {
        let eye = |x: f32| Some(Landmarks::from_points([Point::new(x, 20.5); 5]));
        let study = study(&[eye(10.5), eye(12.5), None, eye(11.5)]);
        assert_eq!((study.rows, study.faces), (4, 3));
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
        let study = study(&[None]);
        assert_eq!((study.rows, study.faces, study.landmarks.len()), (1, 0, 0));
    }
}
