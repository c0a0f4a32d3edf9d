use emocue_models::geometry::Rect;
use emocue_models::luma::Luma;
use emocue_run::single_shot::{SingleShot, SingleShotSettings};
use emocue_run::{Detector, Session};

use super::*;
use emocue_quantize::onnx::pb::tensor_proto::DataType;
use emocue_quantize::onnx::{Array, Attribute, Conv, Dim, GraphBuilder, pb};
use prost::Message as _;
use tract_onnx::prelude::f16;

/// A convolution over `planes`, a pool and a softmax.
fn theirs(planes: usize) -> Vec<u8> {
    let mut graph = GraphBuilder::new("theirs");
    let dims = [Dim::Fixed(1), Dim::Fixed(planes), Dim::Fixed(8), Dim::Fixed(8)];
    let x = graph.input("pixels", &dims);
    let weight: Vec<f32> = (0..4 * planes * 9).map(|i| (i % 7) as f32 - 3.0).collect();
    let shape = [4, planes, 3, 3];
    let x = graph.conv("conv", &x, Array::new(&shape, &weight), None, Conv::default());
    let x = graph.global_average_pool("mean", &x);
    let x = graph.flatten("flat", &x);
    let x = graph.node("Softmax", "probabilities", &[&x], &[]);
    graph.output(&x, &[Dim::Fixed(1), Dim::Fixed(4)]);
    graph.finish().unwrap().to_bytes()
}

fn run(onnx: &[u8], planes: usize) -> Vec<f32> {
    let session = Session::load("net", onnx, &[1, planes, 8, 8]).unwrap();
    let fill = |input: &mut [f32]| {
        input.iter_mut().enumerate().for_each(|(at, v)| *v = (at % 64 * 5 % 17) as f32 / 17.0);
    };
    let outputs = session.run(fill).unwrap();
    outputs.get(0).unwrap().to_vec()
}

