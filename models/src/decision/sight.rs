//! Image quality of a face: measures of its crop and of its position in the frame, and how much each lowers confidence.

use serde::{Deserialize, Serialize};

use crate::crop::Preprocess;
use crate::geometry::{Face, Point};
use crate::normalise::Greys;

/// The most that one measure counts, in halvings.
const MOST: f32 = 4.0;
/// The most that all measures together add to the temperature's logarithm: a factor of 10.
const MOST_TOGETHER: f32 = std::f32::consts::LN_10;

/// What is measured, in the order of [`Sight::values`].
pub const MEASURES: [&str; 6] = ["size", "sharpness", "light", "contrast", "noise", "turn"];

/// Whether a lower value of each is worse, in the same order; else a higher one is.
const LESS_IS_WORSE: [bool; 6] = [true, true, true, true, false, false];

/// Image quality of a face, before its pixels are normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sight {
    /// Length of the crop's side, px of the frame or of a dataset's row.
    pub size: f32,
    /// Root mean square difference of neighbouring pixels, divided by that of white noise with the crop's standard
    /// deviation: `0..=2`, low in a blurred crop.
    pub sharpness: f32,
    /// Mean grey, `0..=255`.
    pub light: f32,
    /// Standard deviation of the greys, `0..=127.5`.
    pub contrast: f32,
    /// Noise (Immerkaer 1996), divided by the crop's standard deviation, `0..=4`.
    pub noise: f32,
    /// Root mean square distance of the landmarks from those of a frontal face, divided by the crop's side; 0 without
    /// landmarks.
    pub turn: f32,
}

impl Sight {
    /// Measures the square crop `pixels`, whose side covers `size` px of its frame and whose face is turned by `turn`.
    pub fn of(pixels: &[u8], size: f32, turn: f32) -> Self {
        let side = pixels.len().isqrt();
        let Greys { mean, deviation } = Greys::of(pixels);
        let unit = deviation.max(1.0);
        let (sharpness, noise) = (difference(pixels, side) / unit, grain(pixels, side) / unit);
        Self { size, sharpness, light: mean, contrast: deviation, noise, turn }
    }

    /// The numbers in the order of [`MEASURES`].
    pub fn values(&self) -> [f32; 6] {
        let Self { size, sharpness, light, contrast, noise, turn } = *self;
        [size, sharpness, light, contrast, noise, turn]
    }
}

/// Root mean square difference of neighbouring pixels, divided by the square root of 2.
fn difference(pixels: &[u8], side: usize) -> f32 {
    let square = |(a, b): (&u8, &u8)| u64::from(a.abs_diff(*b)).pow(2);
    let across = pixels.chunks_exact(side.max(1)).flat_map(|line| line.iter().zip(&line[1..]));
    let down = pixels.iter().zip(pixels.get(side..).unwrap_or_default());
    let count = 2 * side * side.saturating_sub(1);
    let sum: u64 = across.map(square).sum::<u64>() + down.map(square).sum::<u64>();
    (sum as f64 / (2 * count.max(1)) as f64).sqrt() as f32
}

/// Standard deviation of the noise, greys (Immerkaer 1996), from second differences taken in both directions.
fn grain(pixels: &[u8], side: usize) -> f32 {
    if side < 3 {
        return 0.0;
    }
    let mut sum = 0_u64;
    let bend = |at: usize| {
        let pixel = |row: usize| i32::from(pixels[at + row * side]);
        pixel(0) - 2 * pixel(1) + pixel(2)
    };
    for row in 0..side - 2 {
        let start = row * side;
        let (mut left, mut middle) = (bend(start), bend(start + 1));
        for column in 2..side {
            let right = bend(start + column);
            sum += u64::from((left - 2 * middle + right).unsigned_abs());
            (left, middle) = (middle, right);
        }
    }
    let count = (side - 2).pow(2) as f64;
    ((std::f64::consts::FRAC_PI_2).sqrt() / 6.0 * sum as f64 / count) as f32
}

