use emocue_models::bundle::manifest::Form;
use emocue_models::decision::{Decision, SecondHead};
use emocue_models::picture::{self, Rules};
use prost::Message as _;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};

use super::*;
use crate::networks::Networks;
use crate::portraits::PORTRAITS;

/// The default bundle of content version 5, whose manifest has no decision.
const BEFORE: &[u8] = include_bytes!("../../../../tests/data/mtcnn.emocue");

/// A float value of fixed shape.
fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dim = |size: &usize| Dimension {
        value: Some(dimension::Value::DimValue(*size as i64)),
        ..Dimension::default()
    };
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: shape.iter().map(dim).collect() }),
    };
    let r#type =
        TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..ValueInfoProto::default() }
}

fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op.into(),
        input: inputs.iter().map(|&name| name.into()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

/// A graph whose logit `k` is `gain` times the crop's normalised pixel `k`.
fn first_pixels(classes: usize, gain: f32) -> Vec<u8> {
    heads(&[classes], gain)
}

/// The same with an output for each number of classes.
fn heads(classes: &[usize], gain: f32) -> Vec<u8> {
    let mut nodes = vec![node("Flatten", &["input"], "flat")];
    let (mut weights, mut outputs) = (Vec::new(), Vec::new());
    for (at, classes) in classes.iter().enumerate() {
        let (name, logits) = (format!("weights {at}"), format!("logits {at}"));
        nodes.push(node("MatMul", &["flat", &name], &logits));
        weights.push(diagonal(&name, *classes, gain));
        outputs.push(value(&logits, &[1, *classes]));
    }
    let graph = GraphProto {
        node: nodes,
        initializer: weights,
        input: vec![value("input", &[1, 1, 48, 48])],
        output: outputs,
        ..GraphProto::default()
    };
    let opset = OperatorSetIdProto { version: 17, ..OperatorSetIdProto::default() };
    let model = ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![opset],
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

fn diagonal(name: &str, classes: usize, gain: f32) -> TensorProto {
    let mut values = vec![0.0_f32; 2304 * classes];
    (0..classes).for_each(|k| values[k * classes + k] = gain);
    TensorProto {
        name: name.into(),
        dims: vec![2304, classes as i64],
        data_type: DataType::Float as i32,
        float_data: values,
        ..TensorProto::default()
    }
}

fn spec(temperature: f32) -> ClassifierSpec {
    ClassifierSpec {
        network: "classifier.onnx".into(),
        labels: "ferplus-8".into(),
        preprocess: Preprocess::default(),
        form: Form::Float32,
        temperature,
        threshold: 0.4,
        decision: Decision::default(),
    }
}

/// Pixels 64 steps apart: normalised, one is about 1 above the next.
fn row() -> Vec<u8> {
    let mut row = vec![128; 2304];
    row[..8].copy_from_slice(&[0, 64, 128, 192, 128, 64, 0, 0]);
    row
}

#[test]
fn probabilities_are_the_softmax_of_the_logits() {
    let mut net = ExpressionNet::load(&spec(2.0), &first_pixels(8, 1.0)).unwrap();
    let found = net.classify_row(&row()).unwrap().to_vec();
    let weight = |pixel: &u8| (f32::from(*pixel) / 255.0 / 0.25 / 2.0).exp();
    let sum: f32 = row()[..8].iter().map(weight).sum();
    for (pixel, probability) in row().iter().zip(&found) {
        assert!((probability - weight(pixel) / sum).abs() < 1e-5, "{found:?}");
    }
    assert_eq!(net.threshold(), 0.4);
}

#[test]
fn a_face_and_a_ready_row_take_the_same_path() {
    let mut net = ExpressionNet::load(&spec(1.0), &first_pixels(8, 1.0)).unwrap();
    let ready = net.classify_row(&row()).unwrap().to_vec();
    // The same row inside a larger frame.
    let mut frame = Luma::new(100, 80);
    for (y, line) in row().chunks(48).enumerate() {
        let start = (y + 20) * 100 + 30;
        frame.pixels_mut()[start..start + 48].copy_from_slice(line);
    }
    let mut face = net.preprocess().canonical_face();
    (face.rect.x, face.rect.y) = (face.rect.x + 30.0, face.rect.y + 20.0);
    face.landmarks = None;
    assert_eq!(net.classify(&frame, &face).unwrap(), ready);
}

#[test]
fn a_second_head_counts_as_its_bundle_says() {
    let both = heads(&[8, 7], 1.0);
    let first =
        ExpressionNet::load(&spec(1.0), &both).unwrap().classify_row(&row()).unwrap().to_vec();
    let mut own = spec(1.0);
    let second = |output| SecondHead {
        output,
        labels: "fer-7".into(),
        weight: 1.0,
        temperature: 1.0,
        prior: Default::default(),
    };
    own.decision.second = Some(second(1));
    let mut net = ExpressionNet::load(&own, &both).unwrap();
    let found = net.classify_row(&row()).unwrap().to_vec();
    // Class 3 of both heads is the brightest pixel's: sadness there, happiness here.
    assert!(first[3] > 0.4, "{first:?}");
    assert!((found[1] - first[3]).abs() < 0.02, "{found:?}");
    let (outputs, sight) = net.evidence_of_row(&row()).unwrap();
    assert_eq!((outputs[0].len(), outputs[1].len(), sight.size), (8, 7, 48.0));

    own.decision.second = Some(second(2));
    let error = ExpressionNet::load(&own, &both).err().unwrap().to_string();
    assert!(error.contains("does not fit its decision: the head for fer-7 is output 2"), "{error}");
    own.decision.second = Some(second(1));
    let error = ExpressionNet::load(&own, &heads(&[8, 8], 1.0)).err().unwrap().to_string();
    assert!(error.contains("8 logits for the classes of fer-7"), "{error}");
}

#[test]
fn a_small_face_is_answered_less_surely() {
    let mut poor = spec(1.0);
    poor.decision.quality.size.weight = 0.5;
    let graph = first_pixels(8, 1.0);
    let mut nets = [&spec(1.0), &poor].map(|spec| ExpressionNet::load(spec, &graph).unwrap());
    let frame = Luma::from_raw(24, 24, (0..576).map(|at| (at * 7 % 251) as u8).collect()).unwrap();
    let face = nets[0].face_of_row(24);
    let [plain, lowered] = nets.each_mut().map(|net| net.classify(&frame, &face).unwrap().to_vec());
    let [top, less] = [&plain, &lowered].map(|p| p.iter().copied().fold(0.0, f32::max));
    assert!(less < top, "{top} {less}");
    // A row of the same side is as small.
    for (a, b) in nets[1].classify_row(frame.pixels()).unwrap().iter().zip(&lowered) {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
    // A face of the crop's own size is not.
    let [plain, same] = nets.map(|mut net| net.classify_row(&row()).unwrap().to_vec());
    assert_eq!(plain, same);
}

#[test]
fn a_bundle_of_before_the_decision_was_data_answers_as_it_always_did_bit_by_bit() {
    let bundle = Bundle::read(BEFORE).unwrap();
    assert_eq!(bundle.manifest().classifier.decision, Decision::default());
    let spec = &bundle.manifest().classifier;
    let mut detector = Networks::from_bundle(&bundle, None).unwrap().detector;
    let mut net = ExpressionNet::from_bundle(&bundle).unwrap();
    let (mut faces, mut crop) = (Vec::new(), vec![0; spec.preprocess.pixels()]);
    for portrait in &PORTRAITS {
        let frame = picture::decode(portrait.jpeg, &Rules::BADGE).unwrap();
        detector.detect(&frame, &mut faces).unwrap();
        spec.preprocess.crop(&frame, &faces[0], &mut Resampler::default(), &mut crop);
        let (outputs, _) = net.evidence_of_row(&crop).unwrap();
        let highest = outputs[0].iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: &f32| ((logit - highest) / spec.temperature).exp();
        let weights: Vec<f32> = outputs[0].iter().map(weight).collect();
        let sum: f32 = weights.iter().sum();
        let expected: Vec<f32> = weights.iter().map(|weight| weight / sum).collect();
        assert_eq!(net.classify(&frame, &faces[0]).unwrap(), expected, "{}", portrait.file);
    }
}

#[test]
fn extreme_logits_stay_probabilities() {
    let mut net = ExpressionNet::load(&spec(0.01), &first_pixels(8, 1e6)).unwrap();
    let found = net.classify_row(&row()).unwrap();
    assert_eq!(found, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_network_that_does_not_fit_is_refused_when_loaded() {
    let load = |onnx: &[u8]| ExpressionNet::load(&spec(1.0), onnx).err().unwrap().to_string();
    assert!(load(&first_pixels(7, 1.0)).contains("7 logits for the classes of ferplus-8"));
    assert!(load(&first_pixels(8, f32::NAN)).contains("not finite"));
    assert!(load(b"no graph").starts_with("classifier.onnx: "));
    let mut net = ExpressionNet::load(&spec(1.0), &first_pixels(8, 1.0)).unwrap();
    let error = net.classify_row(&[0; 2303]).unwrap_err().to_string();
    assert!(error.contains("2303 pixels are not a square"), "{error}");
    let huge = ClassifierSpec {
        preprocess: Preprocess { size: usize::MAX, ..Preprocess::default() },
        ..spec(1.0)
    };
    let error = ExpressionNet::load(&huge, &first_pixels(8, 1.0)).err().unwrap().to_string();
    assert!(error.contains("preprocess.size"), "{error}");
}

#[test]
fn a_row_of_another_side_is_resampled_as_its_face_would_be() {
    let mut net = ExpressionNet::load(&spec(1.0), &first_pixels(8, 1.0)).unwrap();
    for side in [24, 44, 96, 224] {
        // A gradient, so that rounding of the face's points changes values by rounding only.
        let value = |i: usize| (128 * (i % side + i / side) / side) as u8;
        let pixels: Vec<u8> = (0..side * side).map(value).collect();
        let ready = net.classify_row(&pixels).unwrap().to_vec();
        let frame = Luma::from_raw(side, side, pixels).unwrap();
        let face = net.face_of_row(side);
        for (a, b) in net.classify(&frame, &face).unwrap().iter().zip(&ready) {
            assert!((a - b).abs() < 0.01, "{side}: {a} {b}");
        }
    }
}
