//! Augmentation of training pictures. The same seed gives the same picture, on any machine and thread.

use emocue_models::crop::Preprocess;
use emocue_models::geometry::{Face, Landmarks, Point};
use emocue_models::resample::Similarity;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

use crate::camera;
use crate::recipe::augment::{Augment, Border};

/// A square picture and the landmarks of its face.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Luma, row-major.
    pub picture: &'a [u8],
    /// In px of the picture.
    pub landmarks: Option<Landmarks>,
}

/// Writes an augmented copy of the square picture into the square `target`, which may have another side: mirrored,
/// rotated, scaled and shifted in one bilinear resampling, then with changed brightness and contrast and an erased box.
/// A share of the pictures also gets the changes of a [`camera`].
pub fn augment(settings: &Augment, rng: &mut ChaCha8Rng, seen: Seen<'_>, target: &mut [u8]) {
    let by_camera = settings.camera.as_ref().filter(|by| rng.random::<f32>() < by.share);
    let covered = by_camera.and_then(|by| camera::cover(by, rng, seen));
    let picture = covered.as_deref().unwrap_or(seen.picture);
    let mut view = View::draw(settings, rng);
    let (offset, gain) = view.light;
    if let Some(by) = by_camera {
        view.turn(by, rng, seen);
    }

    let (from, to) = (picture.len().isqrt(), target.len().isqrt());
    let source = Source { picture, side: from, border: settings.border };
    let to_source = view.to_source(from, to);
    for y in 0..to {
        for x in 0..to {
            let Point { x: source_x, y: source_y } = to_source(x as f32 + 0.5, y as f32 + 0.5);
            let value = source.bilinear(source_x - 0.5, source_y - 0.5);
            let changed = (value - 128.0) * gain + 128.0 + offset;
            target[y * to + x] = changed.round().clamp(0.0, 255.0) as u8;
        }
    }
    if covered.is_none() && rng.random_bool(f64::from(settings.erase)) {
        erase(rng, target, to);
    }
    if let Some(by) = by_camera {
        camera::expose(by, rng, target);
    }
}

/// The random geometry and light of one picture.
struct View {
    /// Radians.
    angle: f32,
    zoom: f32,
    /// Fractions of the side.
    shift: (f32, f32),
    /// Brightness offset, grey levels of 0 to 255, and contrast factor.
    light: (f32, f32),
    mirror: f32,
    /// Factor of the width and divisor of the height.
    aspect: f32,
    /// From the upright crop to the picture, px of the picture.
    crop: Similarity,
}

impl View {
    fn draw(settings: &Augment, rng: &mut ChaCha8Rng) -> Self {
        let mut either_way = |limit: f32| limit * rng.random_range(-1.0..=1.0f32);
        let angle = either_way(settings.rotate_degrees).to_radians();
        let zoom = 1.0 + either_way(settings.scale);
        let shift = (either_way(settings.shift), either_way(settings.shift));
        let offset = 255.0 * either_way(settings.brightness);
        let gain = 1.0 + either_way(settings.contrast);
        let mirror = if settings.flip && rng.random_bool(0.5) { -1.0 } else { 1.0 };
        let crop = Similarity::IDENTITY;
        Self { angle, zoom, shift, light: (offset, gain), mirror, aspect: 1.0, crop }
    }

    /// Rotates, stretches and crops as a camera and a detector would.
    fn turn(&mut self, by: &camera::Camera, rng: &mut ChaCha8Rng, seen: Seen<'_>) {
        if rng.random::<f32>() < by.turned {
            self.angle = (by.turn_degrees * rng.random_range(-1.0..=1.0f32)).to_radians();
        }
        self.aspect = (0.5 * by.aspect * rng.random_range(-1.0..=1.0f32)).exp();
        if rng.random::<f32>() < by.aligned && seen.landmarks.is_some() {
            let preprocess = Preprocess::of_size(seen.picture.len().isqrt());
            let face = Face { landmarks: seen.landmarks, ..preprocess.canonical_face() };
            self.crop = preprocess.transform(&face);
        }
    }

