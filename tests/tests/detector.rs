//! The imported MTCNN against its reference implementation and on a crowd.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::{Path, PathBuf};

use emocue_host::eval::boxes::Agreement;
use emocue_host::import::cascade::CascadeInputs;
use emocue_host::import::mtcnn::import;
use emocue_host::quantize::BadgeEngine;
use emocue_models::bundle::Bundle;
use emocue_models::bundle::manifest::DetectorSpec;
use emocue_models::geometry::{Face, Point, Rect};
use emocue_models::luma::{Luma, luma_of_rgb};
use emocue_quantize::{Arithmetic, CalibrationInput, QuantizeSettings, quantize};
use emocue_run::Detector;
use emocue_run::mtcnn::{Mtcnn, MtcnnNets, MtcnnSettings};
use serde::Deserialize;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// MTCNN's networks, as the default bundle had them up to content version 5.
fn nets() -> MtcnnNets {
    let bytes = std::fs::read(repository("tests/data/mtcnn.emocue")).unwrap();
    let bundle = Bundle::read(&bytes).unwrap();
    let DetectorSpec::Mtcnn { pnet, rnet, onet, .. } = &bundle.manifest().detector else {
        panic!("its detector is MTCNN")
    };
    let [pnet, rnet, onet] = [pnet, rnet, onet].map(|name| bundle.payload(name).unwrap().to_vec());
    MtcnnNets { pnet, rnet, onet }
}

/// The networks imported from the published weights in the folder that `EMOCUE_MTCNN` names.
fn published() -> Option<MtcnnNets> {
    let Some(folder) = std::env::var_os("EMOCUE_MTCNN") else {
        println!("skipped: EMOCUE_MTCNN names no folder with pnet.pt, rnet.pt and onet.pt");
        return None;
    };
    Some(import(Path::new(&folder)).unwrap())
}

fn luma(path: &Path) -> Luma {
    let picture = image::open(path).unwrap().to_rgb8();
    let pixels = picture.pixels().map(|pixel| luma_of_rgb(pixel.0)).collect();
    Luma::from_raw(picture.width() as usize, picture.height() as usize, pixels).unwrap()
}

fn detect(mtcnn: &mut Mtcnn, frame: &Luma) -> Vec<Face> {
    let mut faces = Vec::new();
    mtcnn.detect(frame, &mut faces).unwrap();
    faces
}

/// The results of `tools/reference/mtcnn_reference.py`.
#[derive(Deserialize)]
struct Reference {
    settings: MtcnnSettings,
    pictures: std::collections::BTreeMap<String, Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    size: [usize; 2],
    faces: Vec<RecordedFace>,
}

#[derive(Deserialize)]
struct RecordedFace {
    #[serde(rename = "box")]
    corners: [f32; 4],
    score: f32,
    landmarks: [[f32; 2]; 5],
}

#[test]
fn portraits_agree_with_the_reference() {
    let nets = nets();
    let json = std::fs::read(repository("tests/data/mtcnn_reference.json")).unwrap();
    let reference: Reference = serde_json::from_slice(&json).unwrap();
    assert_eq!(reference.pictures.len(), 2);
    let mut mtcnn = Mtcnn::load(&nets, reference.settings).unwrap();
    for (name, recorded) in &reference.pictures {
        let frame = luma(&repository("models/run/pictures").join(name));
        assert_eq!([frame.width(), frame.height()], recorded.size);
        let faces = detect(&mut mtcnn, &frame);
        assert_eq!(faces.len(), recorded.faces.len(), "{name}");
        for (face, expected) in faces.iter().zip(&recorded.faces) {
            // The reference counts pixels from 1 and includes the last.
            let [x1, y1, x2, y2] = expected.corners;
            let rect = Rect::from_corners(x1 - 1.0, y1 - 1.0, x2, y2);
            let iou = face.rect.iou(&rect);
            println!("{name}: IoU {iou:.4}, score {} for {}", face.score, expected.score);
            assert!(iou >= 0.9, "{name}: {:?} is not {rect:?}", face.rect);
            assert!((face.score - expected.score).abs() < 0.01, "{name}: {}", face.score);
            for (found, [x, y]) in face.landmarks.unwrap().points().iter().zip(expected.landmarks) {
                let off = found.distance(Point::new(x, y)) / rect.width;
                println!("{name}: a landmark is off by {:.2} % of the width", off * 100.0);
                assert!(off <= 0.03, "{name}: {found:?} is not ({x}, {y})");
            }
        }
    }
}

/// 29 people; the smallest faces are about 25 px wide. The reference finds 28 of them on luma.
#[test]
fn a_crowd_of_29_is_found() {
    let nets = nets();
    let Some(data) = std::env::var_os("EMOCUE_DATA").map(PathBuf::from) else {
        println!("skipped: EMOCUE_DATA names no folder with pictures/solvay_conference_1927.jpg");
        return;
    };
    let frame = luma(&data.join("pictures/solvay_conference_1927.jpg"));
    let mut mtcnn = Mtcnn::load(&nets, MtcnnSettings::default()).unwrap();
    let faces = detect(&mut mtcnn, &frame);
    println!("{} of 29", faces.len());
    assert!((27..=29).contains(&faces.len()), "{} faces", faces.len());
    assert!(faces.is_sorted_by(|a, b| a.rect.area() >= b.rect.area()));
    for (i, face) in faces.iter().enumerate() {
        assert!(faces[..i].iter().all(|other| other.rect.iou(&face.rect) < 0.3), "{face:?}");
    }
}

