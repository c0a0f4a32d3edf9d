//! The settings of random changes of training pictures, see [`crate::augment`].

use serde::{Deserialize, Serialize};

/// Random changes of every training picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Mirror half of the pictures.
    pub flip: bool,
    /// Largest turn either way, degrees.
    pub rotate_degrees: f32,
    /// Largest change of size either way, fraction.
    pub scale: f32,
    /// Largest shift either way, fraction of the side.
    pub shift: f32,
    /// What lies beyond the border.
    #[serde(default)]
    pub border: Border,
    /// Largest change of brightness either way, fraction of full scale.
    pub brightness: f32,
    /// Largest change of contrast either way, fraction.
    pub contrast: f32,
    /// Probability of erasing one random box (Zhong et al. 2017).
    pub erase: f32,
    /// Alpha of mixup's beta distribution (Zhang et al. 2018); 0 mixes nothing.
    #[serde(default)]
    pub mixup: f32,
    /// How a share of the pictures is seen by a camera, beside these changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
}

/// What lies beyond a picture's border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// The border's pixels, repeated.
    #[default]
    Nearest,
    /// The picture, mirrored.
    Reflect,
    /// Black.
    Black,
}

/// Pictures as a badge's camera sees faces: covered, turned, cut by landmarks, badly lit, blurred, small. Teachers see the
/// pictures as they are. Everything but `share` is the probability of one change of a picture that the camera sees,
/// `0..=1`, unless it says otherwise; strengths are in [`crate::camera`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Share of the pictures that are seen so, `0..=1`.
    pub share: f32,
    /// Cut as the badge cuts, by the landmarks where they are known.
    pub aligned: f32,
    /// Turned by up to `turn_degrees`.
    pub turned: f32,
    /// Largest turn either way, degrees.
    pub turn_degrees: f32,
    /// Largest change of width to height either way, as a logarithm.
    pub aspect: f32,
    /// A mask over mouth and nose.
    pub mask: f32,
    /// Sunglasses.
    pub sunglasses: f32,
    /// A hand before mouth and chin.
    pub hand: f32,
    /// One half covered.
    pub half_covered: f32,
    /// Something oval before any part of the face.
    pub patch: f32,
    /// Light from one side.
    pub side_light: f32,
    /// Brightened or darkened by a curve.
    pub gamma: f32,
    /// Little light, with the noise of a sensor.
    pub dark: f32,
    /// Little contrast.
    pub flat: f32,
    /// Motion blur.
    pub motion: f32,
    /// Defocus.
    pub defocus: f32,
    /// Few pixels, enlarged.
    pub small: f32,
    /// Noise in good light.
    pub noise: f32,
    /// JPEG's blocks.
    pub jpeg: f32,
}

impl Augment {
    /// Every number with its least and greatest value.
    pub(super) fn numbers(&self) -> Vec<(&'static str, f64, f64, f64)> {
        let mut numbers = vec![
            ("augment.rotate_degrees", self.rotate_degrees.into(), 0.0, 180.0),
            ("augment.scale", self.scale.into(), 0.0, 0.9),
            ("augment.shift", self.shift.into(), 0.0, 0.5),
            ("augment.brightness", self.brightness.into(), 0.0, 1.0),
            ("augment.contrast", self.contrast.into(), 0.0, 1.0),
            ("augment.erase", self.erase.into(), 0.0, 1.0),
            ("augment.mixup", self.mixup.into(), 0.0, 10.0),
        ];
        if let Some(camera) = &self.camera {
            numbers.push(("augment.camera.turn_degrees", camera.turn_degrees.into(), 0.0, 180.0));
            numbers.push(("augment.camera.aspect", camera.aspect.into(), 0.0, 1.0));
            let shares = [
                ("augment.camera.share", camera.share),
                ("augment.camera.aligned", camera.aligned),
                ("augment.camera.turned", camera.turned),
                ("augment.camera.mask", camera.mask),
                ("augment.camera.sunglasses", camera.sunglasses),
                ("augment.camera.hand", camera.hand),
                ("augment.camera.half_covered", camera.half_covered),
                ("augment.camera.patch", camera.patch),
                ("augment.camera.side_light", camera.side_light),
                ("augment.camera.gamma", camera.gamma),
                ("augment.camera.dark", camera.dark),
                ("augment.camera.flat", camera.flat),
                ("augment.camera.motion", camera.motion),
                ("augment.camera.defocus", camera.defocus),
                ("augment.camera.small", camera.small),
                ("augment.camera.noise", camera.noise),
                ("augment.camera.jpeg", camera.jpeg),
            ];
            numbers.extend(shares.map(|(name, value)| (name, value.into(), 0.0, 1.0)));
        }
        numbers
    }
}
