//! The settings of a quantization.

use crate::range::RangeMethod;
use crate::weights::Granularity;

/// What the quantized graph computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Arithmetic {
    /// 8-bit weights, float arithmetic.
    W8,
    /// 8-bit weights and activations, integer arithmetic.
    Int8,
}

/// Settings of [`quantize`](crate::quantize).
#[derive(Clone, Copy, Debug)]
pub struct QuantizeSettings {
    /// Arithmetic of the result.
    pub arithmetic: Arithmetic,
    /// Which weights share a scale.
    pub granularity: Granularity,
    /// How activations' ranges are chosen.
    pub ranges: RangeMethod,
    /// Whether channels are equalised between layers first (Nagel et al. 2019).
    pub equalize: bool,
    /// Layers with fewer weights than this stay floats in `w8`: they save little, and the first and last layers, which
    /// are small, lose most accuracy.
    pub keep_below: usize,
    /// Whether layers that write the graph's outputs stay floats in `int8`: a detector's boxes and landmarks need a
    /// finer resolution than 8 bits, and their layers are small.
    pub keep_outputs: bool,
    /// Whether biases are corrected for the mean error of rounding the weights (Nagel et al. 2019).
    pub correct_bias: bool,
}

impl QuantizeSettings {
    /// The default settings, with one scale for each channel, since that costs no time.
    pub fn of(arithmetic: Arithmetic) -> Self {
        Self {
            arithmetic,
            granularity: Granularity::PerChannel,
            ranges: RangeMethod::Best,
            equalize: false,
            keep_below: 3000,
            keep_outputs: false,
            correct_bias: true,
        }
    }
}
