//! What is chosen when a graph is quantized.

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

/// How to quantize.
#[derive(Clone, Copy, Debug)]
pub struct QuantizeSettings {
    /// What the result computes with.
    pub arithmetic: Arithmetic,
    /// What shares a scale.
    pub granularity: Granularity,
    /// How activations' ranges are chosen.
    pub ranges: RangeMethod,
    /// Whether channels are balanced between layers first.
    pub equalize: bool,
    /// Layers with fewer weights than this stay as they are in `w8`: there is little to save, and first and last
    /// layers, which are small, cost most.
    pub keep_below: usize,
    /// Whether layers that write the graph's outputs stay floats in `int8`: a detector's boxes and landmarks need finer
    /// steps than eight bits, and their layers are small.
    pub keep_outputs: bool,
    /// Whether biases make up for what rounding the weights does on average (Nagel et al. 2019).
    pub correct_bias: bool,
}

impl QuantizeSettings {
    /// The usual settings: a scale for each channel costs nothing.
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
