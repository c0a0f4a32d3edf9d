//! Occlusions of faces, painted by their landmarks.

use emocue_models::geometry::{Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::faces::MarkedFace;

/// Mean positions of eyes, nose and mouth corners in a face's box, as fractions of its width and height, over 3,296
/// faces.
const TYPICAL: [(f32, f32); 5] =
    [(0.28, 0.38), (0.72, 0.38), (0.50, 0.60), (0.32, 0.75), (0.69, 0.75)];

/// The average landmarks of a face with this box.
pub fn typical_landmarks(rect: &Rect) -> Landmarks {
    let place = |(x, y): (f32, f32)| Point::new(rect.x + x * rect.width, rect.y + y * rect.height);
    Landmarks::from_points(TYPICAL.map(place))
}

/// A face's own coordinates: `across` 0 between the eyes, which are at -0.5 and 0.5; `down` 0 at the eyes, 1 at the
/// mouth. A chin is near `down` 1.7, a cheek's edge near `across` 1.1.
struct Plane {
    origin: Point,
    /// Rows of the map from px to the face's coordinates.
    across: (f32, f32),
    down: (f32, f32),
    /// Box of the points with `across` and `down` up to 2, px.
    reach: Rect,
}

impl Plane {
    /// `None` for a face without an area.
    fn of(face: &MarkedFace) -> Option<Self> {
        let own = face.landmarks.and_then(|landmarks| Self::by(&landmarks, &face.rect));
        own.or_else(|| Self::by(&typical_landmarks(&face.rect), &face.rect))
    }

    fn by(landmarks: &Landmarks, rect: &Rect) -> Option<Self> {
        let middle = |a: Point, b: Point| Point::new((a.x + b.x) / 2.0, (a.y + b.y) / 2.0);
        let origin = middle(landmarks.left_eye, landmarks.right_eye);
        let mouth = middle(landmarks.left_mouth, landmarks.right_mouth);
        let u = Point::new(
            landmarks.right_eye.x - landmarks.left_eye.x,
            landmarks.right_eye.y - landmarks.left_eye.y,
        );
        let v = Point::new(mouth.x - origin.x, mouth.y - origin.y);
        let determinant = u.x * v.y - u.y * v.x;
        // In profile both eyes are at nearly the same point; such landmarks do not span a plane.
        if rect.area() <= 0.0 || determinant.is_nan() || determinant.abs() < 0.03 * rect.area() {
            return None;
        }
        let far = 2.0 * (u.x.hypot(u.y) + v.x.hypot(v.y));
        Some(Self {
            origin,
            across: (v.y / determinant, -v.x / determinant),
            down: (-u.y / determinant, u.x / determinant),
            reach: Rect::new(origin.x - far, origin.y - far, 2.0 * far, 2.0 * far),
        })
    }

    /// `across` and `down` of a point of the picture.
    fn at(&self, point: Point) -> (f32, f32) {
        let (x, y) = (point.x - self.origin.x, point.y - self.origin.y);
        (self.across.0 * x + self.across.1 * y, self.down.0 * x + self.down.1 * y)
    }
}

/// Samples in a pixel, for antialiasing.
const PLACES: [(f32, f32); 4] = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];

/// Paints the grey that `shade` returns for a point of a face; `None` leaves the face visible.
fn paint(picture: &mut Luma, faces: &[MarkedFace], mut shade: impl FnMut(f32, f32) -> Option<f32>) {
    let (width, height) = (picture.width(), picture.height());
    for plane in faces.iter().filter_map(Plane::of) {
        let range = |low: f32, high: f32, end: usize| {
            low.floor().clamp(0.0, end as f32) as usize..high.ceil().clamp(0.0, end as f32) as usize
        };
        let columns = range(plane.reach.x, plane.reach.right(), width);
        for y in range(plane.reach.y, plane.reach.bottom(), height) {
            for x in columns.clone() {
                let pixel = &mut picture.pixels_mut()[y * width + x];
                let (mut sum, mut count) = (0.0, 0);
                for (dx, dy) in PLACES {
                    let (across, down) = plane.at(Point::new(x as f32 + dx, y as f32 + dy));
                    if let Some(grey) = shade(across, down) {
                        sum += grey;
                        count += 1;
                    }
                }
                if count > 0 {
                    let rest = (PLACES.len() - count) as f32 * f32::from(*pixel);
                    *pixel = ((sum + rest) / PLACES.len() as f32).round() as u8;
                }
            }
        }
    }
}

