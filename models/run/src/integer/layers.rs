//! From nodes to layers: which nodes the engine computes in one step.

use std::collections::HashSet;

use emocue_kernels::Quantization;
use tract_onnx::pb::NodeProto;

use super::fusion::{self, Dequantized};
use super::parameters::{Follows, Geometry, Weighted, geometry};
use crate::graph::{Index, int, text};

/// What the engine does in one step.
#[derive(Clone, Debug)]
pub(super) struct Layer<'a> {
    /// The nodes that it replaces.
    pub(super) nodes: Vec<usize>,
    /// Its name in messages: that of its last node with weights, else of its last node.
    pub(super) label: &'a str,
    /// Stored values that it reads, with their quantization.
    pub(super) reads: Vec<(&'a str, Quantization)>,
    /// The stored value, or the floats, that it writes.
    pub(super) writes: Written<'a>,
    pub(super) operation: Operation<'a>,
}

/// What a layer writes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written<'a> {
    Stored(&'a str, Quantization),
    Floats(&'a str),
    /// Integers that the engine does not know.
    Unknown(Vec<&'a str>),
}

#[derive(Clone, Debug)]
pub(super) enum Operation<'a> {
    /// A region begins with the floats of this name.
    Quantize {
        floats: &'a str,
    },
    /// With a residual where the layer reads two values.
    Conv(Weighted, Geometry),
    /// Fully connected over all values, each as a channel.
    Dense(Weighted),
    /// `None` over the whole plane.
    MaxPool(Option<Geometry>),
    AveragePool(Option<Geometry>),
    /// A sum where the layer reads two values.
    Pointwise(Follows),
    Concat,
    /// Vertical and horizontal factor.
    Upsample([usize; 2]),
    Flatten,
    /// A region ends.
    Dequantize,
    /// tract has to compute it, and so all that it exchanges integers with.
    Refused(String),
}

/// Every layer of a graph whose values are integers.
pub(super) fn layers<'a>(index: &Index<'a>) -> Vec<Layer<'a>> {
    let mut layers = Vec::new();
    let mut taken = HashSet::new();
    // A layer that ends in a `QuantizeLinear` includes the nodes before it.
    for (at, node) in index.nodes.iter().enumerate() {
        if node.op_type == "QuantizeLinear" {
            let layer = fusion::quantize(index, at);
            taken.extend(layer.nodes.iter().copied());
            layers.push(layer);
        }
    }
    let mut integers: HashSet<&str> = HashSet::new();
    for (at, node) in index.nodes.iter().enumerate() {
        let reads_integers = node.input.iter().any(|input| integers.contains(input.as_str()));
        let is_integer =
            matches!(node.op_type.as_str(), "QuantizeLinear" | "QLinearConv" | "QLinearMatMul");
        if node.op_type != "DequantizeLinear" && (is_integer || reads_integers) {
            integers.extend(node.output.iter().map(String::as_str));
        }
        if taken.contains(&at) || !(is_integer || reads_integers) {
            continue;
        }
        let layer = match node.op_type.as_str() {
            "DequantizeLinear" => match dequantize(index, at, &taken) {
                Some(layer) => layer,
                // All readers of the floats are part of layers.
                None => continue,
            },
            _ => layer(index, at),
        };
        taken.extend(layer.nodes.iter().copied());
        layers.push(layer);
    }
    layers.sort_by_key(|layer| layer.nodes.iter().copied().max());
    layers
}

/// The end of a region, where something besides layers reads the floats.
fn dequantize<'a>(index: &Index<'a>, at: usize, taken: &HashSet<usize>) -> Option<Layer<'a>> {
    let node = &index.nodes[at];
    let floats = node.output.first()?;
    if !index.is_output(floats) && index.readers(floats).iter().all(|at| taken.contains(at)) {
        return None;
    }
    Some(match Dequantized::of(index, floats) {
        Some(from) => Layer {
            nodes: vec![at],
            label: label(node),
            reads: vec![(from.stored, from.quantization)],
            writes: Written::Floats(floats),
            operation: Operation::Dequantize,
        },
        None => refused(index, at, "its zero point is not one of 0 to 127".to_owned()),
    })
}

/// The layer of a node whose values are integers.
fn layer<'a>(index: &Index<'a>, at: usize) -> Layer<'a> {
    let node = &index.nodes[at];
    let built = match node.op_type.as_str() {
        "QLinearConv" => fusion::conv(index, at),
        "QLinearMatMul" => fusion::dense(index, at),
        "MaxPool" => geometry(node, 1).and_then(|geometry| {
            let kept = node.output.len() == 1 && int(node, "storage_order", 0) == 0;
            let kept = kept.then_some(()).ok_or_else(|| "it returns places too".to_owned());
            kept.and_then(|()| moves(index, at, Operation::MaxPool(Some(geometry))))
        }),
        "Flatten" if int(node, "axis", 1) == 1 => moves(index, at, Operation::Flatten),
        "Resize" => factors(index, at)
            .ok_or_else(|| "it is not a whole multiple of its nearest neighbours".to_owned())
            .and_then(|factors| moves(index, at, Operation::Upsample(factors))),
        operator => Err(format!("the integer engine has no {operator}")),
    };
    built.unwrap_or_else(|reason| refused(index, at, reason))
}

/// A layer that changes no value.
fn moves<'a>(index: &Index<'a>, at: usize, operation: Operation<'a>) -> Result<Layer<'a>, String> {
    let node = &index.nodes[at];
    let (Some(from), Some(to)) = (node.input.first(), node.output.first()) else {
        return Err("it has no input or no output".to_owned());
    };
    let quantization = fusion::meaning(index, from)
        .ok_or_else(|| format!("the meaning of {from} is not known"))?;
    Ok(Layer {
        nodes: vec![at],
        label: label(node),
        reads: vec![(from, quantization)],
        writes: Written::Stored(to, quantization),
        operation,
    })
}

pub(super) fn refused<'a>(index: &Index<'a>, at: usize, reason: String) -> Layer<'a> {
    let node = &index.nodes[at];
    let any = Quantization::unsigned(1.0);
    let values = node.input.iter().filter(|name| !index.is_constant(name));
    Layer {
        nodes: vec![at],
        label: label(node),
        reads: values.map(|name| (name.as_str(), any)).collect(),
        writes: Written::Unknown(node.output.iter().map(String::as_str).collect()),
        operation: Operation::Refused(reason),
    }
}

/// The node's name, or its output's where it has none.
pub(super) fn label(node: &NodeProto) -> &str {
    let name = Some(node.name.as_str()).filter(|name| !name.is_empty());
    name.or_else(|| node.output.first().map(String::as_str)).unwrap_or_default()
}

/// By how much a `Resize` enlarges planes, where each value is repeated.
fn factors(index: &Index<'_>, at: usize) -> Option<[usize; 2]> {
    let node = &index.nodes[at];
    let nearest = text(node, "mode", "nearest") == "nearest";
    let rounding = text(node, "nearest_mode", "round_prefer_floor");
    let repeats = match text(node, "coordinate_transformation_mode", "half_pixel") {
        "asymmetric" => rounding == "floor",
        "half_pixel" => rounding.starts_with("round_prefer_"),
        _ => false,
    };
    let scales = index.constant(node, 2)?;
    let &[1.0, 1.0, down, right] = scales.floats()? else { return None };
    let whole = |factor: f32| (factor >= 1.0 && factor.fract() == 0.0).then_some(factor as usize);
    (nearest && repeats).then_some([whole(down)?, whole(right)?])
}
