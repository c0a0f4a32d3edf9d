//! Fixed lists of conditions for the evaluation of detectors and classifiers.

use emocue_models::crop::Preprocess;
use emocue_models::luma::Luma;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Change, SensorNoise, generator_of, generator_of_bytes};
use crate::SIDE;
use crate::faces::MarkedFace;

/// A condition under which detectors or classifiers are evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// Its name in tables.
    pub name: &'static str,
    /// A phrase that continues a sentence.
    pub about: &'static str,
    /// The changes, in order; mirrored for half of the pictures. In [`ROW_CONDITIONS`] lengths are for a row of 48 px.
    pub changes: &'static [Change],
}

const MASK: Change = Change::Mask { grey: 190 };
const SUNGLASSES: Change = Change::Sunglasses { grey: 24 };
const fn dark(gain: f32) -> Change {
    Change::Dark { gain, noise: SensorNoise::SMALL }
}
/// Low light on a row, whose pixels are those of a small sensor with about 3 electrons per grey level: noisier than
/// [`SensorNoise::SMALL`].
const fn dark_row(gain: f32) -> Change {
    Change::Dark { gain, noise: SensorNoise { shot: 0.3, read: 2.5 } }
}

/// The conditions of detectors, for frames of 640x480 px. They must not change, since published figures were measured
/// with them.
pub const PROTOCOL: [Condition; 14] = [
    Condition {
        name: "roll 15",
        about: "tilted by 15 degrees",
        changes: &[Change::Roll { degrees: 15.0 }],
    },
    Condition {
        name: "roll 30",
        about: "tilted by 30 degrees",
        changes: &[Change::Roll { degrees: 30.0 }],
    },
    Condition {
        name: "roll 45",
        about: "tilted by 45 degrees",
        changes: &[Change::Roll { degrees: 45.0 }],
    },
    Condition {
        name: "roll 60",
        about: "tilted by 60 degrees",
        changes: &[Change::Roll { degrees: 60.0 }],
    },
    Condition { name: "mask", about: "with a medical mask", changes: &[MASK] },
    Condition { name: "sunglasses", about: "with sunglasses", changes: &[SUNGLASSES] },
    Condition {
        name: "mask and sunglasses",
        about: "with a medical mask and sunglasses",
        changes: &[MASK, SUNGLASSES],
    },
    Condition {
        name: "half covered",
        about: "with one half covered",
        changes: &[Change::HalfCovered { left: true, grey: 110, texture: 14 }],
    },
    Condition { name: "light x0.12", about: "in an eighth of the light", changes: &[dark(0.12)] },
    Condition { name: "light x0.05", about: "in a twentieth of the light", changes: &[dark(0.05)] },
    Condition {
        name: "contrast 0.08",
        about: "with little contrast",
        changes: &[Change::LowContrast { gain: 0.08, level: 118.0 }],
    },
    Condition {
        name: "motion",
        about: "moved while it was taken",
        changes: &[Change::Motion { length: 11.0, degrees: 20.0 }],
    },
    Condition {
        name: "defocus",
        about: "out of focus",
        changes: &[Change::Defocus { sigma: 3.0 }],
    },
    Condition {
        name: "backlight",
        about: "against the light",
        changes: &[Change::Backlight { person: 0.2, behind: 0.3 }],
    },
];

