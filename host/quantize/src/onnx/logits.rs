//! Classifiers that answer probabilities, as classifiers that answer logits: the program that runs them takes the
//! softmax.

use std::collections::HashSet;

use prost::Message as _;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::bounds::decode;
use super::constant::{Constant, Values};
use super::error::GraphReadError;
use super::node::{constant_node, float, int, label};
use super::{finite, widen};

/// What moves values on as they are, or their shape alone.
const PASSING: &[&str] =
    &["Identity", "Dropout", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze"];
/// Ends of a network whose values are not logits and cannot be made logits.
const SQUASHED: &[&str] = &["Sigmoid", "HardSigmoid", "Hardmax"];
/// Operators that probabilities are made with.
const PROBABILITY: &[&str] = &["Softmax", "Sigmoid", "HardSigmoid", "Hardmax", "Exp"];
/// Layers with weights: what stands before them is no longer the answer.
const LAYERS: &[&str] = &[
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "GRU",
    "Gemm",
    "LSTM",
    "MatMul",
    "MatMulInteger",
    "QLinearConv",
    "QLinearMatMul",
];

/// A classifier whose first output is logits, as far as its graph shows.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitGraph {
    /// The content of an `.onnx` file; `None` where the graph is as it was.
    pub onnx: Option<Vec<u8>>,
    /// A node behind the last layer that may make the answer something else; only running it tells.
    pub suspect: Option<String>,
}

/// Takes the softmax off the ends of the classifier `onnx`, with what is harmless behind it, makes its 16-bit floats
/// 32-bit floats, and refuses weights that are not finite.
///
/// # Errors
/// [`GraphReadError::NotFinite`] for such a weight, [`GraphReadError::Squashed`] for an end that cannot be taken off,
/// [`GraphReadError::Onnx`] when the bytes are not a graph.
pub fn to_logits(onnx: &[u8]) -> Result<LogitGraph, GraphReadError> {
    let mut model = decode(onnx)?;
    finite::check(&model)?;
    let mut changed = widen::widen(&mut model);
    let Some(graph) = &mut model.graph else {
        return Ok(LogitGraph { onnx: None, suspect: None });
    };
    for output in 0..graph.output.len() {
        match take_off(graph, output) {
            Ok(taken) => changed |= taken,
            // What stands beside the answer may be anything.
            Err(_) if output > 0 => {}
            Err(error) => return Err(error),
        }
    }
    let suspect = suspect(graph);
    Ok(LogitGraph { onnx: changed.then(|| model.encode_to_vec()), suspect })
}

fn writer(graph: &GraphProto, value: &str) -> Option<usize> {
    graph.node.iter().position(|node| node.output.iter().any(|output| output == value))
}

/// Removes the softmax that the output number `output` comes from; returns whether there was one.
fn take_off(graph: &mut GraphProto, output: usize) -> Result<bool, GraphReadError> {
    let Some(answer) = graph.output.get(output) else { return Ok(false) };
    let mut value = answer.name.clone();
    let mut clips = Vec::new();
    let mut reader = None;
    while let Some(at) = writer(graph, &value) {
        let node = &graph.node[at];
        // Nodes stand in the order of computation, so this ends even where they form a cycle.
        if let Some(reader) = reader.filter(|reader| at >= *reader) {
            return Err(GraphReadError::Undefined { node: label(&graph.node[reader]), value });
        }
        reader = Some(at);
        let op = node.op_type.as_str();
        if SQUASHED.contains(&op) {
            return Err(GraphReadError::Squashed { node: label(node) });
        }
        if op == "Softmax" && [-1, 1].contains(&int(node, "axis", -1)) {
            // Bounds of probabilities are none of logits.
            clips.push(node.output[0].clone());
            let is_read = |value: &String| graph.node.iter().any(|node| node.input.contains(value));
            if output > 0 && is_read(&value) {
                // Attention, which the answer depends on.
                return Ok(false);
            }
            clips.iter().for_each(|value| bypass(graph, value));
            return Ok(true);
        }
        if op == "Clip" && keeps_probabilities(graph, node) {
            clips.push(value.clone());
        } else if !PASSING.contains(&op) {
            return Ok(false);
        }
        let Some(input) = node.input.first() else { return Ok(false) };
        value = input.clone();
    }
    Ok(false)
}

