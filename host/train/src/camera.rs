//! Augmentation with the effects of a camera and a detector: the conditions under which classifiers are evaluated, with
//! wider ranges.

use emocue_data::degrade::{Change, SensorNoise};
use emocue_data::faces::MarkedFace;
use emocue_models::crop::Preprocess;
use emocue_models::luma::Luma;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::augment::Seen;
pub use crate::recipe::augment::Camera;

/// The picture side, px, to which lengths here refer; they scale with the side.
const SIDE: f32 = 48.0;

/// The picture with occlusions drawn on its face; `None` without an occlusion.
pub fn cover(by: &Camera, rng: &mut ChaCha8Rng, seen: Seen<'_>) -> Option<Vec<u8>> {
    let mut changes = Vec::new();
    let [mask, hand, half, sunglasses] =
        [by.mask, by.hand, by.half_covered, by.sunglasses].map(|share| happens(share, rng));
    // At most one occlusion of the lower face.
    if mask {
        changes.push(Change::Mask { grey: rng.random_range(20..=245) });
    } else if hand {
        changes.push(Change::Hand { left: rng.random(), grey: rng.random_range(50..=220) });
    } else if half {
        changes.push(Change::HalfCovered {
            left: rng.random(),
            grey: rng.random_range(20..=230),
            texture: rng.random_range(0..=40),
        });
    }
    if happens(by.patch, rng) {
        changes.push(Change::Patch {
            across: rng.random_range(-0.8..=0.8),
            down: rng.random_range(-0.3..=1.4),
            half_width: rng.random_range(0.2..=0.8),
            half_height: rng.random_range(0.15..=0.5),
            grey: rng.random_range(10..=245),
            texture: rng.random_range(0..=40),
        });
    }
    if sunglasses {
        changes.push(Change::Sunglasses { grey: rng.random_range(0..=90) });
    }
    if changes.is_empty() {
        return None;
    }
    let side = seen.picture.len().isqrt();
    let face = Preprocess::of_size(side).canonical_face();
    let landmarks = seen.landmarks.or(face.landmarks);
    let face = MarkedFace { rect: face.rect, landmarks, ..MarkedFace::default() };
    let luma = Luma::from_raw(side, side, seen.picture.to_vec()).ok()?;
    Some(changed(luma, &changes, &face, rng).pixels().to_vec())
}

/// Applies a camera's light, lens and sensor effects to the square picture in `target`, in the order of a camera.
pub fn expose(by: &Camera, rng: &mut ChaCha8Rng, target: &mut [u8]) {
    let side = target.len().isqrt();
    let face = Preprocess::of_size(side).canonical_face();
    let face = MarkedFace { rect: face.rect, landmarks: face.landmarks, ..MarkedFace::default() };
    let changes = exposure(by, rng, side as f32 / SIDE);
    if changes.is_empty() {
        return;
    }
    if let Ok(luma) = Luma::from_raw(side, side, target.to_vec()) {
        target.copy_from_slice(changed(luma, &changes, &face, rng).pixels());
    }
}

fn happens(share: f32, rng: &mut ChaCha8Rng) -> bool {
    rng.random::<f32>() < share
}

fn changed(luma: Luma, changes: &[Change], face: &MarkedFace, rng: &mut ChaCha8Rng) -> Luma {
    changes.iter().fold(luma, |luma, change| change.apply(luma, vec![face.clone()], rng).0)
}

