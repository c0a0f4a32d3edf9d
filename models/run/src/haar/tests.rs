use emocue_models::bundle::haar::{HaarFeature, HaarNode, HaarRect, HaarStage, HaarTree};

use super::*;

/// A cascade that tests whether the upper half of a window is darker than the lower by `threshold`.
fn halves(threshold: f32) -> Vec<u8> {
    let rect = |height, weight| HaarRect { x: 0, y: 0, width: 24, height, weight };
    let node = HaarNode { feature: 0, threshold, left: 0, right: -1 };
    let tree = HaarTree { nodes: vec![node], leaves: vec![1.0, -1.0] };
    let cascade = HaarCascade {
        width: 24,
        height: 24,
        features: vec![HaarFeature { tilted: false, rects: vec![rect(24, -1.0), rect(12, 2.0)] }],
        stages: vec![HaarStage { threshold: 0.0, trees: vec![tree] }],
    };
    cascade.to_bytes().unwrap()
}

/// Grey with a square at `(40, 30)` whose lower half is bright.
fn picture() -> Luma {
    let pixel = |x: usize, y: usize| match (x, y) {
        (40..80, 30..50) => 20,
        (40..80, 50..70) => 220,
        _ => 120,
    };
    let pixels = (0..100).flat_map(|y| (0..120).map(move |x| pixel(x, y))).collect();
    Luma::from_raw(120, 100, pixels).unwrap()
}

#[test]
fn what_the_cascade_asks_for_is_found() {
    let mut haar = Haar::load(&halves(-0.9), HaarSettings::default()).unwrap();
    let mut faces = Vec::new();
    for _ in 0..2 {
        haar.detect(&picture(), &mut faces).unwrap();
        assert_eq!(faces.len(), 1, "{faces:?}");
        assert!(faces[0].rect.iou(&Rect::new(40.0, 30.0, 40.0, 40.0)) > 0.6, "{faces:?}");
        assert!((0.5..1.0).contains(&faces[0].score) && faces[0].landmarks.is_none());
    }
    haar.detect(&Luma::new(320, 240), &mut faces).unwrap();
    assert_eq!(faces, [], "a picture without contrast has no face");
}

#[test]
fn frames_of_any_size_are_searched() {
    let mut haar = Haar::load(&halves(-0.9), HaarSettings::default()).unwrap();
    let rect = Rect::new(0.0, 0.0, 1.0, 1.0);
    let mut faces = vec![Face { rect, score: 1.0, landmarks: None }];
    for (width, height) in [(0, 0), (1, 1), (640, 1), (23, 480), (24, 24), (30, 30), (31, 500)] {
        haar.detect(&Luma::new(width, height), &mut faces).unwrap();
        assert_eq!(faces, []);
    }
}

#[test]
fn a_cascade_that_accepts_everything_ends_in_an_error() {
    let mut haar = Haar::load(&halves(9.0), HaarSettings::default()).unwrap();
    let noise = (0..800 * 600).map(|i: usize| (i * i / 7 % 251) as u8).collect();
    let frame = Luma::from_raw(800, 600, noise).unwrap();
    let error = haar.detect(&frame, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("windows pass the cascade"), "{error}");
}

#[test]
fn impossible_settings_and_cascades_are_refused() {
    let usual = HaarSettings::default();
    let refused = |bytes: &[u8], settings| Haar::load(bytes, settings).err().unwrap().to_string();
    let bytes = halves(0.0);
    assert!(refused(&bytes, HaarSettings { scale: 1.0, ..usual }).contains("scale"));
    assert!(refused(&bytes, HaarSettings { min_face: f32::NAN, ..usual }).contains("min_face"));
    assert!(refused(b"ONNX", usual).contains("not a Haar cascade"));
    assert!(refused(&bytes[..20], usual).contains("damaged"));
}
