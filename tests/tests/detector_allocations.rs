//! After warm-up, detectors make no allocations for a frame. The allocations of tract within a network's run are
//! counted separately, by running the same graph alone.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use allocation_counter::measure;
use emocue_models::bundle::haar::{
    HaarCascade, HaarFeature, HaarNode, HaarRect, HaarStage, HaarTree,
};
use emocue_models::bundle::{Bundle, DEFAULT};
use emocue_models::geometry::Rect;
use emocue_models::luma::Luma;
use emocue_quantize::onnx::{Array, Conv, Dim, GraphBuilder};
use emocue_run::haar::{Haar, HaarSettings};
use emocue_run::single_shot::{Outputs, SingleShot, SingleShotSettings};
use emocue_run::{Detector, Session, turns};

/// Grey with a bright square of 16 px.
fn frame() -> Luma {
    let inside = |x, y| (96..112).contains(&x) && (64..80).contains(&y);
    let pixel = |x, y| if inside(x, y) { 220 } else { 120 };
    let pixels = (0..240).flat_map(|y| (0..320).map(move |x| pixel(x, y))).collect();
    Luma::from_raw(320, 240, pixels).unwrap()
}

/// Allocations of each of three searches rotated by `turn` degrees, after warm-up.
fn searches(detector: &mut dyn Detector, turn: f32) -> [u64; 3] {
    let (frame, mut faces) = (frame(), Vec::new());
    let mut search = || turns::search(detector, &frame, turn, &[], &mut faces).unwrap();
    search();
    search();
    let counts = [(); 3].map(|()| measure(&mut search).count_total);
    assert!(!faces.is_empty());
    counts
}

/// Allocations of running a graph alone.
fn alone(onnx: &[u8], shape: [usize; 4]) -> u64 {
    let session = Session::load("alone", onnx, &shape).unwrap();
    let run = || drop(session.run(|_| ()).unwrap());
    run();
    run();
    measure(run).count_total
}

/// A network with the outputs of `emocue-face` that takes bright cells of 8 px for faces of 32 px.
fn network() -> Vec<u8> {
    let mut graph = GraphBuilder::new("bright");
    let x = graph.input("luma", &[Dim::Fixed(1), Dim::Fixed(1), Dim::Named("H"), Dim::Named("W")]);
    for stride in [8, 16, 32] {
        let area = stride * stride;
        let mut weights = vec![0.0; 15 * area];
        let mut bias = [0.0; 15];
        match stride {
            8 => weights[..area].fill(0.5 / area as f32),
            _ => bias[0] = -9.0,
        }
        bias[3..5].fill((32.0 / stride as f32).ln());
        let how = Conv { stride: [stride; 2], ..Conv::default() };
        let shape = [15, 1, stride, stride];
        let weights = Array::new(&shape, &weights);
        let cells = graph.conv(&format!("cells{stride}"), &x, weights, Some(&bias), how);
        let (rows, columns) = (Dim::Named("h"), Dim::Named("w"));
        graph.output(&cells, &[Dim::Fixed(1), Dim::Fixed(15), rows, columns]);
    }
    graph.finish().unwrap().to_bytes()
}

#[test]
fn a_network_over_the_whole_frame_allocates_only_inside_tract() {
    let bundle = Bundle::read(DEFAULT).unwrap();
    let onet = bundle.payload("onet.onnx").unwrap();
    let (onnx, settings) = (network(), SingleShotSettings::default());
    let search = alone(&onnx, [1, 1, 128, 160]);
    assert!(search > 0, "tract allocates, so that counting nothing would be wrong");
    let mut plain = SingleShot::load(&onnx, Outputs::Face, None, settings).unwrap();
    assert_eq!(searches(&mut plain, 0.0), [search; 3]);
    let mut helped = SingleShot::load(&onnx, Outputs::Face, Some(onet), settings).unwrap();
    let confirm = alone(onet, [1, 1, 48, 48]);
    assert_eq!(searches(&mut helped, 0.0), [search + confirm; 3]);

    // The threshold of rotated searches is lowered, so that they report faces.
    let mut plain = plain.reporting_from(0.001);
    assert_eq!(searches(&mut plain, 45.0), [search; 3]);
    let mut helped = helped.reporting_from(0.001);
    let turned = searches(&mut helped, -45.0);
    assert!(turned[0] > search && turned == [turned[0]; 3], "{turned:?} of {search}");
    assert_eq!((turned[0] - search) % confirm, 0, "{turned:?} of {search} and {confirm}");

    let (frame, expected) = (frame(), Rect::new(72.0, 40.0, 64.0, 64.0));
    for roll in [0.0, 45.0] {
        let mut follow = || assert!(plain.follow(&frame, &expected, roll).unwrap().is_some());
        follow();
        assert_eq!(measure(&mut follow).count_total, alone(&onnx, [1, 1, 96, 96]), "{roll}");
    }
}

#[test]
fn a_haar_cascade_allocates_nothing() {
    let rect = |x, y, width, height, weight| HaarRect { x, y, width, height, weight };
    let feature = |rects: [HaarRect; 2]| HaarFeature { tilted: false, rects: rects.to_vec() };
    let node = HaarNode { feature: 0, threshold: 1.2, left: 0, right: -1 };
    let tree = HaarTree { nodes: vec![node], leaves: vec![-1.0, 1.0] };
    let cascade = HaarCascade {
        width: 24,
        height: 24,
        // The centre is brighter than the whole.
        features: vec![feature([rect(0, 0, 24, 24, -1.0), rect(6, 6, 12, 12, 4.0)])],
        stages: vec![HaarStage { threshold: 0.0, trees: vec![tree] }],
    };
    let mut haar = Haar::load(&cascade.to_bytes().unwrap(), HaarSettings::default()).unwrap();
    assert_eq!(searches(&mut haar, 0.0), [0; 3]);
}
