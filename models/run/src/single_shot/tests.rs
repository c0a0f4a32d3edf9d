use emocue_models::bundle::{Bundle, DEFAULT};
use prost::Message as _;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    ValueInfoProto, attribute_proto::AttributeType, tensor_shape_proto, type_proto,
};

use super::*;

/// Side of the faces that [`network`] finds, px of its input.
const SIDE: f32 = 32.0;

fn tensor(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.iter().map(|dim| *dim as i64).collect(),
        data_type: DataType::Float as i32,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..TensorProto::default()
    }
}

/// A network like `emocue-face` that detects bright cells of 8 px as faces: half of their luma is the logit.
fn network(values: usize) -> Vec<u8> {
    let mut graph = GraphProto { name: "bright".to_owned(), ..GraphProto::default() };
    let dim = |size: Option<i64>, name: &str| tensor_shape_proto::Dimension {
        value: Some(match size {
            Some(size) => tensor_shape_proto::dimension::Value::DimValue(size),
            None => tensor_shape_proto::dimension::Value::DimParam(name.to_owned()),
        }),
        ..Default::default()
    };
    let shape = vec![dim(Some(1), ""), dim(Some(1), ""), dim(None, "H"), dim(None, "W")];
    let of = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(tract_onnx::pb::TensorShapeProto { dim: shape }),
    };
    graph.input.push(ValueInfoProto {
        name: "luma".to_owned(),
        r#type: Some(tract_onnx::pb::TypeProto {
            value: Some(type_proto::Value::TensorType(of)),
            ..Default::default()
        }),
        ..ValueInfoProto::default()
    });
    for (level, stride) in STRIDES.into_iter().enumerate() {
        let area = stride * stride;
        let mut weights = vec![0.0; values * area];
        let mut bias = vec![0.0; values];
        match level {
            0 => weights[..area].fill(0.5 / area as f32),
            _ => bias[0] = -9.0,
        }
        bias[3..5].fill((SIDE / stride as f32).ln());
        let [w, b, out] = ["w", "b", "cells"].map(|name| format!("{name}{stride}"));
        graph.initializer.push(tensor(&w, &[values, 1, stride, stride], &weights));
        graph.initializer.push(tensor(&b, &[values], &bias));
        let strides = AttributeProto {
            name: "strides".to_owned(),
            r#type: AttributeType::Ints as i32,
            ints: vec![stride as i64; 2],
            ..AttributeProto::default()
        };
        let pad = AttributeProto {
            name: "auto_pad".to_owned(),
            r#type: AttributeType::String as i32,
            s: b"SAME_UPPER".to_vec(),
            ..AttributeProto::default()
        };
        graph.node.push(NodeProto {
            op_type: "Conv".to_owned(),
            input: vec!["luma".to_owned(), w, b],
            output: vec![out.clone()],
            attribute: vec![strides, pad],
            ..NodeProto::default()
        });
        graph.output.push(ValueInfoProto { name: out, ..ValueInfoProto::default() });
    }
    let opset_import = vec![OperatorSetIdProto { version: 13, ..OperatorSetIdProto::default() }];
    ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..ModelProto::default() }
        .encode_to_vec()
}

/// Grey with a bright square of 16 px, one cell of the network at half the size.
fn frame() -> Luma {
    let inside = |x, y| (48..64).contains(&x) && (32..48).contains(&y);
    let pixel = |x, y| if inside(x, y) { 220 } else { 120 };
    let pixels = (0..120).flat_map(|y| (0..160).map(move |x| pixel(x, y))).collect();
    Luma::from_raw(160, 120, pixels).unwrap()
}

const FACE: Rect = Rect::new(24.0, 8.0, 64.0, 64.0);

fn load(onet: bool, settings: SingleShotSettings) -> SingleShot {
    let bundle = Bundle::read(DEFAULT).unwrap();
    let onet = onet.then(|| bundle.payload("onet.onnx").unwrap());
    SingleShot::load(&network(15), Outputs::Face, onet, settings).unwrap()
}

fn found(net: &mut SingleShot, known: &[Rect]) -> Vec<Face> {
    let mut faces = Vec::new();
    net.detect_near(&frame(), known, &mut faces).unwrap();
    faces
}

