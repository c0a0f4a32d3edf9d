//! Pictures made harder for a detector: tilted, covered, dark, blurred. Marked faces follow what is done to a picture.
//!
//! Every change has parameters, so that a training can draw them; [`PROTOCOL`] is the fixed set that detectors are judged
//! by. One seed gives one picture.

mod blur;
mod light;
mod paint;
mod roll;

use emocue_models::bundle::Sha256;
use emocue_models::luma::Luma;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::faces::MarkedFace;
use crate::random::generator;

pub use paint::typical_landmarks;

/// What is done to a picture. Lengths are px of the picture, greys `0..=255`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Turned about its middle, clockwise; its size stays, and its border is continued.
    Roll {
        /// How far.
        degrees: f32,
    },
    /// A medical mask on every face.
    Mask {
        /// Its cloth.
        grey: u8,
    },
    /// Sunglasses on every face.
    Sunglasses {
        /// Their lenses.
        grey: u8,
    },
    /// Something in front of one half of every face.
    HalfCovered {
        /// Whether of the half on the picture's left.
        left: bool,
        /// Of the cover.
        grey: u8,
        /// How much single pixels differ from it.
        texture: u8,
    },
    /// Less light, with a sensor's noise, in whole greys.
    Dark {
        /// What is left of the light, `0..=1`.
        gain: f32,
        /// The sensor's.
        noise: SensorNoise,
    },
    /// All greys nearer to one another, whole.
    LowContrast {
        /// What is left of a difference, `0..=1`.
        gain: f32,
        /// Where the picture's mean goes.
        level: f32,
    },
    /// Moved in a straight line while it was taken.
    Motion {
        /// How far.
        length: f32,
        /// Which way, clockwise from the right.
        degrees: f32,
    },
    /// Out of focus.
    Defocus {
        /// Standard deviation of the blur.
        sigma: f32,
    },
    /// Light from behind: people dark before what is bright.
    Backlight {
        /// What is left of the light on people, `0..=1`.
        person: f32,
        /// What is left of the darkness behind them, `0..=1`.
        behind: f32,
    },
    /// Written to a JPEG file and read again.
    Jpeg {
        /// Its quality, `1..=100`.
        quality: u8,
    },
}

/// A sensor's noise in greys: what grows with the light, and what is always there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorNoise {
    /// Variance for each grey of signal.
    pub shot: f32,
    /// Standard deviation without any signal.
    pub read: f32,
}

impl SensorNoise {
    /// A small sensor at its highest gain: 20 electrons a grey.
    pub const SMALL: Self = Self { shot: 0.05, read: 0.7 };
}

impl Change {
    /// The picture and its faces after the change.
    pub fn apply(
        self,
        mut picture: Luma,
        faces: Vec<MarkedFace>,
        rng: &mut ChaCha8Rng,
    ) -> (Luma, Vec<MarkedFace>) {
        match self {
            Self::Roll { degrees } => return roll::roll(&picture, faces, degrees),
            Self::Mask { grey } => paint::mask(&mut picture, &faces, grey),
            Self::Sunglasses { grey } => paint::sunglasses(&mut picture, &faces, grey),
            Self::HalfCovered { left, grey, texture } => {
                paint::half(&mut picture, &faces, left, (grey, texture), rng);
            }
            Self::Dark { gain, noise } => light::dark(&mut picture, gain, noise, rng),
            Self::LowContrast { gain, level } => light::low_contrast(&mut picture, gain, level),
            Self::Motion { length, degrees } => picture = blur::motion(&picture, length, degrees),
            Self::Defocus { sigma } => blur::defocus(&mut picture, sigma),
            Self::Backlight { person, behind } => {
                light::backlight(&mut picture, &faces, person, behind);
            }
            Self::Jpeg { quality } => picture = blur::jpeg(picture, quality),
        }
        (picture, faces)
    }

    /// The same to the other side.
    fn mirrored(self) -> Self {
        match self {
            Self::Roll { degrees } => Self::Roll { degrees: -degrees },
            Self::HalfCovered { left, grey, texture } => {
                Self::HalfCovered { left: !left, grey, texture }
            }
            Self::Motion { length, degrees } => Self::Motion { length, degrees: -degrees },
            other => other,
        }
    }
}

/// A condition that detectors are judged under.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// As tables show it.
    pub name: &'static str,
    /// One after the other; to the other side for half of the pictures.
    pub changes: &'static [Change],
}

const MASK: Change = Change::Mask { grey: 190 };
const SUNGLASSES: Change = Change::Sunglasses { grey: 24 };
const fn dark(gain: f32) -> Change {
    Change::Dark { gain, noise: SensorNoise::SMALL }
}

