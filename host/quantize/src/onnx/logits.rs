//! Removes the softmax at the end of a classifier, so that its output is logits: the program that runs it applies the
//! softmax.

use std::collections::HashSet;

use prost::Message as _;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::bounds::decode;
use super::constant::{Constant, Values};
use super::error::GraphReadError;
use super::node::{constant_node, float, int, label};
use super::{finite, widen};

/// Operators that keep the values and change at most their shape or type.
const PASSING: &[&str] =
    &["Identity", "Dropout", "Cast", "Flatten", "Reshape", "Squeeze", "Unsqueeze"];
/// Operators at the end of a network whose outputs are not logits and cannot be turned into logits.
const SQUASHED: &[&str] = &["Sigmoid", "HardSigmoid", "Hardmax"];
/// Operators that compute probabilities.
const PROBABILITY: &[&str] = &["Softmax", "Sigmoid", "HardSigmoid", "Hardmax", "Exp"];
/// Layers with weights: the search for the end of the network stops at them.
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

/// A classifier whose first output is logits, as far as its graph tells.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitGraph {
    /// The content of an `.onnx` file; `None` if the graph is unchanged.
    pub onnx: Option<Vec<u8>>,
    /// A node after the last layer whose operator may turn logits into probabilities; only a run of the graph tells.
    pub suspect: Option<String>,
}

/// Removes the final softmax, and a `Clip` after it, from each output of the classifier `onnx`, converts 16-bit floats
/// to 32-bit floats, and refuses weights that are not finite.
///
/// # Errors
/// [`GraphReadError::NotFinite`] for such a weight, [`GraphReadError::Squashed`] for a final operator that cannot be
/// removed, and for a second one before a removed softmax, [`GraphReadError::Undefined`] for nodes that are not in
/// order of computation, [`GraphReadError::Onnx`] when the bytes are not an ONNX graph.
pub fn to_logits(onnx: &[u8]) -> Result<LogitGraph, GraphReadError> {
    let mut model = decode(onnx)?;
    finite::check(&model)?;
    let mut changed = widen::widen(&mut model);
    let Some(graph) = &mut model.graph else {
        return Ok(LogitGraph { onnx: None, suspect: None });
    };
    for output in 0..graph.output.len() {
        match take_off(graph, output) {
            Ok(None) => {}
            Ok(Some(_)) => {
                changed = true;
                // A second softmax: removing it would change the results, and with it the output is not logits.
                match take_off(graph, output) {
                    Ok(None) => {}
                    Ok(Some(node)) => return Err(GraphReadError::Squashed { node }),
                    Err(_) if output > 0 => {}
                    Err(error) => return Err(error),
                }
            }
            // Outputs besides the first may be anything.
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

/// Removes the final softmax of the output with index `output`, and returns the node's label; `None` if there is none.
fn take_off(graph: &mut GraphProto, output: usize) -> Result<Option<String>, GraphReadError> {
    let Some(answer) = graph.output.get(output) else { return Ok(None) };
    let mut value = answer.name.clone();
    let mut clips = Vec::new();
    let mut reader = None;
    while let Some(at) = writer(graph, &value) {
        let node = &graph.node[at];
        // Each node has to come before its reader, so the loop ends even if nodes form a cycle.
        if let Some(reader) = reader.filter(|reader| at >= *reader) {
            return Err(GraphReadError::Undefined { node: label(&graph.node[reader]), value });
        }
        reader = Some(at);
        let op = node.op_type.as_str();
        if SQUASHED.contains(&op) {
            return Err(GraphReadError::Squashed { node: label(node) });
        }
        if op == "Softmax" && [-1, 1].contains(&int(node, "axis", -1)) {
            // A `Clip` to the range of probabilities is wrong for logits.
            clips.push(node.output[0].clone());
            let is_read = |value: &String| graph.node.iter().any(|node| node.input.contains(value));
            if output > 0 && is_read(&value) {
                // An attention map, on which the classifier's output depends.
                return Ok(None);
            }
            let taken = label(node);
            clips.iter().for_each(|value| bypass(graph, value));
            return Ok(Some(taken));
        }
        if op == "Clip" && keeps_probabilities(graph, node) {
            clips.push(value.clone());
        } else if !PASSING.contains(&op) {
            return Ok(None);
        }
        let Some(input) = node.input.first() else { return Ok(None) };
        value = input.clone();
    }
    Ok(None)
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

/// Whether the range of a `Clip` includes 0.001 to 0.999.
fn keeps_probabilities(graph: &GraphProto, node: &NodeProto) -> bool {
    let bound = |at: usize, name: &str, open: f32| match node.input.get(at) {
        Some(input) if !input.is_empty() => scalar(graph, input),
        _ => Some(float(node, name, open)),
    };
    bound(1, "min", f32::MIN).is_some_and(|low| low <= 0.001)
        && bound(2, "max", f32::MAX).is_some_and(|high| high >= 0.999)
}

/// The constant `name`, if it is a single float.
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

/// A node between the last layers and the first output that computes probabilities.
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

    /// Three `Flatten` in a row; `change` receives their nodes.
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
    fn a_softmax_is_taken_off_once_and_refused_behind_another_end() {
        let ends_in = |ops: [&str; 2]| {
            three(|nodes| {
                for (node, op) in nodes[1..].iter_mut().zip(ops) {
                    node.op_type = op.to_owned();
                }
            })
        };
        let taken = to_logits(&ends_in(["Flatten", "Softmax"])).unwrap().onnx.unwrap();
        assert_eq!(to_logits(&taken).unwrap(), LogitGraph { onnx: None, suspect: None });
        for ops in [["Sigmoid", "Softmax"], ["Softmax", "Softmax"], ["Hardmax", "Softmax"]] {
            let error = to_logits(&ends_in(ops)).unwrap_err();
            let GraphReadError::Squashed { node } = &error else { panic!("{error}") };
            assert!(node.contains(ops[0]) && node.contains("second"), "{error}");
        }
    }

    #[test]
    fn a_value_with_two_writers_is_refused() {
        assert!(OnnxGraph::read(&three(|_| ())).is_ok());
        let twice = three(|nodes| nodes[1].output[0] = nodes[0].output[0].clone());
        let error = OnnxGraph::read(&twice).unwrap_err();
        assert!(matches!(error, GraphReadError::WrittenTwice { .. }), "{error}");
    }
}