/// The changes of [`expose`]; `unit` is the picture's side divided by [`SIDE`].
fn exposure(by: &Camera, rng: &mut ChaCha8Rng, unit: f32) -> Vec<Change> {
    let mut changes = Vec::new();
    // Log-uniform, as light and sizes are perceived as ratios.
    let between = |rng: &mut ChaCha8Rng, low: f32, high: f32| {
        (low.ln() + rng.random::<f32>() * (high / low).ln()).exp()
    };
    if happens(by.side_light, rng) {
        changes.push(Change::SideLight {
            degrees: rng.random_range(0.0..360.0),
            shadow: between(rng, 0.02, 0.6),
        });
    }
    if happens(by.gamma, rng) {
        changes.push(Change::Gamma { gamma: between(rng, 0.3, 4.5) });
    }
    if happens(by.small, rng) {
        changes.push(Change::Reduced { factor: unit * between(rng, 1.3, 4.0) });
    }
    if happens(by.motion, rng) {
        let length = unit * rng.random_range(2.0..=8.0);
        changes.push(Change::Motion { length, degrees: rng.random_range(0.0..=180.0) });
    }
    if happens(by.defocus, rng) {
        changes.push(Change::Defocus { sigma: unit * rng.random_range(0.5..=2.5) });
    }
    if happens(by.dark, rng) {
        let noise = SensorNoise {
            shot: SensorNoise::SMALL.shot * between(rng, 0.3, 8.0),
            read: SensorNoise::SMALL.read * between(rng, 0.3, 5.0),
        };
        changes.push(Change::Dark { gain: between(rng, 0.04, 0.5), noise });
    } else if happens(by.flat, rng) {
        let gain = between(rng, 0.1, 0.7);
        changes.push(Change::LowContrast { gain, level: rng.random_range(40.0..=210.0) });
    } else if happens(by.noise, rng) {
        changes.push(Change::Noise { deviation: between(rng, 2.0, 20.0) });
    }
    if happens(by.jpeg, rng) {
        changes.push(Change::Jpeg { quality: rng.random_range(15..=85) });
    }
    changes
}

#[cfg(test)]
pub(crate) mod tests {
    use emocue_data::degrade::drawn_face;
    use emocue_data::random::generator;

    use super::*;

    pub(crate) const NEVER: Camera = Camera {
        share: 1.0,
        aligned: 0.0,
        turned: 0.0,
        turn_degrees: 45.0,
        aspect: 0.0,
        mask: 0.0,
        sunglasses: 0.0,
        hand: 0.0,
        half_covered: 0.0,
        patch: 0.0,
        side_light: 0.0,
        gamma: 0.0,
        dark: 0.0,
        flat: 0.0,
        motion: 0.0,
        defocus: 0.0,
        small: 0.0,
        noise: 0.0,
        jpeg: 0.0,
    };

    fn face() -> Vec<u8> {
        drawn_face(48).pixels().to_vec()
    }

    fn covered(by: &Camera, row: usize) -> Option<Vec<u8>> {
        cover(by, &mut generator(1, 2, row), Seen { picture: &face(), landmarks: None })
    }

    fn exposed(by: &Camera, row: usize) -> Vec<u8> {
        let mut target = face();
        expose(by, &mut generator(1, 2, row), &mut target);
        target
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        assert_eq!((covered(&NEVER, 0), exposed(&NEVER, 0)), (None, face()));
    }

    #[test]
    fn a_mask_hides_the_mouth_and_sunglasses_the_eyes() {
        let differs = |picture: &[u8], y: usize| {
            (0..48).filter(|x| picture[y * 48 + x] != face()[y * 48 + x]).count()
        };
        let mask = covered(&Camera { mask: 1.0, ..NEVER }, 3).unwrap();
        assert!(differs(&mask, 38) > 15 && differs(&mask, 18) == 0);
        let glasses = covered(&Camera { sunglasses: 1.0, ..NEVER }, 3).unwrap();
        assert!(differs(&glasses, 18) > 10 && differs(&glasses, 38) == 0);
    }

    #[test]
    fn every_exposure_changes_a_face_the_same_way_each_time() {
        let always = [
            Camera { side_light: 1.0, ..NEVER },
            Camera { gamma: 1.0, ..NEVER },
            Camera { dark: 1.0, ..NEVER },
            Camera { flat: 1.0, ..NEVER },
            Camera { motion: 1.0, ..NEVER },
            Camera { defocus: 1.0, ..NEVER },
            Camera { small: 1.0, ..NEVER },
            Camera { noise: 1.0, ..NEVER },
            Camera { jpeg: 1.0, ..NEVER },
        ];
        for by in &always {
            assert_ne!(exposed(by, 5), face(), "{by:?}");
            assert_eq!(exposed(by, 5), exposed(by, 5), "{by:?}");
            assert_ne!(exposed(by, 5), exposed(by, 6), "{by:?}");
        }
    }
}
