//! Layers with constant weights: what is quantized.

use tract_onnx::pb::NodeProto;

use crate::onnx::node::{groups, int};
use crate::onnx::{Constant, OnnxGraph};

/// Channels of `value` as the layers that read it count them; 1 where none does.
pub(crate) fn channels(graph: &OnnxGraph, value: &str) -> usize {
    let readers = graph.readers(value).into_iter();
    let first = |at: &usize| graph.nodes[*at].input.first().is_some_and(|input| input == value);
    let layers = readers.filter(first).filter_map(|at| weights_of(graph, &graph.nodes[at]));
    layers.map(|layer| layer.inputs).next().unwrap_or(1)
}

/// A layer with constant weights.
pub(crate) struct Weighted<'a> {
    pub(crate) weight: &'a Constant,
    /// The axis of the output channels.
    pub(crate) axis: usize,
    /// Input channels, which the bias correction needs.
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

pub(crate) fn weights_of<'a>(graph: &'a OnnxGraph, node: &NodeProto) -> Option<Weighted<'a>> {
    let weight = graph.constant_of(node, 1)?;
    weight.floats()?;
    let shape = &weight.shape;
    let (axis, inputs) = match (node.op_type.as_str(), shape.len()) {
        ("Conv", 3..) => (0, shape[1] * groups(node)),
        ("Gemm", 2) if int(node, "transB", 0) != 0 => (0, shape[1]),
        ("Gemm" | "MatMul", 2) => (1, shape[0]),
        _ => return None,
    };
    Some(Weighted { weight, axis, inputs, outputs: shape[axis] })
}
