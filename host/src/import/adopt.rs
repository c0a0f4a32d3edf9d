//! Adapts graphs of other projects to the badge: luma instead of colours, and a dynamic size if the network allows it.

use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{TensorShapeProto, type_proto};

use emocue_models::bundle::detector::Outputs;
use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::node::label;
use emocue_quantize::onnx::{Constant, GraphReadError, OnnxGraph, Values, check_finite};

/// A graph cannot be adapted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// It cannot be read.
    #[error(transparent)]
    Open(#[from] GraphReadError),
    /// The input is not a picture with channels first.
    #[error("its input {0:?} is not a picture [N,1,H,W] or [N,3,H,W]")]
    Input(Vec<i64>),
    /// An operator other than a convolution reads the colours.
    #[error("{node} reads the colours")]
    Colours {
        /// Name and operator of the node.
        node: String,
    },
    /// The weights of the first convolution cannot be summed.
    #[error(
        "{node} reads the colours, and its weights are not constants of 32-bit floats for 3 planes"
    )]
    ColourWeights {
        /// Name and operator of the node.
        node: String,
    },
    /// The outputs are not those of the kind.
    #[error("it has the outputs {actual:?}, a {kind} has {expected}")]
    Outputs {
        /// The expected kind.
        kind: &'static str,
        /// Their names.
        actual: Vec<String>,
        /// The expected outputs.
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
            Self::ColourWeights { .. } => {
                "Import the float network, exported with constant folding, and quantize it afterwards."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Open(GraphReadError::NotFinite { .. }) => exit::NETWORK,
            _ => exit::INPUT,
        }
    }
}

/// YuNet's outputs: kinds by strides, in the order that the badge reads them.
const YUNET_KINDS: [&str; 4] = ["cls", "obj", "bbox", "kps"];
const YUNET_STRIDES: [usize; 3] = [8, 16, 32];

/// Adapts YuNet from OpenCV's model zoo: its input is folded to luma, and its size is dynamic, a multiple of 32 px.
///
/// # Errors
/// [`AdoptError`] when the graph is not such a network.
pub fn yunet(onnx: &[u8]) -> Result<Vec<u8>, AdoptError> {
    check_finite(onnx)?;
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

/// The layout of a single-network detector's outputs, according to their number.
///
/// # Errors
/// [`AdoptError`] when the graph is not such a detector.
pub fn outputs_of(onnx: &[u8]) -> Result<Outputs, AdoptError> {
    let graph = OnnxGraph::read(onnx)?;
    let names: Vec<&str> = graph.outputs.iter().map(|output| output.name.as_str()).collect();
    match names[..] {
        [_, _, _, _, _, _, _, _, _, _, _, _] => Ok(Outputs::Yunet),
        ["cells8", "cells16", "cells32"] => Ok(Outputs::Face),
        _ => Err(AdoptError::Outputs {
            kind: "detector",
            actual: names.into_iter().map(str::to_owned).collect(),
            expected: "12 (YuNet), or cells8, cells16, cells32 (emocue-face)".to_owned(),
        }),
    }
}

/// Adapts a classifier of square pictures: its input is folded to luma, and only its first output is kept. The caller
/// adds classes and preprocessing; [`ClassifierModel::from_onnx`](emocue_data::model::ClassifierModel::from_onnx) turns
/// its output into logits.
///
/// # Errors
/// [`AdoptError`] when the input is not a picture or there is no output.
pub fn classifier(onnx: &[u8]) -> Result<Vec<u8>, AdoptError> {
    check_finite(onnx)?;
    let mut graph = OnnxGraph::read(onnx)?;
    let (height, width) = fold_colours(&mut graph)?;
    set_input(&mut graph, [height, width]);
    if graph.outputs.is_empty() {
        let expected = "one: logits or probabilities".to_owned();
        return Err(AdoptError::Outputs { kind: "classifier", actual: Vec::new(), expected });
    }
    graph.outputs.truncate(1);
    forget_output_shapes(&mut graph);
    Ok(graph.to_bytes())
}

/// Sums the weights over three colour planes, which is equivalent for a grey picture. Returns the fixed height and
/// width.
fn fold_colours(graph: &mut OnnxGraph) -> Result<(Option<i64>, Option<i64>), AdoptError> {
    graph.drop_passing();
    let dims = input_dims(graph);
    let fixed = |at: usize| dims.get(at).copied().filter(|size| *size > 0);
    let planes = match (dims.len(), fixed(1)) {
        (4, Some(planes @ (1 | 3))) => planes,
        _ => return Err(AdoptError::Input(dims)),
    };
    if planes == 3 {
        for at in graph.readers(&graph.input.name.clone()) {
            let node = &graph.nodes[at];
            if node.op_type != "Conv" {
                return Err(AdoptError::Colours { node: label(node) });
            }
            let unsuitable = || AdoptError::ColourWeights { node: label(node) };
            let weight = graph.constant_of(node, 1).ok_or_else(unsuitable)?;
            let (shape, values) = (&weight.shape, weight.floats().ok_or_else(unsuitable)?);
            let [outputs, 3, rest @ ..] = shape.as_slice() else { return Err(unsuitable()) };
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
    Ok((fixed(2), fixed(3)))
}

/// Sizes of the input's axes; 0 for a dynamic one.
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

/// Sets the input's shape to `[N,1,H,W]`; a side that is `None` is dynamic.
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

/// Removes the outputs' shapes, since they follow from the input's.
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
mod tests;