/// The conditions, for frames of 640x480 px. What is published was measured with them, so they do not change.
pub const PROTOCOL: [Condition; 14] = [
    Condition { name: "roll 15", changes: &[Change::Roll { degrees: 15.0 }] },
    Condition { name: "roll 30", changes: &[Change::Roll { degrees: 30.0 }] },
    Condition { name: "roll 45", changes: &[Change::Roll { degrees: 45.0 }] },
    Condition { name: "roll 60", changes: &[Change::Roll { degrees: 60.0 }] },
    Condition { name: "mask", changes: &[MASK] },
    Condition { name: "sunglasses", changes: &[SUNGLASSES] },
    Condition { name: "mask and sunglasses", changes: &[MASK, SUNGLASSES] },
    Condition {
        name: "half covered",
        changes: &[Change::HalfCovered { left: true, grey: 110, texture: 14 }],
    },
    Condition { name: "light x0.12", changes: &[dark(0.12)] },
    Condition { name: "light x0.05", changes: &[dark(0.05)] },
    Condition {
        name: "contrast 0.08",
        changes: &[Change::LowContrast { gain: 0.08, level: 118.0 }],
    },
    Condition { name: "motion", changes: &[Change::Motion { length: 11.0, degrees: 20.0 }] },
    Condition { name: "defocus", changes: &[Change::Defocus { sigma: 3.0 }] },
    Condition { name: "backlight", changes: &[Change::Backlight { person: 0.2, behind: 0.3 }] },
];

impl Condition {
    /// Whether faces move.
    pub fn turns(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Roll { .. }))
    }

    /// The picture called `name` under this condition: always the same one, whatever else is looked at.
    pub fn apply(
        &self,
        name: &str,
        picture: Luma,
        faces: Vec<MarkedFace>,
    ) -> (Luma, Vec<MarkedFace>) {
        let mut rng = generator_of(self.name, name);
        let mirrored = rng.random_bool(0.5);
        self.changes.iter().fold((picture, faces), |(picture, faces), change| {
            let change = if mirrored { change.mirrored() } else { *change };
            change.apply(picture, faces, &mut rng)
        })
    }
}

/// Random numbers that depend on nothing but two names: what they are for, and the picture.
pub fn generator_of(purpose: &str, name: &str) -> ChaCha8Rng {
    let seed = |text: &str| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&Sha256::of(text.as_bytes()).0[..8]);
        u64::from_le_bytes(bytes)
    };
    generator(seed(name), 0, seed(purpose) as usize)
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Rect;

    use super::*;

    fn picture() -> (Luma, Vec<MarkedFace>) {
        let pixels = (0..64 * 48).map(|i| (i * 7 % 200 + 20) as u8).collect();
        let rect = Rect::new(20.0, 10.0, 20.0, 24.0);
        (Luma::from_raw(64, 48, pixels).unwrap(), vec![MarkedFace { rect, ..Default::default() }])
    }

    #[test]
    fn every_condition_changes_the_picture_the_same_way_each_time() {
        for condition in PROTOCOL {
            let apply = |name| {
                let (luma, faces) = picture();
                condition.apply(name, luma, faces)
            };
            let (changed, faces) = apply("a.png");
            assert_ne!(changed, picture().0, "{}", condition.name);
            assert_eq!((changed.width(), changed.height(), faces.len()), (64, 48, 1));
            assert_eq!(apply("a.png"), (changed, faces), "{}", condition.name);
        }
    }

    #[test]
    fn half_of_the_pictures_are_changed_to_the_other_side() {
        let condition = PROTOCOL.iter().find(|c| c.name == "roll 45").unwrap();
        let x = |i: i32| {
            let (luma, faces) = picture();
            condition.apply(&format!("{i}.png"), luma, faces).1[0].rect.x
        };
        let first = x(0);
        let same = (0..100).filter(|i| x(*i) == first).count();
        assert!((30..70).contains(&same), "{same}");
    }

    #[test]
    fn a_picture_without_pixels_or_with_a_face_outside_is_no_trouble() {
        for rect in [Rect::new(-90.0, 500.0, 20.0, 20.0), Rect::new(0.0, 0.0, 0.0, 0.0)] {
            for (width, height) in [(0, 0), (1, 1), (3, 2)] {
                for condition in PROTOCOL {
                    let face = MarkedFace { rect, ..Default::default() };
                    let (changed, _) = condition.apply("a", Luma::new(width, height), vec![face]);
                    assert_eq!((changed.width(), changed.height()), (width, height));
                }
            }
        }
    }
}
