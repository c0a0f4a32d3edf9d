//! A drawn face, to illustrate conditions without showing a real person.

use emocue_models::geometry::{Landmarks, Point};
use emocue_models::luma::Luma;

use super::face_of_row;

/// Samples per pixel in each direction.
const PLACES: usize = 3;

/// A smiling face as a square row of `side` px, with its landmarks at the positions of the classifier's preprocessing.
pub fn drawn_face(side: usize) -> Luma {
    let mut picture = Luma::new(side, side);
    let Some(Landmarks { left_eye, right_eye, left_mouth, .. }) = face_of_row(side).landmarks
    else {
        return picture;
    };
    let middle = Point::new((left_eye.x + right_eye.x) / 2.0, left_eye.y);
    let (eyes, mouth) = (right_eye.x - left_eye.x, left_mouth.y - left_eye.y);
    for (i, pixel) in picture.pixels_mut().iter_mut().enumerate() {
        let mut sum = 0.0;
        for place in 0..PLACES * PLACES {
            let within = |at: usize| (at as f32 + 0.5) / PLACES as f32;
            let x = (i % side) as f32 + within(place % PLACES);
            let y = (i / side) as f32 + within(place / PLACES);
            sum += grey((x - middle.x) / eyes, (y - middle.y) / mouth);
        }
        *pixel = (sum / (PLACES * PLACES) as f32).round() as u8;
    }
    picture
}

/// The grey at a point: `across` is -0.5 and 0.5 at the eyes, `down` is 0 at the eyes and 1 at the mouth.
fn grey(across: f32, down: f32) -> f32 {
    let aside = across.abs();
    let oval = |x: f32, y: f32, width: f32, height: f32| {
        ((aside - x) / width).powi(2) + ((down - y) / height).powi(2)
    };
    let arc = |from: f32, to: f32, level: f32, thickness: f32| {
        (from..to).contains(&aside) && (down - level).abs() < thickness
    };
    let head = oval(0.0, 0.48, 1.05, 1.36);
    let brow = -0.3 + 0.5 * (aside - 0.5).powi(2);
    let (smile, teeth) = (1.18 - 1.1 * across * across, 0.97 - 0.15 * across * across);
    if oval(0.5, 0.0, 0.075, 0.085) < 1.0 {
        30.0
    } else if oval(0.5, 0.0, 0.19, 0.1) < 1.0 {
        225.0
    } else if arc(0.22, 0.78, brow, 0.05) {
        55.0
    } else if aside < 0.42 && (teeth..smile).contains(&down) {
        if down < teeth + 0.1 { 215.0 } else { 70.0 }
    } else if oval(0.07, 0.58, 0.06, 0.04) < 1.0 {
        95.0
    } else if head < 1.0 && down > -0.62 + 0.25 * aside {
        // Darker towards the edge, with a bright nose.
        let nose = (1.0 - oval(0.0, 0.35, 0.14, 0.3)).max(0.0);
        178.0 - 45.0 * head * head + 22.0 * nose
    } else if oval(0.0, 0.3, 1.2, 1.45) < 1.0 && down < 0.75 {
        48.0
    } else if aside < 0.55 && down > 1.2 {
        118.0
    } else {
        96.0 + 14.0 * across
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_eyes_and_its_mouth_are_where_a_classifier_expects_them() {
        for side in [48, 96] {
            let face = drawn_face(side);
            let scale = side as f32 / 48.0;
            let at = |x: f32, y: f32| face.at_clamped((x * scale) as isize, (y * scale) as isize);
            let (left, right, cheek) = (at(15.0, 18.75), at(33.0, 18.75), at(12.0, 29.0));
            assert!(left < 60 && right < 60 && cheek > 120, "{left} {right} {cheek}");
            assert!(at(24.0, 40.0) < 110, "the open mouth");
        }
        assert!(drawn_face(0).pixels().is_empty());
    }
}