#[test]
fn a_cell_becomes_a_face_of_the_frame() {
    let faces = found(&mut load(false, SingleShotSettings::default()), &[]);
    assert_eq!(faces.len(), 1, "{faces:?}");
    assert!(faces[0].rect.iou(&FACE) > 0.99, "{faces:?}");
    assert!((faces[0].score - 0.731).abs() < 0.01, "{faces:?}");
    assert_eq!(faces[0].landmarks.unwrap().nose, faces[0].rect.center());
}

#[test]
fn what_is_doubted_needs_a_known_face_or_o_net() {
    let doubts = SingleShotSettings { sure: 0.9, ..SingleShotSettings::default() };
    assert_eq!(found(&mut load(false, doubts), &[]), []);
    assert_eq!(found(&mut load(false, doubts), &[FACE]).len(), 1);
    // A bright square is not a face to O-Net.
    assert_eq!(found(&mut load(true, doubts), &[]), []);
    let by_itself = found(&mut load(true, SingleShotSettings::default()), &[]);
    assert_eq!(by_itself, found(&mut load(false, SingleShotSettings::default()), &[]));
    let agrees = SingleShotSettings { confirm: 0.0, ..doubts };
    let confirmed = found(&mut load(true, agrees), &[]);
    assert_eq!(confirmed.len(), 1);
    assert_ne!(confirmed[0].landmarks, by_itself[0].landmarks, "O-Net places the landmarks");
    assert_eq!(confirmed[0].rect, by_itself[0].rect);
}

#[test]
fn a_curve_over_all_scores_has_the_detectors_own_choice() {
    let doubts = SingleShotSettings { sure: 0.9, ..SingleShotSettings::default() };
    let score = |settings, from: f32| {
        let faces = found(&mut load(true, settings).reporting_from(from), &[]);
        faces.first().map(|face| face.score)
    };
    // O-Net does not confirm the square: it is reported, below `sure`.
    assert!(score(doubts, 0.02).is_some_and(|score| (0.7..0.8).contains(&score)));
    assert_eq!(score(doubts, 0.8), None);
    // Confirmed, it has the same score at every `from`.
    let agrees = SingleShotSettings { confirm: 0.0, ..doubts };
    assert!(score(agrees, 0.02).is_some_and(|score| score >= 0.9));
    assert_eq!(score(agrees, 0.02), score(agrees, 2.0));
    // Below `maybe` confirmation is not enough.
    let sterner = SingleShotSettings { maybe: 0.8, ..agrees };
    assert_eq!(score(sterner, 2.0), None);
    assert!(score(sterner, 0.02).is_some_and(|score| (0.8..0.9).contains(&score)));
}

#[test]
fn a_face_is_followed_where_it_is_and_nowhere_else() {
    let mut net = load(false, SingleShotSettings { sure: 0.8, ..SingleShotSettings::default() });
    assert!(net.can_follow());
    found(&mut net, &[]);
    let face = net.follow(&frame(), &FACE, 0.0).unwrap().unwrap();
    assert!(face.rect.center().distance(FACE.center()) < 10.0, "{face:?}");
    let elsewhere = Rect::new(110.0, 80.0, 24.0, 24.0);
    assert_eq!(net.follow(&frame(), &elsewhere, 0.0).unwrap(), None);
    assert_eq!(net.follow(&frame(), &Rect::new(f32::NAN, 0.0, 9.0, 9.0), 0.0).unwrap(), None);
    assert_eq!(net.follow(&Luma::new(0, 0), &FACE, 0.0).unwrap(), None);
    // O-Net does not confirm the square, and the network is run again.
    let settings = SingleShotSettings { sure: 0.8, ..SingleShotSettings::default() };
    let mut with_onet = load(true, settings);
    found(&mut with_onet, &[]);
    assert_eq!(with_onet.follow(&frame(), &FACE, 0.0).unwrap(), Some(face));
}

#[test]
fn a_turned_look_finds_a_face_where_it_is() {
    let mut net = load(false, SingleShotSettings::default()).reporting_from(0.2);
    let (turns, mut faces) = (net.turns(), Vec::new());
    assert_eq!(turns.len(), 2);
    for turn in turns {
        net.detect_turned(&frame(), *turn, &[], &mut faces).unwrap();
        let best = faces.iter().max_by(|a, b| a.score.total_cmp(&b.score)).unwrap();
        // A cell of the turned view is more than 16 px of the frame.
        assert!(best.rect.center().distance(FACE.center()) < 12.0, "{turn}: {faces:?}");
        // Its box stays upright and has the size that it has in the turned view.
        assert!((best.rect.width - 64.0).abs() < 0.1, "{turn}: {faces:?}");
        assert!((best.rect.width - best.rect.height).abs() < 0.1, "{turn}: {faces:?}");
        assert_eq!(best.landmarks.map(|it| it.nose), Some(best.rect.center()));
    }
    // O-Net has to confirm what such a search finds, whatever the network's score.
    let surest = SingleShotSettings { sure: 0.5, maybe: 0.5, ..SingleShotSettings::default() };
    let mut with_onet = load(true, surest);
    for turn in turns {
        with_onet.detect_turned(&frame(), *turn, &[], &mut faces).unwrap();
        assert_eq!(faces, []);
    }
}