/// 8-bit weights change boxes slightly; full int8 changes them more.
#[test]
fn quantized_networks_find_the_same_faces() {
    let nets = nets();
    let settings = MtcnnSettings { min_face: 24.0, ..MtcnnSettings::default() };
    let portraits = ["astronaut.jpg", "grace_hopper.jpg"]
        .map(|name| luma(&repository("models/run/pictures").join(name)));
    let mut watched = CascadeInputs::new(Mtcnn::load(&nets, settings).unwrap());
    portraits.iter().for_each(|portrait| watched.add(portrait).unwrap());
    let inputs = watched.into_inputs(64);
    for (form, least) in [(Arithmetic::W8, 0.95), (Arithmetic::Int8, 0.85)] {
        let network = |onnx: &[u8], rows: &[CalibrationInput]| {
            quantize(&BadgeEngine, onnx, rows, QuantizeSettings::of(form)).unwrap().onnx
        };
        let quantized = MtcnnNets {
            pnet: network(&nets.pnet, &inputs.pnet),
            rnet: network(&nets.rnet, &inputs.rnet),
            onet: network(&nets.onet, &inputs.onet),
        };
        let mut agreement = Agreement::default();
        let mut detectors =
            [&nets, &quantized].map(|nets| Mtcnn::load(nets, MtcnnSettings::default()).unwrap());
        let [float, quantized] = &mut detectors;
        for portrait in &portraits {
            agreement.see([float, quantized], portrait, &[]).unwrap();
        }
        println!(
            "{form:?}: IoU {:.4}, landmarks {:.4}",
            agreement.mean_iou(),
            agreement.landmark_error()
        );
        assert_eq!((agreement.both, agreement.first_only, agreement.second_only), (2, 0, 0));
        assert!(agreement.mean_iou() >= least, "{form:?}: {}", agreement.mean_iou());
    }
}

#[test]
fn frames_may_change_their_size_or_hold_nothing() {
    let nets = nets();
    let mut mtcnn = Mtcnn::load(&nets, MtcnnSettings::default()).unwrap();
    let portrait = luma(&repository("models/run/pictures/astronaut.jpg"));
    let first = detect(&mut mtcnn, &portrait);
    assert_eq!(first.len(), 1);
    for (width, height) in [(0, 0), (1, 1), (39, 400), (40, 40), (41, 300)] {
        assert_eq!(detect(&mut mtcnn, &Luma::new(width, height)), [], "{width}x{height}");
    }
    assert_eq!(detect(&mut mtcnn, &portrait), first);
}

#[test]
fn a_dim_face_is_found_as_a_bright_one_is() {
    let mut mtcnn = Mtcnn::load(&nets(), MtcnnSettings::default()).unwrap();
    let portrait = luma(&repository("models/run/pictures/astronaut.jpg"));
    let bright = detect(&mut mtcnn, &portrait)[0];
    let mut dim = portrait;
    // Light times 1/12, and noise of one grey level.
    for (i, pixel) in dim.pixels_mut().iter_mut().enumerate() {
        *pixel = *pixel / 12 + (i.wrapping_mul(2_654_435_761) >> 13 & 1) as u8;
    }
    let [found] = detect(&mut mtcnn, &dim)[..] else { panic!("one face is there") };
    assert!(found.rect.iou(&bright.rect) > 0.85, "{found:?} {bright:?}");
    let followed = mtcnn.follow(&dim, &bright.rect, 0.0).unwrap().unwrap();
    assert!(followed.rect.iou(&bright.rect) > 0.85, "{followed:?}");
}

#[test]
fn a_known_face_is_followed_for_as_long_as_it_is_there() {
    let mut mtcnn = Mtcnn::load(&nets(), MtcnnSettings::default()).unwrap();
    let portrait = luma(&repository("models/run/pictures/astronaut.jpg"));
    let found = detect(&mut mtcnn, &portrait)[0];
    assert!(mtcnn.can_follow());
    // Repeatedly, starting from a box with an offset of a tenth.
    let mut expected = found.jittered(0.1, -0.1, 1.1).rect;
    for _ in 0..20 {
        let face = mtcnn.follow(&portrait, &expected, 0.0).unwrap().unwrap();
        assert!(face.rect.iou(&found.rect) > 0.8, "{face:?} {found:?}");
        let (a, b) = (face.landmarks.unwrap().nose, found.landmarks.unwrap().nose);
        assert!(a.distance(b) < 0.04 * found.rect.width, "{a:?} {b:?}");
        expected = face.rect;
    }
    let elsewhere = Rect { x: 10.0, y: 10.0, ..found.rect };
    assert_eq!(mtcnn.follow(&portrait, &elsewhere, 0.0).unwrap(), None);
    for odd in [Rect::new(-500.0, 0.0, 50.0, 50.0), Rect::new(f32::NAN, 0.0, 1e9, f32::INFINITY)] {
        assert_eq!(mtcnn.follow(&portrait, &odd, 0.0).unwrap(), None, "{odd:?}");
    }
}