impl Preprocess {
    /// [`Sight::size`], px, and [`Sight::turn`] of `face`.
    pub fn place(&self, face: &Face) -> (f32, f32) {
        let transform = self.transform(face);
        let size = transform.scale() * self.size as f32;
        let turn = face.landmarks.map_or(0.0, |found| {
            let expected = self.landmarks.points().map(|point| transform.apply(point));
            let square = |(a, b): (Point, &Point)| {
                let (x, y) = (a.x - b.x, a.y - b.y);
                x * x + y * y
            };
            let sum: f32 = expected.into_iter().zip(&found.points()).map(square).sum();
            (sum / 5.0).sqrt() / size
        });
        (size, turn)
    }
}

/// From which value on a measure counts, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// The value at which quality is good; in the unit of [`Sight`], `0.001..=10000`.
    pub good: f32,
    /// What every halving below it (or doubling above it, for noise and turn) adds to the temperature's logarithm,
    /// `0..=4`.
    pub weight: f32,
}

impl Measure {
    const fn unused(good: f32) -> Self {
        Self { good, weight: 0.0 }
    }
}

/// How much poor image quality lowers confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// See [`Sight::size`].
    pub size: Measure,
    /// See [`Sight::sharpness`].
    pub sharpness: Measure,
    /// See [`Sight::light`].
    pub light: Measure,
    /// See [`Sight::contrast`].
    pub contrast: Measure,
    /// See [`Sight::noise`].
    pub noise: Measure,
    /// See [`Sight::turn`].
    pub turn: Measure,
}

impl Default for Quality {
    /// Nothing counts.
    fn default() -> Self {
        Self {
            size: Measure::unused(48.0),
            sharpness: Measure::unused(0.3),
            light: Measure::unused(60.0),
            contrast: Measure::unused(30.0),
            noise: Measure::unused(0.2),
            turn: Measure::unused(0.05),
        }
    }
}

impl Quality {
    /// The measures in the order of [`MEASURES`].
    pub fn measures(&self) -> [Measure; 6] {
        let Self { size, sharpness, light, contrast, noise, turn } = *self;
        [size, sharpness, light, contrast, noise, turn]
    }

    /// The measures in the order of [`MEASURES`], mutable.
    pub fn measures_mut(&mut self) -> [&mut Measure; 6] {
        let Self { size, sharpness, light, contrast, noise, turn } = self;
        [size, sharpness, light, contrast, noise, turn]
    }

    /// Whether nothing counts.
    pub fn is_unused(&self) -> bool {
        self.measures().iter().all(|measure| measure.weight == 0.0)
    }