#[test]
fn a_turned_face_is_followed_where_it_is() {
    let mut net = load(false, SingleShotSettings { sure: 0.8, ..SingleShotSettings::default() });
    found(&mut net, &[]);
    // A disc looks the same however the region is turned.
    let mut frame = frame();
    for (at, pixel) in frame.pixels_mut().iter_mut().enumerate() {
        let (x, y) = ((at % 160) as f32 - 55.5, (at / 160) as f32 - 39.5);
        *pixel = if x.hypot(y) < 16.0 { 220 } else { 120 };
    }
    for roll in [45.0, -60.0, 170.0] {
        let face = net.follow(&frame, &FACE, roll).unwrap();
        let face = face.unwrap_or_else(|| panic!("not followed at {roll}"));
        assert!(face.rect.center().distance(FACE.center()) < 10.0, "{roll}: {face:?}");
        let odd = [Rect::new(f32::NAN, 0.0, 9.0, 9.0), Rect::new(0.0, 0.0, 0.0, 0.0)];
        for rect in odd.into_iter().chain([Rect::new(110.0, 80.0, 24.0, 24.0)]) {
            assert_eq!(net.follow(&frame, &rect, roll).unwrap(), None);
        }
        assert_eq!(net.follow(&Luma::new(0, 0), &FACE, roll).unwrap(), None);
    }
    let upright = net.follow(&frame, &FACE, 0.0).unwrap();
    assert_eq!(net.follow(&frame, &FACE, f32::NAN).unwrap(), upright);
}

#[test]
fn frames_of_any_size_are_searched() {
    let mut net = load(true, SingleShotSettings::default());
    let mut faces = Vec::new();
    for (width, height) in [(0, 0), (0, 9), (1, 1), (640, 1), (3, 500), (17, 31)] {
        net.detect(&Luma::new(width, height), &mut faces).unwrap();
        assert_eq!(faces, []);
        net.detect_turned(&Luma::new(width, height), 45.0, &[], &mut faces).unwrap();
        assert_eq!(faces, []);
    }
}

#[test]
fn a_picture_of_bright_cells_stays_within_bounds() {
    // 12 megapixels, every other cell bright: more faces than are kept.
    let (width, height) = (4000, 3000);
    let bright = |x: usize, y: usize| (x / 16 + y / 16).is_multiple_of(2);
    let pixel = |x, y| if bright(x, y) { 220 } else { 120 };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect();
    let frame = Luma::from_raw(width, height, pixels).unwrap();
    let mut net = load(false, SingleShotSettings::default());
    let mut faces = Vec::new();
    net.detect(&frame, &mut faces).unwrap();
    assert!((100..=MAX_FACES).contains(&faces.len()), "{}", faces.len());
}

#[test]
fn impossible_settings_and_graphs_are_refused() {
    let usual = SingleShotSettings::default();
    let refused = |onnx: &[u8], outputs, onet: Option<&[u8]>, settings| {
        SingleShot::load(onnx, outputs, onet, settings).err().unwrap().to_string()
    };
    let good = network(15);
    let with = |settings| refused(&good, Outputs::Face, None, settings);
    assert!(with(SingleShotSettings { min_face: 3.0, ..usual }).contains("min_face"));
    assert!(with(SingleShotSettings { maybe: 0.8, ..usual }).contains("maybe"));
    assert!(with(SingleShotSettings { overlap: f32::NAN, ..usual }).contains("overlap"));
    assert!(
        refused(b"no graph", Outputs::Face, None, usual).contains("cannot read the ONNX graph")
    );
    assert!(refused(&good, Outputs::Yunet, None, usual).contains("output"));
    let other = refused(&network(14), Outputs::Face, None, usual);
    assert!(other.contains("expected 2160 values, found 2016"), "{other}");
    assert!(refused(&good, Outputs::Face, Some(&good), usual).contains("output"));
}
