//! From a float graph and its calibration to a quantized graph.

mod int8;
mod w8;

use tract_onnx::pb::NodeProto;

use super::calibrate::Calibration;
use super::range::Affine;
use super::simplify::groups;
use super::weights::{self, Quantized};
use super::{Form, QuantizeError, Settings};
use crate::onnx::graph::{Constant, Graph, Values};
use crate::onnx::node::{float, int, label, text};

/// What becomes of an operator in an integer graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// It has weights and an integer form.
    Layer,
    /// It moves integers as it moves floats.
    Moves,
    /// It computes in floats, between a `DequantizeLinear` and a `QuantizeLinear`.
    Float,
    /// As above, and its answer is never quantized: tract turns `DequantizeLinear`, `Softmax`, `QuantizeLinear`
    /// into a table of ones.
    StaysFloat,
}

/// Every operator that an integer graph may hold.
const OPERATORS: &[(&str, Treatment)] = &[
    ("Conv", Treatment::Layer),
    ("Gemm", Treatment::Layer),
    ("MatMul", Treatment::Layer),
    ("Flatten", Treatment::Moves),
    ("MaxPool", Treatment::Moves),
    ("Reshape", Treatment::Moves),
    ("Squeeze", Treatment::Moves),
    ("Transpose", Treatment::Moves),
    ("Unsqueeze", Treatment::Moves),
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
    ("Sigmoid", Treatment::Float),
    ("Sub", Treatment::Float),
    ("LogSoftmax", Treatment::StaysFloat),
    ("Softmax", Treatment::StaysFloat),
];

fn treatment(node: &NodeProto) -> Option<Treatment> {
    let found = OPERATORS.iter().find(|(name, _)| *name == node.op_type);
    let treatment = found.map(|(_, treatment)| *treatment)?;
    // The nearest neighbour is a copy.
    let nearest = node.op_type == "Resize" && text(node, "mode", "nearest") == "nearest";
    Some(if nearest { Treatment::Moves } else { treatment })
}

/// Refuses what `form` cannot express.
///
/// # Errors
/// [`QuantizeError::Unsupported`] naming the node, [`QuantizeError::NoLayer`] when nothing has weights.
pub fn check(graph: &Graph, form: Form) -> Result<(), QuantizeError> {
    if !graph.nodes.iter().any(|node| weights_of(graph, node).is_some()) {
        return Err(QuantizeError::NoLayer);
    }
    for node in graph.nodes.iter().filter(|_| form == Form::Int8) {
        if treatment(node).is_none() {
            let why = format!("{} has no integer form here", node.op_type);
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

/// The float values whose ranges are needed, without the input.
pub fn activations(graph: &Graph) -> Vec<String> {
    let known = graph.nodes.iter().filter(|node| treatment(node).is_some());
    known.filter_map(|node| node.output.first().cloned()).collect()
}

/// Channels of `value` as the layers that read it count them; 1 where none does.
pub fn channels(graph: &Graph, value: &str) -> usize {
    let readers = graph.readers(value).into_iter();
    let first = |at: &usize| graph.nodes[*at].input.first().is_some_and(|input| input == value);
    let layers = readers.filter(first).filter_map(|at| weights_of(graph, &graph.nodes[at]));
    layers.map(|layer| layer.inputs).next().unwrap_or(1)
}

/// A layer with constant weights.
struct Weighted<'a> {
    weight: &'a Constant,
    /// The axis of the output channels.
    axis: usize,
    /// Input channels, which the bias correction needs.
    inputs: usize,
    outputs: usize,
}

fn weights_of<'a>(graph: &'a Graph, node: &NodeProto) -> Option<Weighted<'a>> {
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

/// What a layer of the float graph has become.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The node's name and operator.
    pub label: String,
    /// The layer's answer in the float graph.
    pub value: String,
    /// The same in the quantized graph.
    pub lowered: String,
    /// Its integers, where they are some.
    pub affine: Option<Affine>,
}

/// A quantized graph.
pub struct Target {
    /// The graph.
    pub graph: Graph,
    /// Its layers with weights.
    pub renamed: Vec<Layer>,
}

/// Writes `graph` anew in the form that `settings` ask for.
///
/// # Errors
/// [`QuantizeError`] when a value has no range.
pub fn lower(
    graph: &Graph,
    calibration: &Calibration,
    settings: Settings,
) -> Result<Target, QuantizeError> {
    match settings.form {
        Form::W8 => Ok(w8::lower(graph, calibration, settings)),
        Form::Int8 => int8::lower(graph, calibration, settings),
    }
}

/// The layer's weights in integers, and its bias made up for their rounding; no bias where there is none to
/// change and none can be added (`MatMul`).
fn layer(
    graph: &Graph,
    node: &NodeProto,
    calibration: &Calibration,
    settings: Settings,
) -> Option<(Quantized, Option<Vec<f32>>)> {
    let Weighted { weight, axis, inputs, outputs } = weights_of(graph, node)?;
    let quantized = weights::quantize(weight, axis, settings.granularity)?;
    let bias = graph.constant_of(node, 2).and_then(Constant::floats).map(<[f32]>::to_vec);
    if node.op_type == "MatMul" || (node.input.len() > 2 && bias.is_none()) {
        return Some((quantized, None));
    }
    let mut bias = bias.unwrap_or_else(|| vec![0.0; outputs]);
    // A scalar bias stands for all channels.
    if bias.len() == 1 {
        bias.resize(outputs, bias[0]);
    }
    let means = node.input.first().and_then(|input| calibration.means(input));
    if let Some(means) = means.filter(|means| settings.correct_bias && means.len() == inputs) {
        let errors = quantized.floats();
        let errors = errors.iter().zip(weight.floats()?).map(|(q, w)| f64::from(q - w));
        let mut shifts = vec![0f64; outputs];
        for (at, error) in errors.enumerate() {
            let output = quantized.channel(at);
            shifts[output] += error * means[input_channel(node, &weight.shape, at, outputs)];
        }
        bias.iter_mut().zip(shifts).for_each(|(bias, shift)| *bias -= shift as f32);
    }
    Some((quantized, Some(bias)))
}

/// Which input channel weight number `at` reads.
fn input_channel(node: &NodeProto, shape: &[usize], at: usize, outputs: usize) -> usize {
    match shape {
        [_, inputs] if int(node, "transB", 0) != 0 => at % inputs,
        [_, columns] => at / columns,
        [_, inputs, kernel @ ..] => {
            let kernel: usize = kernel.iter().product();
            let group = at / (inputs * kernel) / (outputs / groups(node)).max(1);
            group * inputs + at / kernel % inputs
        }
        _ => 0,
    }
}

/// A name that is free in `graph`: `base`, or with a number behind it.
fn fresh(graph: &Graph, base: &str) -> String {
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| !graph.knows(name))
        .unwrap_or_default()
}

/// One scale, or one a channel.
fn scales(quantized: &Quantized) -> Constant {
    match quantized.scales.len() {
        1 => Constant::scalar(Values::F32(quantized.scales.clone())),
        count => Constant { shape: vec![count], values: Values::F32(quantized.scales.clone()) },
    }
}

/// As many zeros as there are scales.
fn zeros(quantized: &Quantized) -> Constant {
    match quantized.scales.len() {
        1 => Constant::scalar(Values::I8(vec![0])),
        count => Constant { shape: vec![count], values: Values::I8(vec![0; count]) },
    }
}