/// A medical mask from the bridge of the nose to the chin, with folds.
pub(super) fn mask(picture: &mut Luma, faces: &[MarkedFace], grey: u8) {
    let cloth = f32::from(grey);
    paint(picture, faces, |across, down| {
        let aside = across.abs();
        let upper = 0.34 + 0.22 * aside;
        let half_width = match down {
            ..=1.0 => 1.0,
            _ => (1.0 - ((down - 1.0) / 0.72).powi(2)).max(0.0).sqrt(),
        };
        let is_strap = aside < 1.15 && (down - 0.55 + 0.25 * (aside - 1.0)).abs() < 0.03;
        if is_strap && aside >= 1.0 {
            return Some(cloth);
        }
        if down < upper || aside > half_width {
            return None;
        }
        let fold = [0.75, 1.0, 1.25].iter().any(|at| (down - at).abs() < 0.025);
        let round = 14.0 - 30.0 * aside * aside;
        Some(cloth + round - if fold { 28.0 } else { 0.0 })
    });
}

/// Dark lenses with a bridge and temples.
pub(super) fn sunglasses(picture: &mut Luma, faces: &[MarkedFace], grey: u8) {
    let lens = f32::from(grey);
    paint(picture, faces, |across, down| {
        let aside = across.abs();
        let (x, y) = ((aside - 0.52) / 0.44, (down - 0.04) / 0.36);
        let is_lens = x.abs().powi(3) + y.abs().powi(3) < 1.0;
        let is_frame = aside < 1.15 && (down + 0.12).abs() < 0.05 && !(0.15..0.9).contains(&aside);
        match (is_lens, is_frame) {
            (true, _) => Some(lens + 26.0 * (-y).max(0.0)),
            (false, true) => Some(lens),
            (false, false) => None,
        }
    });
}

/// A textured occlusion of one half, from above the brow to below the chin. `cover` is its grey and texture.
pub(super) fn half(
    picture: &mut Luma,
    faces: &[MarkedFace],
    left: bool,
    cover: (u8, u8),
    rng: &mut ChaCha8Rng,
) {
    let (grey, texture) = (f32::from(cover.0), f32::from(cover.1));
    paint(picture, faces, |across, down| {
        let outward = if left { -across } else { across };
        let is_covered = (0.0..1.35).contains(&outward) && (-1.3..1.9).contains(&down);
        // A pixel is the mean of four samples, which halves the deviation.
        is_covered.then(|| grey + 2.0 * texture * rng.random_range(-1.0..=1.0_f32))
    });
}

/// The fingers of a hand, in the face's coordinates: `down` of their centre lines, and `across` of their tips.
const FINGERS: [(f32, f32); 4] = [(0.80, 0.72), (1.07, 0.86), (1.34, 0.80), (1.61, 0.56)];
/// Half of a finger's thickness.
const FINGER: f32 = 0.145;

/// Four fingers across the mouth and the chin, seen from the back of the hand.
pub(super) fn hand(picture: &mut Luma, faces: &[MarkedFace], left: bool, grey: u8) {
    let skin = f32::from(grey);
    paint(picture, faces, |across, down| {
        let inward = if left { across } else { -across };
        // The hand comes from slightly below.
        let down = down + 0.1 * inward;
        let finger = |(middle, reach): &(f32, f32)| {
            // Rounded at its tip.
            let beyond = (inward - reach).max(0.0);
            let away = (down - middle).hypot(beyond) / FINGER;
            (inward > -1.6 && away <= 1.0).then_some(away)
        };
        let nearest = FINGERS.iter().filter_map(finger).min_by(f32::total_cmp)?;
        Some(skin + 12.0 - 45.0 * nearest.powi(4))
    });
}

