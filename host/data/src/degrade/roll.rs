//! A tilted camera.

use emocue_models::geometry::{Landmarks, Point, Rect};
use emocue_models::luma::Luma;

use super::blur::bilinear;
use crate::faces::MarkedFace;

/// Fraction of a face that must be inside the picture; otherwise it is ignored.
const LEAST_INSIDE: f32 = 0.7;

/// Rotates `picture` about its centre. A face's box keeps its size about its rotated centre; faces outside are dropped.
pub(super) fn roll(
    picture: &Luma,
    faces: Vec<MarkedFace>,
    degrees: f32,
) -> (Luma, Vec<MarkedFace>) {
    let (width, height) = (picture.width(), picture.height());
    let (sin, cos) = degrees.to_radians().sin_cos();
    let middle = Point::new(width as f32 / 2.0, height as f32 / 2.0);
    let turned = |point: Point, sin: f32| {
        let (x, y) = (point.x - middle.x, point.y - middle.y);
        Point::new(middle.x + cos * x - sin * y, middle.y + sin * x + cos * y)
    };
    let mut target = Luma::new(width, height);
    for (y, row) in target.pixels_mut().chunks_exact_mut(width.max(1)).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let source = turned(Point::new(x as f32 + 0.5, y as f32 + 0.5), -sin);
            *pixel = bilinear(picture, source).round() as u8;
        }
    }
    let whole = Rect::new(0.0, 0.0, width as f32, height as f32);
    let moved = faces.into_iter().filter_map(|mut face| {
        let center = turned(face.rect.center(), sin);
        face.rect.x = center.x - face.rect.width / 2.0;
        face.rect.y = center.y - face.rect.height / 2.0;
        let inside = face.rect.intersection(&whole);
        face.ignore |= inside < LEAST_INSIDE * face.rect.area();
        let points = |landmarks: Landmarks| landmarks.points().map(|point| turned(point, sin));
        face.landmarks = face.landmarks.map(|l| Landmarks::from_points(points(l)));
        (inside > 0.0).then_some(face)
    });
    (target, moved.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(x: f32, y: f32) -> MarkedFace {
        let point = Point::new(x, y);
        let landmarks = Some(Landmarks::from_points([point; 5]));
        MarkedFace { rect: Rect::new(x - 4.0, y - 5.0, 8.0, 10.0), landmarks, ..Default::default() }
    }

    #[test]
    fn a_bright_spot_its_box_and_its_landmarks_move_together() {
        let mut picture = Luma::new(80, 60);
        for (x, y) in [(60, 30), (61, 30), (60, 31), (61, 31)] {
            picture.pixels_mut()[y * 80 + x] = 200;
        }
        for degrees in [90.0, -90.0, 30.0] {
            let (turned, faces) = roll(&picture, vec![marked(61.0, 31.0)], degrees);
            let brightest = turned.pixels().iter().enumerate().max_by_key(|(_, v)| **v).unwrap().0;
            let at = Point::new((brightest % 80) as f32 + 0.5, (brightest / 80) as f32 + 0.5);
            let face = &faces[0];
            assert!(face.rect.center().distance(at) < 1.5, "{degrees}: {at:?} {:?}", face.rect);
            assert!(face.landmarks.unwrap().nose.distance(at) < 1.5);
            assert_eq!((face.rect.width, face.rect.height), (8.0, 10.0));
        }
    }

    #[test]
    fn the_border_is_continued_and_faces_that_leave_do_not_count() {
        let picture = Luma::from_raw(80, 60, vec![90; 4800]).unwrap();
        let faces = vec![marked(40.0, 30.0), marked(70.0, 30.0), marked(78.0, 30.0)];
        let (turned, faces) = roll(&picture, faces, 90.0);
        assert!(turned.pixels().iter().all(|pixel| *pixel == 90));
        let ignored: Vec<bool> = faces.iter().map(|face| face.ignore).collect();
        assert_eq!(ignored, [false, true], "the third is wholly outside");
    }

    #[test]
    fn no_turn_changes_nothing() {
        let pixels: Vec<u8> = (0..80 * 60).map(|i| (i % 251) as u8).collect();
        let picture = Luma::from_raw(80, 60, pixels).unwrap();
        assert_eq!(roll(&picture, vec![marked(9.0, 9.0)], 0.0), (picture, vec![marked(9.0, 9.0)]));
    }
}