#[test]
fn a_colour_classifier_answers_grey_pictures_the_same() {
    let expected = run(&theirs(3), 3);
    let found = run(&classifier(&theirs(3)).unwrap(), 1);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

/// The same graph in another form.
fn changed(onnx: &[u8], change: impl Fn(&mut pb::GraphProto)) -> Vec<u8> {
    let mut model = pb::ModelProto::decode(onnx).unwrap();
    change(model.graph.as_mut().unwrap());
    model.encode_to_vec()
}

/// Changes a graph into another form of the same.
type Form = fn(&mut pb::GraphProto);

/// Initializers as `Constant` nodes, as some exporters write them.
fn as_nodes(graph: &mut pb::GraphProto) {
    for tensor in std::mem::take(&mut graph.initializer) {
        let node = pb::NodeProto {
            op_type: "Constant".to_owned(),
            output: vec![tensor.name.clone()],
            attribute: vec![pb::AttributeProto {
                name: "value".to_owned(),
                r#type: pb::attribute_proto::AttributeType::Tensor as i32,
                t: Some(tensor),
                ..pb::AttributeProto::default()
            }],
            ..pb::NodeProto::default()
        };
        graph.node.insert(0, node);
    }
}

/// Every float of the graph with 16 bits.
fn as_halves(graph: &mut pb::GraphProto) {
    for tensor in &mut graph.initializer {
        let half = |bytes: &[u8]| {
            f16::from_f32(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).to_bits()
        };
        if tensor.data_type == DataType::Float as i32 {
            let words = tensor.raw_data.chunks_exact(4);
            tensor.raw_data = words.flat_map(|word| half(word).to_le_bytes()).collect();
            tensor.data_type = DataType::Float16 as i32;
        }
    }
    for value in graph.input.iter_mut().chain(&mut graph.output) {
        if let Some(type_proto::Value::TensorType(tensor)) =
            value.r#type.as_mut().and_then(|of| of.value.as_mut())
        {
            tensor.elem_type = DataType::Float16 as i32;
        }
    }
}

/// An `Identity` between the picture and the network.
fn behind_identity(graph: &mut pb::GraphProto) {
    graph.node[0].input[0] = "same".to_owned();
    let node = pb::NodeProto {
        op_type: "Identity".to_owned(),
        input: vec!["pixels".to_owned()],
        output: vec!["same".to_owned()],
        ..pb::NodeProto::default()
    };
    graph.node.insert(0, node);
}

#[test]
fn colours_are_folded_whatever_form_the_weights_have() {
    let expected = run(&theirs(3), 3);
    let forms: [(&str, Form); 3] =
        [("nodes", as_nodes), ("halves", as_halves), ("identity", behind_identity)];
    for (name, form) in forms {
        let found = run(&classifier(&changed(&theirs(3), form)).unwrap(), 1);
        for (found, expected) in found.iter().zip(&expected) {
            // The weights are small integers, which 16 bits hold.
            assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
        }
    }
}

#[test]
fn a_refusal_names_what_the_graph_really_has() {
    let bytes = changed(&theirs(3), |graph| {
        if let Some(type_proto::Value::TensorType(tensor)) =
            graph.input[0].r#type.as_mut().and_then(|of| of.value.as_mut())
        {
            tensor.elem_type = DataType::Uint8 as i32;
        }
    });
    let error = classifier(&bytes).unwrap_err();
    assert!(error.to_string().contains("\"pixels\" takes uint8"), "{error}");
    assert!(error.help().unwrap().contains("32-bit floats"));
    let computed = changed(&theirs(3), |graph| {
        let weight = std::mem::replace(&mut graph.node[0].input[1], "copy".to_owned());
        let node = pb::NodeProto {
            op_type: "Neg".to_owned(),
            input: vec![weight],
            output: vec!["copy".to_owned()],
            ..pb::NodeProto::default()
        };
        graph.node.insert(0, node);
    });
    let error = classifier(&computed).unwrap_err();
    assert!(
        error.to_string().contains("conv (Conv) reads the colours, and its weights"),
        "{error}"
    );
    assert!(error.help().unwrap().contains("constant folding"));
}

/// A YuNet for 64 px that takes a white cell at stride 8 for a face.
fn tiny_yunet() -> Vec<u8> {
    let mut graph = GraphBuilder::new("tiny");
    let fixed = [1, 3, 64, 64].map(Dim::Fixed);
    let x = graph.input("input", &fixed);
    let mut outputs = Vec::new();
    for (kind, each) in YUNET_KINDS.into_iter().zip([1, 1, 4, 10]) {
        for stride in YUNET_STRIDES {
            let name = format!("{kind}_{stride}");
            let sees = stride == 8 && each == 1;
            let area = stride * stride;
            let weight = if sees { 0.05 / (3 * area) as f32 } else { 0.0 };
            let shape = [each, 3, stride, stride];
            let weights = vec![weight; each * 3 * area];
            let bias = vec![if each == 1 { -6.0 } else { 0.0 }; each];
            let how = Conv { stride: [stride; 2], ..Conv::default() };
            let maps = Array::new(&shape, &weights);
            let maps = graph.conv(&format!("{name} maps"), &x, maps, Some(&bias), how);
            let last = Attribute::Ints(vec![0, 2, 3, 1]);
            let cells = format!("{name} cells");
            let cells = graph.node("Transpose", &cells, &[&maps], &[("perm", last)]);
            let target = graph.integers(&format!("{name} shape"), &[1, -1, each as i64]);
            let rows = if each == 1 { format!("{name} rows") } else { name.clone() };
            let mut value = graph.node("Reshape", &rows, &[&cells, &target], &[]);
            if each == 1 {
                value = graph.sigmoid(&name, &value);
            }
            outputs.push((value, (64 / stride) * (64 / stride), each));
        }
    }
    // Not in the order in which they are read.
    for (value, cells, each) in outputs.iter().rev() {
        graph.output(value, &[1, *cells, *each].map(Dim::Fixed));
    }
    graph.finish().unwrap().to_bytes()
}

#[test]
fn a_yunet_of_one_size_finds_faces_in_frames_of_any() {
    let adopted = yunet(&tiny_yunet()).unwrap();
    let settings = SingleShotSettings { min_face: 20.0, ..SingleShotSettings::default() };
    let mut net = SingleShot::load(&adopted, Outputs::Yunet, None, settings).unwrap();
    for (width, height) in [(64, 64), (200, 100), (50, 90)] {
        let mut frame = Luma::new(width, height);
        for y in 16..24 {
            frame.pixels_mut()[y * width + 24..y * width + 32].fill(255);
        }
        let mut faces = Vec::new();
        net.detect(&frame, &mut faces).unwrap();
        assert_eq!(faces.len(), 1, "{width}x{height}: {faces:?}");
        // With all outputs 0, a box has the size of its cell and is centred on the cell's corner.
        let expected = Rect::new(20.0, 12.0, 8.0, 8.0);
        assert!(faces[0].rect.iou(&expected) > 0.99, "{faces:?}");
        assert!(faces[0].score > 0.99);
    }
    net.detect(&Luma::default(), &mut Vec::new()).unwrap();
}

#[test]
fn another_network_is_refused() {
    let text = yunet(&theirs(3)).unwrap_err().to_string();
    assert!(text.contains("cls_8") && text.contains("probabilities"), "{text}");
    let text = classifier(&theirs(2)).unwrap_err().to_string();
    assert!(text.contains("[1, 2, 8, 8]"), "{text}");
    let mut graph = GraphBuilder::new("theirs");
    let colours = [Dim::Fixed(1), Dim::Fixed(3), Dim::Fixed(8), Dim::Fixed(8)];
    let x = graph.input("pixels", &colours);
    let x = graph.relu("first of all", &x);
    graph.output(&x, &colours);
    let onnx = graph.finish().unwrap().to_bytes();
    let text = classifier(&onnx).unwrap_err().to_string();
    assert!(text.contains("first of all (Relu) reads the colours"), "{text}");
}
