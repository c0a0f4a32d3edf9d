//! Graphs that others made, as the badge needs them: luma instead of colours, any size where the network allows it,
//! logits instead of probabilities.

use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{TensorShapeProto, type_proto};

use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::node::label;
use emocue_quantize::onnx::{Constant, GraphReadError, OnnxGraph, Values};

/// A graph cannot be adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] GraphReadError),
    /// An input that is not a picture, channels first.
    #[error("its input {0:?} is not a picture [N,1,H,W] or [N,3,H,W]")]
    Input(Vec<i64>),
    /// Colours that something else than a convolution reads.
    #[error("{node} reads the colours")]
    Colours {
        /// Which node.
        node: String,
    },
    /// Other outputs than the kind has.
    #[error("it has the outputs {actual:?}, a {kind} has {expected}")]
    Outputs {
        /// What it was taken for.
        kind: &'static str,
        /// Their names.
        actual: Vec<String>,
        /// What is needed.
        expected: String,
    },
}

impl Failure for AdoptError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Open(error) => return error.help(),
            Self::Outputs { .. } => return None,
            Self::Input(_) => "Export the network with its channels first.",
            Self::Colours { .. } => {
                "Only networks that begin with a convolution can be folded to luma; export it without preprocessing inside."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// YuNet's outputs: kinds by strides, in the order that the badge reads them.
const YUNET_KINDS: [&str; 4] = ["cls", "obj", "bbox", "kps"];
const YUNET_STRIDES: [usize; 3] = [8, 16, 32];

/// A YuNet as OpenCV's model zoo has it, folded to luma, for pictures of any size that is a multiple of 32.
///
/// # Errors
/// [`AdoptError`] when the graph is not such a network.
pub fn yunet(onnx: &[u8]) -> Result<Vec<u8>, AdoptError> {
    let mut graph = OnnxGraph::read(onnx)?;
    fold_colours(&mut graph)?;
    set_input(&mut graph, [None, None]);
    let kinds = YUNET_KINDS.iter();
    let names = kinds.flat_map(|kind| YUNET_STRIDES.map(|stride| format!("{kind}_{stride}")));
    let mut outputs = Vec::new();
    for name in names.clone() {
        let found = graph.outputs.iter().find(|output| output.name == name).cloned();
        outputs.push(found.ok_or_else(|| AdoptError::Outputs {
            kind: "YuNet",
            actual: graph.outputs.iter().map(|output| output.name.clone()).collect(),
            expected: names.clone().collect::<Vec<_>>().join(", "),
        })?);
    }
    graph.outputs = outputs;
    forget_output_shapes(&mut graph);
    Ok(graph.to_bytes())
}

/// A classifier of square pictures, folded to luma, answering logits. Its classes and preprocessing are the
/// caller's to add.
///
/// # Errors
/// [`AdoptError`] when the graph does not take pictures or has no answer.
pub fn classifier(onnx: &[u8]) -> Result<Vec<u8>, AdoptError> {
    let mut graph = OnnxGraph::read(onnx)?;
    let (_, height, width) = fold_colours(&mut graph)?;
    set_input(&mut graph, [height, width]);
    let Some(answer) = graph.outputs.first().cloned() else {
        let expected = "one: logits or probabilities".to_owned();
        return Err(AdoptError::Outputs { kind: "classifier", actual: Vec::new(), expected });
    };
    graph.outputs.truncate(1);
    // The badge takes the softmax itself, after dividing by its temperature.
    let last = graph.nodes.iter().position(|node| node.output.first() == Some(&answer.name));
    if let Some(last) = last.filter(|at| graph.nodes[*at].op_type == "Softmax") {
        let node = graph.nodes.remove(last);
        graph.outputs[0].name.clone_from(&node.input[0]);
    }
    forget_output_shapes(&mut graph);
    Ok(graph.to_bytes())
}

/// Sums the weights of three colour planes, which is what they do together on a grey picture. Returns the number of
/// planes and the fixed height and width.
fn fold_colours(graph: &mut OnnxGraph) -> Result<(i64, Option<i64>, Option<i64>), AdoptError> {
    let dims = input_dims(graph);
    let fixed = |at: usize| dims.get(at).copied().filter(|size| *size > 0);
    let planes = match (dims.len(), fixed(1)) {
        (4, Some(planes @ (1 | 3))) => planes,
        _ => return Err(AdoptError::Input(dims)),
    };
    if planes == 3 {
        for at in graph.readers(&graph.input.name.clone()) {
            let node = &graph.nodes[at];
            let colours = || AdoptError::Colours { node: label(node) };
            let weight = graph.constant_of(node, 1).filter(|_| node.op_type == "Conv");
            let weight = weight.ok_or_else(colours)?;
            let (shape, values) = (&weight.shape, weight.floats().ok_or_else(colours)?);
            let [outputs, 3, rest @ ..] = shape.as_slice() else { return Err(colours()) };
            let area: usize = rest.iter().product();
            let sum = |kernel: &[f32]| -> Vec<f32> {
                (0..area).map(|at| kernel[at..].iter().step_by(area).sum()).collect()
            };
            let folded = Constant {
                shape: [&[*outputs, 1], rest].concat(),
                values: Values::F32(values.chunks_exact(3 * area).flat_map(sum).collect()),
            };
            let name = format!("{}.luma", node.input[1]);
            graph.nodes[at].input[1].clone_from(&name);
            graph.constants.insert(name, folded);
        }
        graph.drop_unread();
    }
    Ok((planes, fixed(2), fixed(3)))
}

/// Sizes of the input's axes; 0 where one is open.
fn input_dims(graph: &OnnxGraph) -> Vec<i64> {
    let Some(type_proto::Value::TensorType(tensor)) =
        graph.input.r#type.as_ref().and_then(|of| of.value.as_ref())
    else {
        return Vec::new();
    };
    let size = |dim: &Dimension| match dim.value {
        Some(dimension::Value::DimValue(size)) => size,
        _ => 0,
    };
    tensor.shape.as_ref().map(|shape| shape.dim.iter().map(size).collect()).unwrap_or_default()
}

/// Makes the input `[N,1,H,W]`; a size that is not given stays open.
fn set_input(graph: &mut OnnxGraph, sides: [Option<i64>; 2]) {
    let dim = |size: Option<i64>, name: &str| Dimension {
        value: Some(match size {
            Some(size) => dimension::Value::DimValue(size),
            None => dimension::Value::DimParam(name.to_owned()),
        }),
        ..Dimension::default()
    };
    let shape = vec![dim(None, "N"), dim(Some(1), ""), dim(sides[0], "H"), dim(sides[1], "W")];
    if let Some(type_proto::Value::TensorType(tensor)) =
        graph.input.r#type.as_mut().and_then(|of| of.value.as_mut())
    {
        tensor.shape = Some(TensorShapeProto { dim: shape });
    }
}

/// Sizes of outputs follow from the input's.
fn forget_output_shapes(graph: &mut OnnxGraph) {
    for output in &mut graph.outputs {
        if let Some(type_proto::Value::TensorType(tensor)) =
            output.r#type.as_mut().and_then(|of| of.value.as_mut())
        {
            let dims = tensor.shape.iter_mut().flat_map(|shape| &mut shape.dim);
            dims.for_each(|dim| *dim = Dimension::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Rect;
    use emocue_models::luma::Luma;
    use emocue_run::yunet::{Yunet, YunetSettings};
    use emocue_run::{Detector, Session};

    use super::*;
    use emocue_quantize::onnx::{Array, Attribute, Conv, Dim, GraphBuilder};

    /// A convolution over `planes`, pooled, with a softmax behind it.
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
    fn a_colour_classifier_answers_grey_pictures_in_logits() {
        let expected = run(&theirs(3), 3);
        let logits = run(&classifier(&theirs(3)).unwrap(), 1);
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        for (logit, probability) in logits.iter().zip(&expected) {
            assert!((logit.exp() / sum - probability).abs() < 1e-5, "{logits:?} {expected:?}");
        }
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
        // In another order than they are read.
        for (value, cells, each) in outputs.iter().rev() {
            graph.output(value, &[1, *cells, *each].map(Dim::Fixed));
        }
        graph.finish().unwrap().to_bytes()
    }

    #[test]
    fn a_yunet_of_one_size_finds_faces_in_frames_of_any() {
        let adopted = yunet(&tiny_yunet()).unwrap();
        let settings = YunetSettings { min_face: 20.0, ..YunetSettings::default() };
        let mut net = Yunet::load(&adopted, settings).unwrap();
        for (width, height) in [(64, 64), (200, 100), (50, 90)] {
            let mut frame = Luma::new(width, height);
            for y in 16..24 {
                frame.pixels_mut()[y * width + 24..y * width + 32].fill(255);
            }
            let mut faces = Vec::new();
            net.detect(&frame, &mut faces).unwrap();
            assert_eq!(faces.len(), 1, "{width}x{height}: {faces:?}");
            // Without any shift a box is as large as its cell, about the cell's corner.
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
}
