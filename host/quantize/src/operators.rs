//! How each operator is quantized.

use tract_onnx::pb::NodeProto;

use crate::error::QuantizeError;
use crate::layer::{Bias, bias_of, weights_of};
use crate::onnx::OnnxGraph;
use crate::onnx::node::{float, int, label, text};
use crate::settings::Arithmetic;

/// How an operator is treated in an integer graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// A layer with weights and an integer form.
    Layer,
    /// Moves values without computing, integers as well as floats.
    Moves,
    /// Computes in floats, between a `DequantizeLinear` and a `QuantizeLinear`.
    Float,
    /// As above, and its output is never quantized: tract turns `DequantizeLinear`, `Softmax`, `QuantizeLinear` into a
    /// lookup table of ones.
    StaysFloat,
}

/// Every operator that an integer graph may hold.
const OPERATORS: &[(&str, Treatment)] = &[
    ("Conv", Treatment::Layer),
    ("Gemm", Treatment::Layer),
    ("MatMul", Treatment::Layer),
    ("Flatten", Treatment::Moves),
    ("MaxPool", Treatment::Moves),
    ("Add", Treatment::Float),
    ("AveragePool", Treatment::Float),
    ("Clip", Treatment::Float),
    ("Concat", Treatment::Float),
    ("GlobalAveragePool", Treatment::Float),
    ("GlobalMaxPool", Treatment::Float),
    ("LeakyRelu", Treatment::Float),
    ("Mul", Treatment::Float),
    ("PRelu", Treatment::Float),
    ("Relu", Treatment::Float),
    ("Resize", Treatment::Float),
    ("Reshape", Treatment::Float),
    ("Sigmoid", Treatment::Float),
    ("Squeeze", Treatment::Float),
    ("Sub", Treatment::Float),
    ("Transpose", Treatment::Float),
    ("Unsqueeze", Treatment::Float),
    ("LogSoftmax", Treatment::StaysFloat),
    ("Softmax", Treatment::StaysFloat),
];

pub(crate) fn treatment(node: &NodeProto) -> Option<Treatment> {
    let found = OPERATORS.iter().find(|(name, _)| *name == node.op_type);
    let treatment = found.map(|(_, treatment)| *treatment)?;
    // Nearest-neighbour resizing copies values.
    let nearest = node.op_type == "Resize" && text(node, "mode", "nearest") == "nearest";
    Some(if nearest { Treatment::Moves } else { treatment })
}

/// Refuses operators that `arithmetic` does not support.
///
/// # Errors
/// [`QuantizeError::Unsupported`] naming the node, [`QuantizeError::NoLayer`] when nothing has weights.
pub(crate) fn check(graph: &OnnxGraph, arithmetic: Arithmetic) -> Result<(), QuantizeError> {
    if !graph.nodes.iter().any(|node| weights_of(graph, node).is_some()) {
        return Err(QuantizeError::NoLayer);
    }
    for node in &graph.nodes {
        let is_lowered = arithmetic == Arithmetic::Int8 || weights_of(graph, node).is_some();
        let written = node.output.iter().filter(|value| !value.is_empty()).count();
        if is_lowered && written != 1 {
            let why = format!("it writes {written} values, where one is expected");
            return Err(QuantizeError::Unsupported { node: label(node), why });
        }
    }
    for node in graph.nodes.iter().filter(|_| arithmetic == Arithmetic::Int8) {
        if treatment(node).is_none() {
            let why = format!("{} has no integer form here", node.op_type);
            return Err(QuantizeError::Unsupported { node: label(node), why });
        }
        if weights_of(graph, node).is_some() && matches!(bias_of(graph, node), Bias::Other) {
            let why = "only a constant bias of floats has an integer form here".to_owned();
            return Err(QuantizeError::Unsupported { node: label(node), why });
        }
        let plain = int(node, "transA", 0) == 0
            && [float(node, "alpha", 1.0), float(node, "beta", 1.0)] == [1.0, 1.0];
        if node.op_type == "Gemm" && !plain {
            let why = "only alpha = beta = 1 and transA = 0 have an integer form here".to_owned();
            return Err(QuantizeError::Unsupported { node: label(node), why });
        }
    }
    Ok(())
}

/// The float values whose ranges are needed, except the graph's input.
pub(crate) fn activations(graph: &OnnxGraph) -> Vec<String> {
    let known = graph.nodes.iter().filter(|node| treatment(node).is_some());
    known.filter_map(|node| node.output.first().cloned()).collect()
}
