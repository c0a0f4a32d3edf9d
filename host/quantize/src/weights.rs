//! Symmetric 8-bit quantization of weights: `w = scale * q`, `q` in `-127..=127`.

use crate::onnx::Constant;

/// What shares a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Granularity {
    /// All weights of a layer.
    PerTensor,
    /// The weights of one output channel.
    PerChannel,
}

/// A quantized weight tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QuantizedWeights {
    /// Row-major, as the floats were.
    pub(crate) values: Vec<i8>,
    /// One, or one for each output channel; `> 0`.
    pub(crate) scales: Vec<f32>,
    /// The axis of the output channels.
    pub(crate) axis: usize,
    shape: Vec<usize>,
}

/// Rounds `weight`, whose output channels are along `axis`; `None` when it contains no floats.
pub(crate) fn quantize(
    weight: &Constant,
    axis: usize,
    by: Granularity,
) -> Option<QuantizedWeights> {
    let floats = weight.floats()?;
    let (channels, inner) = layout(&weight.shape, axis);
    let channel = |at: usize| at / inner % channels;
    let mut largest = vec![0f32; channels];
    for (at, value) in floats.iter().enumerate() {
        let largest = &mut largest[channel(at)];
        *largest = largest.max(value.abs());
    }
    if by == Granularity::PerTensor {
        largest = vec![largest.iter().copied().fold(0.0, f32::max)];
    }
    // A channel of zeros needs a scale too; any value is right.
    let scale = |largest: &f32| if *largest > 0.0 { largest / 127.0 } else { 1.0 };
    let scales: Vec<f32> = largest.iter().map(scale).collect();
    let round = |(at, value): (usize, &f32)| {
        let scale = scales[if scales.len() == 1 { 0 } else { channel(at) }];
        (value / scale).round_ties_even().clamp(-127.0, 127.0) as i8
    };
    let values = floats.iter().enumerate().map(round).collect();
    Some(QuantizedWeights { values, scales, axis, shape: weight.shape.clone() })
}

/// Channels along `axis`, and the stride from one channel to the next, in values.
fn layout(shape: &[usize], axis: usize) -> (usize, usize) {
    let channels = shape.get(axis).copied().unwrap_or(1).max(1);
    (channels, shape.iter().skip(axis + 1).product::<usize>().max(1))
}

impl QuantizedWeights {
    /// The output channel of value number `at`.
    pub(crate) fn channel(&self, at: usize) -> usize {
        let (channels, inner) = layout(&self.shape, self.axis);
        at / inner % channels
    }

    /// The scale of an output channel.
    pub(crate) fn scale(&self, channel: usize) -> f32 {
        self.scales[if self.scales.len() == 1 { 0 } else { channel }]
    }

    /// The dequantized weights.
    pub(crate) fn floats(&self) -> Vec<f32> {
        let value = |(at, q): (usize, &i8)| f32::from(*q) * self.scale(self.channel(at));
        self.values.iter().enumerate().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::onnx::Values;

    fn constant(shape: &[usize], values: Vec<f32>) -> Constant {
        Constant { shape: shape.to_vec(), values: Values::F32(values) }
    }

    #[test]
    fn channels_along_either_axis_have_their_own_scale() {
        let weight = constant(&[2, 3], vec![1.0, -2.0, 0.5, 100.0, 127.0, 0.0]);
        let rows = quantize(&weight, 0, Granularity::PerChannel).unwrap();
        assert_eq!((rows.scales.len(), rows.scales[1]), (2, 1.0));
        assert_eq!(rows.values[3..], [100, 127, 0]);
        let columns = quantize(&weight, 1, Granularity::PerChannel).unwrap();
        assert_eq!(columns.scales.len(), 3);
        assert_eq!(columns.values, [1, -2, 127, 127, 127, 0]);
        let all = quantize(&weight, 0, Granularity::PerTensor).unwrap();
        assert_eq!(all.values, [1, -2, 0, 100, 127, 0]);
    }

    #[test]
    fn a_channel_of_zeros_stays_zero() {
        let weight = constant(&[2, 1], vec![0.0, 3.0]);
        let quantized = quantize(&weight, 0, Granularity::PerChannel).unwrap();
        assert_eq!(quantized.floats(), [0.0, 3.0]);
    }

    proptest! {
        /// The rounding error is half a step at most.
        #[test]
        fn rounding_stays_within_half_a_step(
            values in proptest::collection::vec(-1e3f32..1e3, 12),
            per_channel in any::<bool>(),
        ) {
            let by = if per_channel { Granularity::PerChannel } else { Granularity::PerTensor };
            let quantized = quantize(&constant(&[4, 3], values.clone()), 0, by).unwrap();
            for (at, (a, b)) in quantized.floats().iter().zip(&values).enumerate() {
                let half = 0.5001 * quantized.scale(quantized.channel(at));
                prop_assert!((a - b).abs() <= half, "{a} {b} {half}");
            }
        }
    }
}
