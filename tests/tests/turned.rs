//! A rotated head in front of the badge with its default bundle is found soon, tracked, and aligned upright in its
//! crop.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use emocue_data::degrade::{Change, generator_of};
use emocue_device::camera::FrameInfo;
use emocue_device::vision::Vision;
use emocue_models::bundle::{Bundle, DEFAULT};
use emocue_models::luma::Luma;
use emocue_models::picture::{self, Rules};
use emocue_run::portraits::PORTRAITS;
use emocue_run::{Networks, turns};

/// The portraits in the middle of a frame, rotated by `degrees`.
fn turned(degrees: f32) -> impl Iterator<Item = Luma> {
    PORTRAITS.iter().map(move |portrait| {
        let frame = picture::decode(portrait.jpeg, &Rules::BADGE).unwrap();
        let rng = &mut generator_of("turned", portrait.file);
        Change::Roll { degrees }.apply(frame, Vec::new(), rng).0
    })
}

fn networks() -> Networks {
    Networks::from_bundle(&Bundle::read(DEFAULT).unwrap(), None).unwrap()
}

/// Duration of a round, ms: searches without a face are 0.2 s apart, and a round has four.
const ROUND_MS: u64 = 800;

#[test]
fn a_turned_portrait_is_found_within_a_round_and_stays() {
    for degrees in [0.0, 30.0, 45.0, -45.0, 60.0, -60.0] {
        for frame in turned(degrees) {
            let Networks { detector, classifier } = networks();
            let mut vision = Vision::new(detector, Box::new(classifier), 0.5).unwrap();
            let mut found = Vec::new();
            for time in (0..4000).step_by(100) {
                let info = FrameInfo {
                    source: "turned".into(),
                    time_ms: Some(time),
                    ..Default::default()
                };
                let report = vision.look(&frame, &info).unwrap();
                let faces = report.faces.iter().map(|it| (it.track, it.face.roll()));
                found.push((time, faces.collect::<Vec<_>>()));
            }
            let first = found.iter().position(|(_, faces)| !faces.is_empty());
            let first = first.unwrap_or_else(|| panic!("nobody is found at {degrees} degrees"));
            assert!(found[first].0 <= ROUND_MS, "{degrees}: after {} ms", found[first].0);
            for (time, faces) in &found[first..] {
                let [(Some(0), roll)] = faces[..] else {
                    panic!("{degrees} degrees, after {time} ms: {faces:?}")
                };
                // The rotation from an upright search is less accurate than that from tracking.
                let is_settled = *time >= found[first].0 + 1000;
                let is_off = is_settled && (roll - degrees).abs() > 20.0;
                assert!(!is_off, "{degrees}: {roll} after {time} ms");
            }
        }
    }
}

#[test]
fn a_round_over_a_still_picture_finds_one_face_however_it_is_turned() {
    let (mut detector, mut faces) = (networks().detector, Vec::new());
    for degrees in [0.0, 30.0, -45.0, 60.0] {
        for frame in turned(degrees) {
            turns::round(detector.as_mut(), &frame, 0.7, &mut faces).unwrap();
            assert_eq!(faces.len(), 1, "{degrees}: {faces:?}");
        }
    }
    // An upright face is already known when a rotated search finds it too, and its position does not change.
    for frame in turned(0.0) {
        turns::round(detector.as_mut(), &frame, 0.7, &mut faces).unwrap();
        let round = faces.clone();
        detector.detect(&frame, &mut faces).unwrap();
        let places = [&faces, &round].map(|it| (it.len(), it[0].rect, it[0].landmarks));
        assert_eq!(places[0], places[1]);
    }
}
