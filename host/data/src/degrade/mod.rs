//! Degradations of pictures: rotation, occlusion, low light, blur and others. Annotated faces are transformed with the
//! picture.
//!
//! Every change has parameters, so that a training can draw them. There are two fixed lists: [`PROTOCOL`] for the
//! evaluation of detectors, and [`ROW_CONDITIONS`] for that of classifiers. The same seed gives the same picture.

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

/// A degradation of a picture. Lengths are px of the picture, greys `0..=255`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Rotation about the centre, clockwise; the size does not change, and the border is repeated.
    Roll {
        /// Angle, clockwise.
        degrees: f32,
    },
    /// A medical mask on every face.
    Mask {
        /// Grey of the mask.
        grey: u8,
    },
    /// Sunglasses on every face.
    Sunglasses {
        /// Grey of the lenses.
        grey: u8,
    },
    /// An occlusion of one half of every face.
    HalfCovered {
        /// Whether the left half, as seen in the picture, is occluded.
        left: bool,
        /// Grey of the occlusion.
        grey: u8,
        /// Largest deviation of single pixels from it.
        texture: u8,
    },
    /// A hand in front of every face's mouth and chin.
    Hand {
        /// Whether it comes from the picture's left.
        left: bool,
        /// Grey of the skin.
        grey: u8,
    },
    /// An elliptical occlusion of a part of every face. Coordinates are those of the face: `across` is -0.5 and 0.5 at
    /// the eyes, `down` is 0 at the eyes and 1 at the mouth; a chin is near `down` 1.7, a cheek's edge near `across`
    /// 1.1.
    Patch {
        /// Its centre.
        across: f32,
        /// Its centre.
        down: f32,
        /// Half of its width, in interocular distances.
        half_width: f32,
        /// Half of its height, in distances between eyes and mouth.
        half_height: f32,
        /// Its grey.
        grey: u8,
        /// Largest deviation of single pixels from it.
        texture: u8,
    },
    /// Low light, with sensor noise, quantized to whole greys.
    Dark {
        /// Factor of the light, `0..=1`.
        gain: f32,
        /// Noise of the sensor.
        noise: SensorNoise,
    },
    /// Low contrast, quantized to whole greys.
    LowContrast {
        /// Factor of the contrast, `0..=1`.
        gain: f32,
        /// The new mean of the picture.
        level: f32,
    },
    /// Gamma curve: every grey, as a fraction of white, raised to a power.
    Gamma {
        /// The power, `> 0`: above 1 is darker.
        gamma: f32,
    },
    /// Light from one side, and shadow on the other.
    SideLight {
        /// Direction of the shadow, clockwise from the right.
        degrees: f32,
        /// Factor of the light in the shadow, `0..=1`.
        shadow: f32,
    },
    /// Gaussian noise that does not depend on the signal.
    Noise {
        /// Its standard deviation.
        deviation: f32,
    },
    /// Motion blur along a straight line.
    Motion {
        /// Length of the motion.
        length: f32,
        /// Direction, clockwise from the right.
        degrees: f32,
    },
    /// Out of focus.
    Defocus {
        /// Standard deviation of the blur.
        sigma: f32,
    },
    /// Low resolution: reduced and enlarged again, as a small face is on a badge.
    Reduced {
        /// Factor of the reduction of each side; up to 1 changes nothing.
        factor: f32,
    },
    /// Backlight: dark people in front of a bright background.
    Backlight {
        /// Factor of the light on people, `0..=1`.
        person: f32,
        /// Factor of the background's difference from white, `0..=1`.
        behind: f32,
    },
    /// JPEG compression.
    Jpeg {
        /// Its quality, `1..=100`.
        quality: u8,
    },
}

/// Sensor noise in grey levels: shot noise, which grows with the light, and read noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SensorNoise {
    /// Variance of the shot noise for each grey level of signal.
    pub shot: f32,
    /// Standard deviation of the read noise.
    pub read: f32,
}

impl SensorNoise {
    /// A small sensor at its highest gain: 20 electrons per grey level.
    pub const SMALL: Self = Self { shot: 0.05, read: 0.7 };
}

impl Change {
    /// Applies the change to a picture and its faces.
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

    /// The same change, mirrored.
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

    /// The equivalent change for a picture `factor` times as large: lengths grow, and so does the noise of single
    /// pixels, since it is averaged when the picture is reduced. JPEG compression does not change.
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

/// A random generator that depends on two names only: its purpose and the picture.
pub fn generator_of(purpose: &str, name: &str) -> ChaCha8Rng {
    generator_of_bytes(purpose, name.as_bytes())
}

/// As [`generator_of`], for a picture without a name: it is identified by its pixels.
fn generator_of_bytes(purpose: &str, picture: &[u8]) -> ChaCha8Rng {
    let seed = |of: &[u8]| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&Sha256::of(of).0[..8]);
        u64::from_le_bytes(bytes)
    };
    generator(seed(picture), 0, seed(purpose.as_bytes()) as usize)
}