/// The conditions of classifiers, for rows that one face fills. They must not change, since published figures were
/// measured with them. `docs/recognition.md` describes each.
pub const ROW_CONDITIONS: [Condition; 16] = [
    Condition { name: "light x0.3", about: "in a third of the light", changes: &[dark_row(0.3)] },
    Condition { name: "light x0.1", about: "in a tenth of the light", changes: &[dark_row(0.1)] },
    Condition { name: "gamma", about: "in dim light", changes: &[Change::Gamma { gamma: 4.0 }] },
    Condition {
        name: "side light",
        about: "in light from one side",
        changes: &[Change::SideLight { degrees: 0.0, shadow: 0.03 }],
    },
    Condition {
        name: "blur 1.5",
        about: "out of focus",
        changes: &[Change::Defocus { sigma: 1.5 }],
    },
    Condition {
        name: "blur 2",
        about: "far out of focus",
        changes: &[Change::Defocus { sigma: 2.0 }],
    },
    Condition {
        name: "24 px",
        about: "small, 24 px wide",
        changes: &[Change::Reduced { factor: 2.0 }],
    },
    Condition {
        name: "16 px",
        about: "very small, 16 px wide",
        changes: &[Change::Reduced { factor: 3.0 }],
    },
    Condition {
        name: "noise",
        about: "with a noisy sensor",
        changes: &[Change::Noise { deviation: 20.0 }],
    },
    Condition {
        name: "jpeg",
        about: "strongly compressed",
        changes: &[Change::Jpeg { quality: 9 }],
    },
    Condition {
        name: "roll 15",
        about: "tilted by 15 degrees",
        changes: &[Change::Roll { degrees: 15.0 }],
    },
    Condition {
        name: "roll 30",
        about: "tilted by 30 degrees",
        changes: &[Change::Roll { degrees: 30.0 }],
    },
    Condition {
        name: "roll 45",
        about: "tilted by 45 degrees",
        changes: &[Change::Roll { degrees: 45.0 }],
    },
    Condition { name: "mask", about: "with a medical mask", changes: &[MASK] },
    Condition { name: "sunglasses", about: "with sunglasses", changes: &[SUNGLASSES] },
    Condition {
        name: "hand",
        about: "with a hand before the mouth",
        changes: &[Change::Hand { left: true, grey: 150 }],
    },
];

/// The face of a row of `side` px that one face fills: its box and landmarks are those of the classifier's
/// preprocessing.
pub fn face_of_row(side: usize) -> MarkedFace {
    let face = Preprocess::of_size(side).canonical_face();
    MarkedFace { rect: face.rect, landmarks: face.landmarks, ..MarkedFace::default() }
}