    /// The weighted sum of what `sight` falls short of, `0..=2.303`; it is added to the temperature's logarithm.
    pub fn shortfall(&self, sight: &Sight) -> f32 {
        let mut sum = 0.0;
        let measures = self.measures().into_iter().zip(sight.values()).zip(LESS_IS_WORSE);
        for ((Measure { good, weight }, value), less_is_worse) in measures {
            if weight > 0.0 {
                // A value that is not a number is the worst.
                let short = if less_is_worse { good / value.max(0.001) } else { value / good };
                sum += weight * short.log2().clamp(0.0, MOST);
            }
        }
        sum.min(MOST_TOGETHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Landmarks, Rect};

    const SIDE: usize = 48;

    /// Smooth waves with a standard deviation of about 40 greys.
    fn smooth() -> Vec<u8> {
        let pixel = |at: usize| {
            let (x, y) = ((at % SIDE) as f32, (at / SIDE) as f32);
            (128.0 + 40.0 * (x / 6.0).sin() + 40.0 * (y / 9.0).cos()) as u8
        };
        (0..SIDE * SIDE).map(pixel).collect()
    }

    fn noise(deviation: f32) -> impl FnMut() -> f32 {
        let mut state = 1_u32;
        // The sum of twelve uniform numbers is nearly normal.
        move || {
            let mut even = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 24) as f32
            };
            deviation * ((0..12).map(|_| even()).sum::<f32>() - 6.0)
        }
    }

    #[test]
    fn white_noise_is_the_measure_of_both() {
        let mut next = noise(20.0);
        let pixels: Vec<u8> = (0..SIDE * SIDE).map(|_| (128.0 + next()) as u8).collect();
        let sight = Sight::of(&pixels, 48.0, 0.0);
        assert!((sight.sharpness - 1.0).abs() < 0.05, "{sight:?}");
        assert!((sight.noise - 1.0).abs() < 0.05, "{sight:?}");
        assert!((sight.contrast - 20.0).abs() < 1.0 && (sight.light - 127.5).abs() < 1.0);
    }

    #[test]
    fn noise_and_light_are_told_from_the_face() {
        let clean = Sight::of(&smooth(), 48.0, 0.0);
        assert!(clean.noise < 0.03 && clean.sharpness < 0.2, "{clean:?}");
        let mut next = noise(10.0);
        let noisy: Vec<u8> = smooth().iter().map(|p| (f32::from(*p) + next()) as u8).collect();
        let noisy = Sight::of(&noisy, 48.0, 0.0);
        assert!((noisy.noise * noisy.contrast - 10.0).abs() < 1.5, "{noisy:?}");
        let dark: Vec<u8> = smooth().iter().map(|p| p / 10).collect();
        let dark = Sight::of(&dark, 48.0, 0.0);
        assert!((dark.light - 12.5).abs() < 1.0 && dark.contrast < 5.0, "{dark:?}");
    }

    #[test]
    fn every_crop_has_numbers() {
        for side in [0, 1, 2, 3, 8] {
            let sight = Sight::of(&vec![255; side * side], 1.0, 0.0);
            assert!(sight.values().iter().all(|value| value.is_finite()), "{side}: {sight:?}");
        }
    }

    #[test]
    fn only_what_falls_short_counts() {
        let mut quality = Quality::default();
        let sight = Sight { size: 12.0, light: 30.0, turn: 0.2, ..Sight::default() };
        assert_eq!(quality.shortfall(&sight), 0.0);
        quality.size.weight = 0.5;
        assert_eq!(quality.shortfall(&sight), 1.0);
        quality.light.weight = 0.25;
        assert_eq!(quality.shortfall(&sight), 1.25);
        quality.turn = Measure { good: 0.1, weight: 0.5 };
        assert_eq!(quality.shortfall(&sight), 1.75);
        let best = Sight { size: 480.0, light: 60.0, turn: 0.0, ..sight };
        assert_eq!(quality.shortfall(&best), 0.0);
        let worst = Sight { size: f32::NAN, ..sight };
        assert_eq!(quality.shortfall(&worst), MOST_TOGETHER);
    }

    #[test]
    fn a_face_from_the_front_is_not_turned() {
        let preprocess = Preprocess::default();
        let face = preprocess.canonical_face();
        let (size, turn) = preprocess.place(&face);
        assert!((size - 48.0).abs() < 1e-3 && turn < 1e-6, "{size} {turn}");
        let points = preprocess.landmarks.points();
        let scaled = points.map(|p| Point::new(3.0 * p.x + 9.0, 3.0 * p.y));
        // Half as wide: looking to the side.
        let aside = points.map(|p| Point::new(24.0 + (p.x - 24.0) / 2.0, p.y));
        let place = |points| {
            let landmarks = Some(Landmarks::from_points(points));
            preprocess.place(&Face { landmarks, ..face })
        };
        let (size, turn) = place(scaled);
        assert!((size - 144.0).abs() < 1e-2 && turn < 1e-5, "{size} {turn}");
        assert!(place(aside).1 > 0.05, "{:?}", place(aside));
        let boxed = Face { rect: Rect::new(0.0, 0.0, 100.0, 90.0), landmarks: None, ..face };
        assert_eq!(preprocess.place(&boxed), (96.0, 0.0));
    }
}