/// A textured elliptical occlusion. `place` is its centre and half of its size, across and down; `cover` is its grey
/// and texture.
pub(super) fn patch(
    picture: &mut Luma,
    faces: &[MarkedFace],
    place: ((f32, f32), (f32, f32)),
    cover: (u8, u8),
    rng: &mut ChaCha8Rng,
) {
    let ((x, y), (half_width, half_height)) = place;
    let (grey, texture) = (f32::from(cover.0), f32::from(cover.1));
    paint(picture, faces, |across, down| {
        let (dx, dy) = ((across - x) / half_width, (down - y) / half_height);
        // A pixel is the mean of four samples, which halves the deviation.
        (dx.powi(4) + dy.powi(4) < 1.0)
            .then(|| grey + 2.0 * texture * rng.random_range(-1.0..=1.0_f32))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;

    const GREY: u8 = 130;

    /// A face of 60x80 px, upright or with its landmarks rotated by 90 degrees, in a grey picture.
    fn scene(turned: bool) -> (Luma, Vec<MarkedFace>) {
        let picture = Luma::from_raw(160, 160, vec![GREY; 160 * 160]).unwrap();
        let rect = Rect::new(50.0, 40.0, 60.0, 80.0);
        let quarter = |p: Point| Point::new(80.0 - (p.y - 80.0), 80.0 + (p.x - 80.0));
        let landmarks =
            turned.then(|| Landmarks::from_points(typical_landmarks(&rect).points().map(quarter)));
        (picture, vec![MarkedFace { rect, landmarks, ..Default::default() }])
    }

    /// Which of eyes, nose and mouth corners are covered.
    fn covered(picture: &Luma, face: &MarkedFace) -> [bool; 5] {
        let landmarks = face.landmarks.unwrap_or_else(|| typical_landmarks(&face.rect));
        landmarks.points().map(|p| picture.at_clamped(p.x as isize, p.y as isize) != GREY)
    }

    #[test]
    fn each_thing_covers_its_part_however_the_head_is_turned() {
        for turned in [false, true] {
            let (mut picture, faces) = scene(turned);
            mask(&mut picture, &faces, 200);
            assert_eq!(covered(&picture, &faces[0]), [false, false, true, true, true]);
            let (mut picture, faces) = scene(turned);
            sunglasses(&mut picture, &faces, 20);
            assert_eq!(covered(&picture, &faces[0]), [true, true, false, false, false]);
            let (mut picture, faces) = scene(turned);
            half(&mut picture, &faces, false, (60, 5), &mut generator(1, 0, 0));
            let [left_eye, right_eye, _, left_mouth, right_mouth] = covered(&picture, &faces[0]);
            assert_eq!([left_eye, left_mouth, right_eye, right_mouth], [false, false, true, true]);
            let (mut picture, faces) = scene(turned);
            hand(&mut picture, &faces, true, 220);
            assert_eq!(covered(&picture, &faces[0]), [false, false, false, true, true]);
            let (mut picture, faces) = scene(turned);
            let place = ((0.5, 0.0), (0.2, 0.2));
            patch(&mut picture, &faces, place, (60, 5), &mut generator(1, 0, 0));
            assert_eq!(covered(&picture, &faces[0]), [false, true, false, false, false]);
        }
    }

    #[test]
    fn nothing_is_painted_far_from_the_face() {
        let (mut picture, faces) = scene(false);
        mask(&mut picture, &faces, 200);
        sunglasses(&mut picture, &faces, 20);
        let changed = |x: usize, y: usize| picture.row(y)[x] != GREY;
        for (x, y) in [(2, 2), (157, 80), (80, 20), (80, 140), (20, 100)] {
            assert!(!changed(x, y), "{x},{y}");
        }
    }

    #[test]
    fn landmarks_in_one_place_give_way_to_typical_ones() {
        let (mut picture, mut faces) = scene(false);
        faces[0].landmarks = Some(Landmarks::from_points([Point::new(60.0, 60.0); 5]));
        mask(&mut picture, &faces, 200);
        faces[0].landmarks = None;
        assert_eq!(covered(&picture, &faces[0]), [false, false, true, true, true]);
    }
}