impl Condition {
    /// The condition of [`ROW_CONDITIONS`] with this name.
    pub fn of_row(name: &str) -> Option<&'static Self> {
        ROW_CONDITIONS.iter().find(|condition| condition.name == name)
    }

    /// Whether the condition moves faces.
    pub fn turns(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Roll { .. }))
    }

    /// Applies the condition to the picture called `name`. The result depends on the picture, its name and the
    /// condition only.
    pub fn apply(
        &self,
        name: &str,
        picture: Luma,
        faces: Vec<MarkedFace>,
    ) -> (Luma, Vec<MarkedFace>) {
        self.applied(picture, faces, 1.0, generator_of(self.name, name))
    }

    /// Applies a condition of [`ROW_CONDITIONS`] to a square row that one face fills. The result depends on the pixels
    /// and the condition only.
    pub fn apply_to_row(&self, row: Luma) -> Luma {
        let (side, rng) = (row.width(), generator_of_bytes(self.name, row.pixels()));
        self.applied(row, vec![face_of_row(side)], side as f32 / SIDE as f32, rng).0
    }

    fn applied(
        &self,
        picture: Luma,
        faces: Vec<MarkedFace>,
        scale: f32,
        mut rng: ChaCha8Rng,
    ) -> (Luma, Vec<MarkedFace>) {
        let mirrored = rng.random_bool(0.5);
        self.changes.iter().fold((picture, faces), |(picture, faces), change| {
            let change = if mirrored { change.mirrored() } else { *change };
            change.scaled(scale).apply(picture, faces, &mut rng)
        })
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Rect;

    use super::super::drawn_face;
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

    /// The hash of all pictures of an iterator.
    #[cfg(target_os = "linux")]
    fn hash(pictures: impl Iterator<Item = Luma>) -> String {
        let bytes: Vec<u8> = pictures.flat_map(|picture| picture.pixels().to_vec()).collect();
        emocue_models::bundle::Sha256::of(&bytes).to_string()
    }

    /// On one platform only, since rounding of powers and sines differs between platforms. Published figures depend on
    /// these pictures.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_lists_do_not_change() {
        let frames = PROTOCOL.iter().map(|condition| {
            let face = face_of_row(96);
            condition.apply("a.png", drawn_face(96), vec![face]).0
        });
        assert_eq!(
            hash(frames),
            "a714d3f722e4f01bffdc62aacf1adeaffb296245e06b19384bf1ad0901fbdc87"
        );
        let rows = ROW_CONDITIONS.iter().map(|condition| condition.apply_to_row(drawn_face(48)));
        assert_eq!(hash(rows), "ee995bfdca69f0f762a8edbe654cb9090e9a8bab493e7fedc5dfadb65d61abda");
    }

    #[test]
    fn every_condition_changes_a_row_the_same_way_each_time() {
        for side in [48, 96] {
            for condition in ROW_CONDITIONS {
                let changed = condition.apply_to_row(drawn_face(side));
                let pairs = changed.pixels().iter().zip(drawn_face(side).pixels().to_vec());
                let difference: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(b))).sum();
                // A mean difference of more than half a grey level.
                assert!(difference > (side * side) as u64 / 2, "{} {side}", condition.name);
                assert_eq!((changed.width(), changed.height()), (side, side));
                assert_eq!(condition.apply_to_row(drawn_face(side)), changed, "{}", condition.name);
                assert_eq!(Condition::of_row(condition.name), Some(&condition));
            }
        }
    }

    #[test]
    fn a_large_row_is_changed_as_a_small_one() {
        // Conditions without noise, JPEG blocks and sides.
        for name in ["gamma", "blur 1.5", "blur 2", "24 px", "16 px", "mask", "sunglasses"] {
            let condition = Condition::of_row(name).unwrap();
            let mut large = Luma::default();
            condition.apply_to_row(drawn_face(192)).reduce(4, &mut large);
            let small = condition.apply_to_row(drawn_face(48));
            let pairs = small.pixels().iter().zip(large.pixels());
            let difference: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(difference < 2 * 48 * 48, "{name}: {}", difference / (48 * 48));
        }
    }

    #[test]
    fn rows_of_every_kind_can_be_changed() {
        for side in [0, 1, 8, 48] {
            for grey in [0, 255] {
                let row = Luma::from_raw(side, side, vec![grey; side * side]).unwrap();
                for condition in ROW_CONDITIONS {
                    let changed = condition.apply_to_row(row.clone());
                    assert_eq!((changed.width(), changed.height()), (side, side));
                }
            }
        }
    }

    #[test]
    fn what_covers_a_face_covers_the_part_that_it_is_named_for() {
        let landmarks = face_of_row(48).landmarks.unwrap();
        for (name, expected) in [
            ("mask", [false, false, true, true, true]),
            ("hand", [false, false, false, true, true]),
            ("sunglasses", [true, true, false, false, false]),
        ] {
            // A grey that no occlusion has.
            let row = Luma::from_raw(48, 48, vec![90; 48 * 48]).unwrap();
            let changed = Condition::of_row(name).unwrap().apply_to_row(row);
            let hidden = |x: f32, y: f32| changed.at_clamped(x as isize, y as isize) != 90;
            assert_eq!(landmarks.points().map(|p| hidden(p.x, p.y)), expected, "{name}");
            // The whole mouth, or both eyes.
            let parts: Vec<(f32, f32)> = match name {
                "sunglasses" => (11..=19).chain(29..=37).map(|x| (x as f32, 18.5)).collect(),
                _ => (16..=32).flat_map(|x| [36, 38, 40].map(|y| (x as f32, y as f32))).collect(),
            };
            assert!(parts.into_iter().all(|(x, y)| hidden(x, y)), "{name}");
        }
    }
}
