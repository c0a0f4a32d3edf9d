//! Normalisation of a crop's pixels to a network's input.

use serde::{Deserialize, Serialize};

/// How a crop's pixels are normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// `(pixel / 255 - mean) / std`, the same for every face; see [`crate::crop::Preprocess`].
    #[default]
    Fixed,
    /// `(pixel - m) / max(d, floor) * gain`, where `m` and `d` are the mean and the standard deviation of the crop's
    /// own pixels, in greys of 0 to 255. Removes differences of brightness and contrast. Since runtime 5.
    Face {
        /// Smallest standard deviation to divide by, greys, so that noise in a crop without contrast is not amplified;
        /// `0.5..=64`.
        floor: f32,
        /// Standard deviation of the result, `0.05..=10`.
        gain: f32,
    },
}

impl Normalise {
    /// For each face, with constants that cost no accuracy when measured.
    pub const FACE: Self = Self::Face { floor: 4.0, gain: 0.9 };

    /// Whether it is the same for every face.
    pub fn is_fixed(&self) -> bool {
        *self == Self::Fixed
    }

    /// The lowest [runtime](crate::bundle::manifest::RUNTIME) that knows it.
    pub fn runtime(&self) -> u32 {
        if self.is_fixed() { 1 } else { 5 }
    }

    /// The constant that is out of its range, and the range.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let Self::Face { floor, gain } = self else { return None };
        let tests = [
            ("floor", "not in 0.5..=64 greys", (0.5..=64.0).contains(floor)),
            ("gain", "not in 0.05..=10", (0.05..=10.0).contains(gain)),
        ];
        tests.into_iter().find(|(_, _, holds)| !holds).map(|(field, reason, _)| (field, reason))
    }
}

/// Mean and standard deviation of pixels, in greys of 0 to 255. Sums are integers, so the result is the same on every
/// processor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Greys {
    /// `0..=255`; 0 without pixels.
    pub mean: f32,
    /// `0..=127.5`.
    pub deviation: f32,
}

impl Greys {
    /// Mean and standard deviation of `pixels`.
    pub fn of(pixels: &[u8]) -> Self {
        let (mut sum, mut squares) = (0_u64, 0_u64);
        for pixel in pixels {
            let pixel = u64::from(*pixel);
            sum += pixel;
            squares += pixel * pixel;
        }
        let count = pixels.len().max(1) as f64;
        let mean = sum as f64 / count;
        let variance = (squares as f64 / count - mean * mean).max(0.0);
        Self { mean: mean as f32, deviation: variance.sqrt() as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_by_hand() {
        assert_eq!(Greys::of(&[10, 30]), Greys { mean: 20.0, deviation: 10.0 });
        assert_eq!(Greys::of(&[255; 9]), Greys { mean: 255.0, deviation: 0.0 });
        assert_eq!(Greys::of(&[]), Greys::default());
    }

    #[test]
    fn constants_out_of_range_are_named() {
        assert_eq!(Normalise::FACE.problem(), None);
        assert_eq!(Normalise::Fixed.problem(), None);
        for (normalise, field) in [
            (Normalise::Face { floor: 0.0, gain: 0.9 }, "floor"),
            (Normalise::Face { floor: 4.0, gain: f32::NAN }, "gain"),
        ] {
            assert_eq!(normalise.problem().unwrap().0, field);
        }
    }
}
