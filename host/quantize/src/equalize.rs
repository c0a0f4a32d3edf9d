//! Cross-layer equalisation (Nagel et al. 2019): output channels of one layer are scaled down and the next layer's
//! input channels are scaled up by the same factors, so that all channels of a value have similar ranges. The graph's
//! function does not change.

use crate::layer::{Bias, bias_of, weights_of};
use crate::onnx::node::groups;
use crate::onnx::{Constant, OnnxGraph, Values};

/// Operators between two layers that commute with a positive factor for each channel.
const PASSING: &[&str] = &["Relu", "PRelu", "LeakyRelu", "MaxPool", "AveragePool"];

/// Equalises every pair of convolutions without another reader between them, repeatedly until the factors converge (8
/// passes at most); returns the number of pairs.
pub(crate) fn equalize(graph: &mut OnnxGraph) -> usize {
    let pairs: Vec<(usize, usize)> =
        (0..graph.nodes.len()).filter_map(|first| Some((first, partner(graph, first)?))).collect();
    for _ in 0..8 {
        let largest = pairs.iter().map(|(a, b)| balance(graph, *a, *b)).fold(1.0, f32::max);
        if largest < 1.01 {
            break;
        }
    }
    pairs.len()
}

/// The convolution that is the only reader of the output of node `first`.
fn partner(graph: &OnnxGraph, first: usize) -> Option<usize> {
    if !is_dense(graph, first) {
        return None;
    }
    let mut at = graph.only_reader(graph.nodes[first].output.first()?)?;
    while PASSING.contains(&graph.nodes[at].op_type.as_str()) {
        at = graph.only_reader(graph.nodes[at].output.first()?)?;
    }
    let own = |input: usize| {
        let name = graph.nodes[at].input.get(input)?;
        (graph.readers(name).len() == 1).then_some(())
    };
    is_dense(graph, at).then_some(at).filter(|_| own(1).is_some())
}

/// Whether the node is a convolution with one group whose constant weights and bias no other node reads.
fn is_dense(graph: &OnnxGraph, at: usize) -> bool {
    let node = &graph.nodes[at];
    let own = |name: &String| graph.readers(name).len() == 1;
    node.op_type == "Conv"
        && groups(node) == 1
        && node.input.iter().skip(1).all(own)
        && weights_of(graph, node).is_some()
        && !matches!(bias_of(graph, node), Bias::Other)
}

/// Scales the channels between two layers so that both sides' ranges become their geometric mean; returns the largest
/// factor.
fn balance(graph: &mut OnnxGraph, first: usize, second: usize) -> f32 {
    let (written, read) = (weights(graph, first), weights(graph, second));
    let (Some(written), Some(read)) = (written, read) else { return 1.0 };
    let channels = written.shape[0];
    if read.shape.get(1) != Some(&channels) {
        return 1.0;
    }
    let (own, inner) = (written.size / channels, read.shape[2..].iter().product::<usize>());
    let largest = |values: &mut dyn Iterator<Item = &f32>| values.fold(0f32, |m, v| m.max(v.abs()));
    let factors: Vec<f32> = (0..channels)
        .map(|channel| {
            let ours = largest(&mut written.values[channel * own..][..own].iter());
            let columns = read.values.chunks(channels * inner);
            let theirs = largest(&mut columns.flat_map(|row| &row[channel * inner..][..inner]));
            // A channel that is all zeros on either side is not scaled.
            if ours > 0.0 && theirs > 0.0 { (ours / theirs).sqrt().clamp(1e-3, 1e3) } else { 1.0 }
        })
        .collect();
    scale(graph, first, 1, |at| 1.0 / factors[at / own]);
    scale(graph, first, 2, |at| 1.0 / factors[at]);
    scale(graph, second, 1, |at| factors[at / inner % channels]);
    factors.iter().map(|factor| factor.max(1.0 / factor)).fold(1.0, f32::max)
}

struct Weights {
    shape: Vec<usize>,
    size: usize,
    values: Vec<f32>,
}

fn weights(graph: &OnnxGraph, at: usize) -> Option<Weights> {
    let constant = graph.constant_of(&graph.nodes[at], 1)?;
    let values = constant.floats()?.to_vec();
    (constant.shape.len() > 1 && !values.is_empty()).then(|| Weights {
        shape: constant.shape.clone(),
        size: values.len(),
        values,
    })
}

/// Multiplies input number `input` of a node, value by value.
fn scale(graph: &mut OnnxGraph, node: usize, input: usize, factor: impl Fn(usize) -> f32) {
    let Some(name) = graph.nodes[node].input.get(input).cloned() else { return };
    if let Some(Constant { values: Values::F32(values), .. }) = graph.constants.get_mut(&name) {
        values.iter_mut().enumerate().for_each(|(at, value)| *value *= factor(at));
    }
}
