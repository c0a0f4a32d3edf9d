//! Disturbances of a training frame. They are the conditions under which detectors are evaluated, with wider ranges.

use emocue_data::degrade::{Change, SensorNoise};
use emocue_data::faces::MarkedFace;
use emocue_models::geometry::Face;
use emocue_models::luma::Luma;
use emocue_run::stretch::Stretch;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::recipe::Disturb;
use super::scene::Scene;
use super::{HEIGHT, WIDTH};

/// A pixel enters the network as `(pixel / 255 - MEAN) / STD`.
pub const MEAN: f32 = 0.5;
/// See [`MEAN`].
pub const STD: f32 = 0.25;

/// The network's input for black.
pub const BLACK: f32 = -MEAN / STD;

/// Disturbs `scene` with the probabilities of `settings`: each face by itself, then the frame in the order of a camera.
pub fn disturb(settings: &Disturb, rng: &mut ChaCha8Rng, scene: &mut Scene) {
    let Ok(mut frame) = Luma::from_raw(WIDTH, HEIGHT, std::mem::take(&mut scene.frame)) else {
        return;
    };
    for face in &scene.faces {
        for change in on_face(settings, rng) {
            (frame, _) = change.apply(frame, vec![marked(face)], rng);
        }
    }
    for change in on_frame(settings, rng) {
        let faces = match change {
            Change::Backlight { .. } => scene.faces.iter().map(marked).collect(),
            _ => Vec::new(),
        };
        (frame, _) = change.apply(frame, faces, rng);
    }
    scene.frame = frame.pixels().to_vec();
}

/// Appends a frame to a network's input as the badge does: contrast-stretched, then normalised.
pub fn input(frame: &[u8], input: &mut Vec<f32>) {
    let from = input.len();
    input.extend(frame.iter().map(|pixel| f32::from(*pixel)));
    let values = &mut input[from..];
    Stretch::of(values).apply(values);
    values.iter_mut().for_each(|value| *value = (*value / 255.0 - MEAN) / STD);
}

fn marked(face: &Face) -> MarkedFace {
    MarkedFace { rect: face.rect, landmarks: face.landmarks, ..MarkedFace::default() }
}

fn on_face(settings: &Disturb, rng: &mut ChaCha8Rng) -> Vec<Change> {
    let mut changes = Vec::new();
    let happens = |share: f32, rng: &mut ChaCha8Rng| rng.random::<f32>() < share;
    // A mask raises the probability of sunglasses.
    let masked = happens(settings.mask, rng);
    if masked {
        changes.push(Change::Mask { grey: rng.random_range(20..=245) });
    }
    let share = if masked { settings.sunglasses.max(0.35) } else { settings.sunglasses };
    if happens(share.min(settings.sunglasses * 5.0), rng) {
        changes.push(Change::Sunglasses { grey: rng.random_range(0..=90) });
    }
    if !masked && happens(settings.half_covered, rng) {
        changes.push(Change::HalfCovered {
            left: rng.random(),
            grey: rng.random_range(20..=230),
            texture: rng.random_range(0..=40),
        });
    }
    changes
}

fn on_frame(settings: &Disturb, rng: &mut ChaCha8Rng) -> Vec<Change> {
    let mut changes = Vec::new();
    let between = |rng: &mut ChaCha8Rng, low: f32, high: f32| {
        (low.ln() + rng.random::<f32>() * (high / low).ln()).exp()
    };
    if rng.random::<f32>() < settings.backlight {
        let person = between(rng, 0.1, 0.6);
        changes.push(Change::Backlight { person, behind: rng.random_range(0.2..=0.8) });
    }
    if rng.random::<f32>() < settings.motion {
        let length = rng.random_range(2.0..=8.0);
        changes.push(Change::Motion { length, degrees: rng.random_range(0.0..=180.0) });
    }
    if rng.random::<f32>() < settings.defocus {
        changes.push(Change::Defocus { sigma: rng.random_range(0.5..=2.0) });
    }
    if rng.random::<f32>() < settings.dark {
        let noise = SensorNoise {
            shot: SensorNoise::SMALL.shot * between(rng, 0.3, 2.0),
            read: SensorNoise::SMALL.read * between(rng, 0.3, 2.0),
        };
        changes.push(Change::Dark { gain: between(rng, 0.025, 0.5), noise });
    } else if rng.random::<f32>() < settings.flat {
        let gain = between(rng, 0.05, 0.7);
        changes.push(Change::LowContrast { gain, level: rng.random_range(40.0..=210.0) });
    }
    if rng.random::<f32>() < settings.jpeg {
        changes.push(Change::Jpeg { quality: rng.random_range(25..=90) });
    }
    changes
}