    /// From px of a target of side `to` to px of the picture of side `from`.
    fn to_source(&self, from: usize, to: usize) -> impl Fn(f32, f32) -> Point {
        let scale = self.zoom * from as f32 / to as f32;
        let (sin, cos) = (self.angle.sin() * scale, self.angle.cos() * scale);
        let (middle, half) = (from as f32 / 2.0, to as f32 / 2.0);
        let shift = (self.shift.0 * from as f32, self.shift.1 * from as f32);
        let Self { mirror, aspect, crop, .. } = *self;
        move |x, y| {
            let (dx, dy) = ((x - half) * mirror / aspect, (y - half) * aspect);
            let source_x = cos * dx - sin * dy + middle + shift.0;
            let source_y = sin * dx + cos * dy + middle + shift.1;
            crop.apply(Point::new(source_x, source_y))
        }
    }
}

/// Fills a box, whose sides are 1/8 to 5/12 of the picture's side, with one random grey.
fn erase(rng: &mut ChaCha8Rng, target: &mut [u8], side: usize) {
    let sizes = side / 8..=side * 5 / 12;
    let (width, height) = (rng.random_range(sizes.clone()), rng.random_range(sizes));
    let (left, top) = (rng.random_range(0..=side - width), rng.random_range(0..=side - height));
    let grey = rng.random_range(0..=255u8);
    for row in target.chunks_exact_mut(side).skip(top).take(height) {
        row[left..left + width].fill(grey);
    }
}

/// A square picture that continues beyond its border.
struct Source<'a> {
    picture: &'a [u8],
    side: usize,
    border: Border,
}

impl Source<'_> {
    /// The value between pixel centres.
    fn bilinear(&self, x: f32, y: f32) -> f32 {
        // The limit, far outside the picture, keeps the conversion to integers within range.
        let limit = 4.0 * self.side as f32;
        let (x, y) = (x.clamp(-limit, limit), y.clamp(-limit, limit));
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (x - left, y - top);
        let (left, top) = (left as isize, top as isize);
        let upper = self.at(left, top) * (1.0 - fx) + self.at(left + 1, top) * fx;
        let lower = self.at(left, top + 1) * (1.0 - fx) + self.at(left + 1, top + 1) * fx;
        upper * (1.0 - fy) + lower * fy
    }

    fn at(&self, x: isize, y: isize) -> f32 {
        let (Some(x), Some(y)) = (self.inside(x), self.inside(y)) else { return 0.0 };
        f32::from(self.picture[y * self.side + x])
    }

    /// The coordinate inside the picture that `at` maps to; `None` is black.
    fn inside(&self, at: isize) -> Option<usize> {
        let side = self.side as isize;
        if (0..side).contains(&at) {
            return Some(at as usize);
        }
        match self.border {
            Border::Nearest => Some(at.clamp(0, side - 1) as usize),
            Border::Black => None,
            Border::Reflect => {
                // ... 2 1 | 0 1 2 ... n-1 | n-2 ..., with the period 2n-2.
                let period = (2 * side - 2).max(1);
                let folded = at.rem_euclid(period);
                Some(folded.min(period - folded) as usize)
            }
        }
    }
}

/// The share of the first of two mixed examples, drawn from a beta distribution (Zhang et al. 2018).
pub fn mixup_share(rng: &mut ChaCha8Rng, alpha: f32) -> f32 {
    Beta::new(alpha, alpha).map_or(1.0, |beta| beta.sample(rng))
}

#[cfg(test)]
mod tests {
    use super::*;
    use emocue_data::random::generator;
    use emocue_data::{PIXELS, SIDE};

    use crate::camera::Camera;

    const OFF: Augment = Augment {
        flip: false,
        rotate_degrees: 0.0,
        scale: 0.0,
        shift: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        erase: 0.0,
        border: Border::Nearest,
        mixup: 0.0,
        camera: None,
    };