#[test]
fn near_a_known_face_less_is_asked_for() {
    let portrait = luma(&repository("models/run/pictures/astronaut.jpg"));
    let usual = MtcnnSettings::default();
    let found = detect(&mut Mtcnn::load(&nets(), usual).unwrap(), &portrait)[0];
    // Scores that even this face does not reach.
    let strict = MtcnnSettings { thresholds: [0.6, 0.7, 1.0], ..usual };
    let mut mtcnn = Mtcnn::load(&nets(), strict).unwrap();
    let mut search = |known: &[Rect]| {
        let mut faces = Vec::new();
        mtcnn.detect_near(&portrait, known, &mut faces).unwrap();
        faces.len()
    };
    let elsewhere = Rect { x: 10.0, y: 10.0, ..found.rect };
    assert_eq!([search(&[]), search(&[elsewhere]), search(&[found.rect])], [0, 0, 1]);
}

#[test]
fn a_larger_smallest_face_skips_the_smaller_ones() {
    let nets = nets();
    let portrait = luma(&repository("models/run/pictures/astronaut.jpg"));
    for (min_face, count) in [(40.0, 1), (300.0, 0)] {
        let settings = MtcnnSettings { min_face, ..MtcnnSettings::default() };
        let mut mtcnn = Mtcnn::load(&nets, settings).unwrap();
        assert_eq!(detect(&mut mtcnn, &portrait).len(), count, "{min_face}");
    }
    let impossible = MtcnnSettings { factor: 1.5, ..MtcnnSettings::default() };
    let error = Mtcnn::load(&nets, impossible).err().unwrap().to_string();
    assert!(error.contains("factor is not in 0.1..=0.95"), "{error}");
}

#[test]
fn networks_that_do_not_fit_are_refused() {
    let MtcnnNets { pnet, rnet, onet } = nets();
    // R-Net's dense layer cannot take O-Net's picture.
    let swapped = MtcnnNets { pnet: &pnet, rnet: &onet, onet: &rnet };
    assert!(Mtcnn::load(&swapped, MtcnnSettings::default()).is_err());
    // P-Net accepts any picture size, but returns a map instead of one score.
    let maps = MtcnnNets { pnet: &pnet, rnet: &pnet, onet: &onet };
    let mut mtcnn = Mtcnn::load(&maps, MtcnnSettings::default()).unwrap();
    let portrait = luma(&repository("models/run/pictures/astronaut.jpg"));
    let error = mtcnn.detect(&portrait, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.starts_with("rnet: unexpected outputs"), "{error}");
    let cut = MtcnnNets { pnet: &pnet[..], rnet: &rnet[..1000], onet: &onet };
    let error = Mtcnn::load(&cut, MtcnnSettings::default()).err().unwrap().to_string();
    assert!(error.starts_with("rnet: cannot read the ONNX graph"), "{error}");
}

#[test]
fn the_bundles_networks_are_the_published_ones_with_smaller_weights() {
    let Some(published) = published() else { return };
    let settings = MtcnnSettings::default();
    let mut ours = Mtcnn::load(&nets(), settings).unwrap();
    let mut theirs = Mtcnn::load(&published, settings).unwrap();
    let mut agreement = Agreement::default();
    for name in ["astronaut.jpg", "grace_hopper.jpg"] {
        let portrait = luma(&repository("models/run/pictures").join(name));
        agreement.see([&mut ours, &mut theirs], &portrait, &[]).unwrap();
    }
    assert_eq!((agreement.both, agreement.first_only, agreement.second_only), (2, 0, 0));
    assert!(agreement.mean_iou() >= 0.95, "{}", agreement.mean_iou());
}

#[test]
fn bad_weights_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = || import(folder.path()).unwrap_err().to_string();
    assert!(error().contains("pnet.pt"), "{}", error());
    assert!(error().starts_with("cannot read"), "{}", error());

    std::fs::write(folder.path().join("pnet.pt"), b"no weights at all").unwrap();
    assert!(error().contains("pnet.pt is damaged"), "{}", error());

    let Some(weights) = std::env::var_os("EMOCUE_MTCNN").map(PathBuf::from) else {
        println!("partly skipped: EMOCUE_MTCNN names no folder with pnet.pt, rnet.pt and onet.pt");
        return;
    };
    std::fs::copy(weights.join("rnet.pt"), folder.path().join("pnet.pt")).unwrap();
    assert!(error().contains("tensor \"conv1.weight\""), "{}", error());
    let whole = std::fs::read(weights.join("pnet.pt")).unwrap();
    for length in (0..whole.len()).step_by(997) {
        std::fs::write(folder.path().join("pnet.pt"), &whole[..length]).unwrap();
        assert!(error().contains("pnet.pt"), "{length} bytes: {}", error());
    }
}
