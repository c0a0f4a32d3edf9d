//! Haar cascades, as bundles carry them.

use emocue_models::bundle::haar::{
    HaarCascade, HaarFeature, HaarNode, HaarRect, HaarStage, HaarTree, MAGIC,
};
use emocue_models::failure::{self, Failure as _};
use emocue_models::luma::Luma;
use emocue_run::Detector as _;
use emocue_run::haar::{Haar, HaarSettings};

use crate::FuzzTarget;

/// A cascade's file after its first bytes.
pub const HAAR: FuzzTarget = FuzzTarget {
    name: "haar",
    what: "a Haar cascade: what is read is written again to the same, and searches a picture",
    run,
    seeds: || [false, true].map(seed).to_vec(),
};

fn seed(tilted: bool) -> Vec<u8> {
    let rect = |height, weight| HaarRect { x: 8, y: 0, width: 8, height, weight };
    let node = |left, right| HaarNode { feature: 0, threshold: 0.1, left, right };
    let tree = HaarTree { nodes: vec![node(1, 0), node(-1, -2)], leaves: vec![-1.0, 1.0, 0.5] };
    let cascade = HaarCascade {
        width: 24,
        height: 16,
        features: vec![HaarFeature { tilted, rects: vec![rect(8, -1.0), rect(4, 2.0)] }],
        stages: vec![HaarStage { threshold: 0.25, trees: vec![tree] }; 2],
    };
    cascade.to_bytes().expect("a good cascade")[MAGIC.len()..].to_vec()
}

fn run(data: &[u8]) {
    let bytes = [&MAGIC, data].concat();
    let cascade = match HaarCascade::from_bytes(&bytes) {
        Ok(cascade) => cascade,
        Err(error) => return drop((failure::line(&error), error.help(), error.exit_code())),
    };
    let written = cascade.to_bytes().expect("it was read");
    assert_eq!(HaarCascade::from_bytes(&written).expect("it was written"), cascade);
    let settings = HaarSettings { min_face: 8.0, ..HaarSettings::default() };
    let mut haar = Haar::load(&bytes, settings).expect("it was checked");
    let pixels = (0..64 * 48).map(|i: usize| (i * i / 7 % 251) as u8).collect();
    let frame = Luma::from_raw(64, 48, pixels).expect("so many pixels");
    let mut faces = Vec::new();
    // Too many windows may pass, which is an error.
    if haar.detect(&frame, &mut faces).is_ok() {
        assert!(faces.iter().all(|face| (0.0..=1.0).contains(&face.score)));
    }
}