    fn picture() -> Vec<u8> {
        (0..PIXELS).map(|i| (i * 7 % 251) as u8).collect()
    }

    fn changed(settings: &Augment, row: usize) -> Vec<u8> {
        let mut target = vec![0; PIXELS];
        let seen = Seen { picture: &picture(), landmarks: None };
        augment(settings, &mut generator(1, 2, row), seen, &mut target);
        target
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        assert_eq!(changed(&OFF, 0), picture());
    }

    #[test]
    fn flips_half_of_the_pictures_exactly() {
        let mirrored: Vec<u8> =
            picture().chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        let settings = Augment { flip: true, ..OFF };
        let results: Vec<_> = (0..200).map(|row| changed(&settings, row)).collect();
        let flipped = results.iter().filter(|result| **result == mirrored).count();
        assert!(results.iter().all(|result| *result == mirrored || *result == picture()));
        assert!((70..130).contains(&flipped), "{flipped}");
    }

    #[test]
    fn one_seed_one_picture() {
        let all = Augment {
            flip: true,
            rotate_degrees: 15.0,
            scale: 0.15,
            shift: 0.1,
            erase: 0.5,
            ..OFF
        };
        assert_eq!(changed(&all, 5), changed(&all, 5));
        assert_ne!(changed(&all, 5), changed(&all, 6));
    }

    #[test]
    fn borders_continue_as_asked() {
        let picture = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        let row = |border| {
            let source = Source { picture: &picture, side: 3, border };
            (-3..6).map(|x| source.at(x, 0) as u8).collect::<Vec<_>>()
        };
        assert_eq!(row(Border::Nearest), [1, 1, 1, 1, 2, 3, 3, 3, 3]);
        assert_eq!(row(Border::Black), [0, 0, 0, 1, 2, 3, 0, 0, 0]);
        assert_eq!(row(Border::Reflect), [2, 3, 2, 1, 2, 3, 2, 1, 2]);
    }

    #[test]
    fn another_side_shows_the_same_picture() {
        let (small, mut large) = ([10u8, 10, 200, 200].map(|v| v).to_vec(), vec![0; 64]);
        let seen = Seen { picture: &small, landmarks: None };
        augment(&OFF, &mut generator(1, 2, 3), seen, &mut large);
        assert_eq!((large[0], large[7], large[63]), (10, 10, 200));
        assert!(large.chunks(8).is_sorted_by_key(|row| row[4]));
    }

    #[test]
    fn an_aligned_view_brings_the_eyes_to_their_places() {
        // A bright left eye, 10 px off.
        let mut picture = vec![0u8; PIXELS];
        picture[28 * SIDE + 25] = 255;
        let off = |p: Point| Point::new(p.x + 10.5, p.y + 9.75);
        let points = Preprocess::default().landmarks.points().map(off);
        let seen = Seen { picture: &picture, landmarks: Some(Landmarks::from_points(points)) };
        let camera = Camera { aligned: 1.0, ..crate::camera::tests::NEVER };
        let mut target = vec![0; PIXELS];
        let settings = Augment { camera: Some(camera), ..OFF };
        augment(&settings, &mut generator(1, 2, 3), seen, &mut target);
        let brightest = (0..PIXELS).max_by_key(|i| target[*i]).unwrap();
        assert_eq!((brightest % SIDE, brightest / SIDE), (15, 18));
    }

    #[test]
    fn mixup_shares_are_even_on_average_and_extreme_for_small_alpha() {
        let mut rng = generator(0, 0, 0);
        let shares: Vec<f32> = (0..4000).map(|_| mixup_share(&mut rng, 0.2)).collect();
        let mean = shares.iter().sum::<f32>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        let extreme = shares.iter().filter(|s| **s < 0.1 || **s > 0.9).count();
        assert!(extreme > 2000, "{extreme}");
    }
}
