//! What both forms are written with: quantized layers, names and constants.

use tract_onnx::pb::NodeProto;

use crate::calibrate::ActivationRanges;
use crate::layer::{Bias, Weighted, bias_of, weights_of};
use crate::onnx::node::{groups, int};
use crate::onnx::{Constant, OnnxGraph, Values};
use crate::range::Affine;
use crate::settings::QuantizeSettings;
use crate::weights::{self, QuantizedWeights};

/// What a layer of the float graph has become.
#[derive(Clone, Debug)]
pub(crate) struct LoweredLayer {
    /// The node's name and operator.
    pub(crate) label: String,
    /// The layer's output in the float graph.
    pub(crate) value: String,
    /// The same in the quantized graph.
    pub(crate) lowered: String,
    /// What its integers mean, where it has some.
    pub(crate) affine: Option<Affine>,
}

/// A quantized graph.
pub(crate) struct Lowered {
    /// The graph.
    pub(crate) graph: OnnxGraph,
    /// Its layers with weights.
    pub(crate) layers: Vec<LoweredLayer>,
}

/// The layer's weights in integers, and its bias made up for their rounding; no bias where there is none to
/// change and none can be added (`MatMul`).
pub(super) fn quantized_layer(
    graph: &OnnxGraph,
    node: &NodeProto,
    ranges: &ActivationRanges,
    settings: QuantizeSettings,
) -> Option<(QuantizedWeights, Option<Vec<f32>>)> {
    let Weighted { weight, axis, inputs, outputs } = weights_of(graph, node)?;
    let quantized = weights::quantize(weight, axis, settings.granularity)?;
    let mut bias = match bias_of(graph, node) {
        Bias::Constant(_, bias) => bias.to_vec(),
        Bias::None if node.op_type != "MatMul" => vec![0.0; outputs],
        Bias::None | Bias::Other => return Some((quantized, None)),
    };
    let means = node.input.first().and_then(|input| ranges.means(input));
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
pub(super) fn fresh(graph: &OnnxGraph, base: &str) -> String {
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| !graph.knows(name))
        .unwrap_or_default()
}

/// One scale, or one a channel.
pub(super) fn scales(quantized: &QuantizedWeights) -> Constant {
    match quantized.scales.len() {
        1 => Constant::scalar(Values::F32(quantized.scales.clone())),
        count => Constant { shape: vec![count], values: Values::F32(quantized.scales.clone()) },
    }
}

/// As many zeros as there are scales.
pub(super) fn zeros(quantized: &QuantizedWeights) -> Constant {
    match quantized.scales.len() {
        1 => Constant::scalar(Values::I8(vec![0])),
        count => Constant { shape: vec![count], values: Values::I8(vec![0; count]) },
    }
}
