//! Pictures made harder: tilted, covered, dark, blurred. Marked faces follow what is done to a picture.
//!
//! Every change has parameters, so that a training can draw them. Fixed lists are [`PROTOCOL`], by which detectors are
//! judged, and [`ROW_CONDITIONS`], by which classifiers are. One seed gives one picture.

mod blur;
mod condition;
mod drawn;
mod light;
mod paint;
mod resolution;
mod roll;

use emocue_models::bundle::Sha256;
use emocue_models::luma::Luma;
use rand_chacha::ChaCha8Rng;

use crate::faces::MarkedFace;
use crate::random::generator;

pub use condition::{Condition, PROTOCOL, ROW_CONDITIONS, face_of_row};
pub use drawn::drawn_face;
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
    /// A hand in front of every face's mouth and chin.
    Hand {
        /// Whether it comes from the picture's left.
        left: bool,
        /// Its skin.
        grey: u8,
    },
    /// Something oval in front of a part of every face. Places are the face's own: `across` is -0.5 and 0.5 at the eyes,
    /// `down` is 0 at the eyes and 1 at the mouth; a chin is near 1.7, a cheek's edge near 1.1.
    Patch {
        /// Its middle.
        across: f32,
        /// Its middle.
        down: f32,
        /// Half of its width, in distances of the eyes.
        half_width: f32,
        /// Half of its height, in distances from eyes to mouth.
        half_height: f32,
        /// Its colour.
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
    /// Every grey raised to a power, as parts of white.
    Gamma {
        /// The power: above 1 is darker.
        gamma: f32,
    },
    /// Light from one side, and shadow on the other.
    SideLight {
        /// Where the shadow is, clockwise from the right.
        degrees: f32,
        /// What is left of the light there, `0..=1`.
        shadow: f32,
    },
    /// Noise that is alike in dark and bright parts.
    Noise {
        /// Its standard deviation.
        deviation: f32,
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
    /// Taken with fewer pixels and enlarged again, as a badge does with a small face.
    Reduced {
        /// How many px of a line become one; up to 1 changes nothing.
        factor: f32,
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
            Self::Hand { left, grey } => paint::hand(&mut picture, &faces, left, grey),
            Self::Patch { across, down, half_width, half_height, grey, texture } => {
                let place = ((across, down), (half_width, half_height));
                paint::patch(&mut picture, &faces, place, (grey, texture), rng);
            }
            Self::Gamma { gamma } => light::gamma(&mut picture, gamma),
            Self::SideLight { degrees, shadow } => light::side(&mut picture, degrees, shadow),
            Self::Noise { deviation } => light::noise(&mut picture, deviation, rng),
            Self::Reduced { factor } => picture = resolution::reduced(picture, factor),
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
            Self::Hand { left, grey } => Self::Hand { left: !left, grey },
            Self::Patch { across, down, half_width, half_height, grey, texture } => {
                Self::Patch { across: -across, down, half_width, half_height, grey, texture }
            }
            Self::SideLight { degrees, shadow } => {
                Self::SideLight { degrees: 180.0 - degrees, shadow }
            }
            other => other,
        }
    }

    /// The change that does to a picture `factor` times as large what this one does: lengths grow, and so does the noise of
    /// single pixels, which reducing the picture averages. A JPEG stays as it is.
    #[must_use]
    pub fn scaled(self, factor: f32) -> Self {
        match self {
            Self::Motion { length, degrees } => Self::Motion { length: length * factor, degrees },
            Self::Defocus { sigma } => Self::Defocus { sigma: sigma * factor },
            Self::Reduced { factor: own } => Self::Reduced { factor: own * factor },
            Self::Noise { deviation } => Self::Noise { deviation: deviation * factor },
            Self::Dark { gain, noise: SensorNoise { shot, read } } => {
                let noise = SensorNoise { shot: shot * factor * factor, read: read * factor };
                Self::Dark { gain, noise }
            }
            other => other,
        }
    }
}

/// Random numbers that depend on nothing but two names: what they are for, and the picture.
pub fn generator_of(purpose: &str, name: &str) -> ChaCha8Rng {
    generator_of_bytes(purpose, name.as_bytes())
}

/// As [`generator_of`], for a picture without a name: its pixels.
fn generator_of_bytes(purpose: &str, picture: &[u8]) -> ChaCha8Rng {
    let seed = |of: &[u8]| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&Sha256::of(of).0[..8]);
        u64::from_le_bytes(bytes)
    };
    generator(seed(picture), 0, seed(purpose.as_bytes()) as usize)
}