/// Removes the node that writes `value`; its readers get the node's input.
fn bypass(graph: &mut GraphProto, value: &str) {
    let Some(at) = writer(graph, value) else { return };
    let Some(input) = graph.node[at].input.first().cloned() else { return };
    graph.node.remove(at);
    let read = graph.node.iter_mut().flat_map(|node| &mut node.input);
    let written = graph.output.iter_mut().map(|output| &mut output.name);
    read.chain(written).filter(|name| *name == value).for_each(|name| name.clone_from(&input));
    graph.value_info.retain(|info| info.name != value);
}

/// Whether a `Clip` lets at least 0.001 to 0.999 pass.
fn keeps_probabilities(graph: &GraphProto, node: &NodeProto) -> bool {
    let bound = |at: usize, name: &str, open: f32| match node.input.get(at) {
        Some(input) if !input.is_empty() => scalar(graph, input),
        _ => Some(float(node, name, open)),
    };
    bound(1, "min", f32::MIN).is_some_and(|low| low <= 0.001)
        && bound(2, "max", f32::MAX).is_some_and(|high| high >= 0.999)
}

/// The constant `name`, where it is one float.
fn scalar(graph: &GraphProto, name: &str) -> Option<f32> {
    let initializer = graph.initializer.iter().find(|tensor: &&TensorProto| tensor.name == name);
    let constant = match initializer {
        Some(tensor) => Constant::read(tensor.clone()).ok()?,
        None => constant_node(&graph.node[writer(graph, name)?]).ok()??,
    };
    match constant.values {
        Values::F32(values) => values.first().copied(),
        _ => None,
    }
}

/// A node between the last layers and the first output that probabilities are made with.
fn suspect(graph: &GraphProto) -> Option<String> {
    let mut values = vec![graph.output.first()?.name.as_str()];
    let mut seen = HashSet::new();
    while let Some(value) = values.pop() {
        let Some(at) = writer(graph, value).filter(|at| seen.insert(*at)) else { continue };
        let node = &graph.node[at];
        if PROBABILITY.contains(&node.op_type.as_str()) {
            return Some(label(node));
        }
        if !LAYERS.contains(&node.op_type.as_str()) {
            values.extend(node.input.iter().map(String::as_str));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Dim, GraphBuilder, OnnxGraph};

    /// Three `Flatten` behind each other; `change` gets their nodes.
    fn three(change: impl FnOnce(&mut [NodeProto])) -> Vec<u8> {
        let mut graph = GraphBuilder::new("three");
        let mut value = graph.input("x", &[Dim::BATCH, Dim::Fixed(4)]);
        for name in ["first", "second", "third"] {
            value = graph.node("Flatten", name, &[&value], &[]);
        }
        graph.output(&value, &[Dim::BATCH, Dim::Fixed(4)]);
        let mut model = decode(&graph.finish().unwrap().to_bytes()).unwrap();
        change(&mut model.graph.as_mut().unwrap().node);
        model.encode_to_vec()
    }

    #[test]
    fn a_cycle_is_refused() {
        let good = three(|_| ());
        assert_eq!(to_logits(&good).unwrap(), LogitGraph { onnx: None, suspect: None });
        let cycle = three(|nodes| nodes[1].input[0] = nodes[2].output[0].clone());
        let error = to_logits(&cycle).unwrap_err();
        assert!(matches!(error, GraphReadError::Undefined { .. }), "{error}");
        let itself = three(|nodes| nodes[2].input[0] = nodes[2].output[0].clone());
        assert!(to_logits(&itself).is_err());
    }

    #[test]
    fn a_value_with_two_writers_is_refused() {
        assert!(OnnxGraph::read(&three(|_| ())).is_ok());
        let twice = three(|nodes| nodes[1].output[0] = nodes[0].output[0].clone());
        let error = OnnxGraph::read(&twice).unwrap_err();
        assert!(matches!(error, GraphReadError::WrittenTwice { .. }), "{error}");
    }
}
