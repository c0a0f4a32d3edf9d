//! Common to both arithmetics: quantized layers, names and constants.

use tract_onnx::pb::NodeProto;

use crate::calibrate::ActivationRanges;
use crate::layer::{Bias, Weighted, bias_of, weights_of};
use crate::onnx::node::{groups, int};
use crate::onnx::{Constant, OnnxGraph, Values};
use crate::range::Affine;
use crate::settings::QuantizeSettings;
use crate::weights::{self, QuantizedWeights};

/// A layer of the float graph in the quantized graph.
#[derive(Clone, Debug)]
pub(crate) struct LoweredLayer {
    /// The node's name and operator.
    pub(crate) label: String,
    /// The layer's output in the float graph.
    pub(crate) value: String,
    /// The layer's output in the quantized graph.
    pub(crate) lowered: String,
    /// Scale and zero point of the output; `None` if it is a float.
    pub(crate) affine: Option<Affine>,
}

/// A quantized graph.
pub(crate) struct Lowered {
    /// The graph.
    pub(crate) graph: OnnxGraph,
    /// Its layers with weights.
    pub(crate) layers: Vec<LoweredLayer>,
}

/// The layer's quantized weights and its bias, corrected for their rounding. The bias is `None` where it is not a
/// constant, and for a `MatMul`, which has none.
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

/// The input channel that weight number `at` is multiplied with.
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

/// A name that is unused in `graph`: `base`, or `base` with a number appended.
pub(super) fn fresh(graph: &OnnxGraph, base: &str) -> String {
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    std::iter::once(base.to_owned())
        .chain(numbered)
        .find(|name| !graph.knows(name))
        .unwrap_or_default()
}

/// One scale, or one for each channel.
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
