//! The settings of augmentation, see [`crate::augment`].

use serde::{Deserialize, Serialize};

/// Augmentation of every training picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Whether half of the pictures are mirrored.
    pub flip: bool,
    /// Largest rotation in either direction, degrees.
    pub rotate_degrees: f32,
    /// Largest change of size in either direction, fraction.
    pub scale: f32,
    /// Largest shift in either direction, fraction of the side.
    pub shift: f32,
    /// The values outside the picture.
    #[serde(default)]
    pub border: Border,
    /// Largest change of brightness in either direction, fraction of full scale.
    pub brightness: f32,
    /// Largest change of contrast in either direction, fraction.
    pub contrast: f32,
    /// Probability of random erasing of one box, `0..=1` (Zhong et al. 2017).
    pub erase: f32,
    /// Alpha of mixup's beta distribution (Zhang et al. 2018); 0 disables mixup.
    #[serde(default)]
    pub mixup: f32,
    /// Camera effects on a share of the pictures, besides these changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
}

/// The values outside a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// The border pixels are repeated.
    #[default]
    Nearest,
    /// The picture is mirrored at its border.
    Reflect,
    /// Black.
    Black,
}

/// Camera effects: faces that are occluded, rotated, cropped by landmarks, badly lit, blurred or small. Teachers get
/// the pictures without them. Every field but `share` is the probability of one effect in a picture of that share,
/// `0..=1`, unless it says otherwise; strengths are in [`crate::camera`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Share of the pictures with camera effects, `0..=1`.
    pub share: f32,
    /// Cropped as on the badge, by the landmarks if they are known.
    pub aligned: f32,
    /// Rotated by up to `turn_degrees`.
    pub turned: f32,
    /// Largest rotation in either direction, degrees.
    pub turn_degrees: f32,
    /// Largest change of the aspect ratio in either direction, as a natural logarithm; not a probability.
    pub aspect: f32,
    /// A mask over mouth and nose.
    pub mask: f32,
    /// Sunglasses.
    pub sunglasses: f32,
    /// A hand over mouth and chin.
    pub hand: f32,
    /// One half occluded.
    pub half_covered: f32,
    /// An elliptical occlusion of any part of the face.
    pub patch: f32,
    /// Light from one side.
    pub side_light: f32,
    /// Brightened or darkened by a gamma curve.
    pub gamma: f32,
    /// Low light, with sensor noise.
    pub dark: f32,
    /// Low contrast.
    pub flat: f32,
    /// Motion blur.
    pub motion: f32,
    /// Defocus.
    pub defocus: f32,
    /// Low resolution: reduced and enlarged again.
    pub small: f32,
    /// Sensor noise in good light.
    pub noise: f32,
    /// JPEG compression.
    pub jpeg: f32,
}

impl Augment {
    /// Every number with its smallest and largest value.
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
