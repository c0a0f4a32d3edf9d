//! Requantization: from sums to stored values.
//!
//! `y = sum * scale + bias`, by one fused multiply-add for each channel, another for a residual, then the activation,
//! rounding to even and saturation. IEEE 754 defines each of these to the last bit, so portable code gives the same
//! result for whichever instruction set it is compiled.

use std::borrow::Borrow;

use crate::error::KernelError;
use crate::layout::{LANES, Pixel, Quantization, TOP, check_count, check_scale};

/// The largest value of an activation times a weight.
pub(crate) const LARGEST_PRODUCT: i32 = 127 * 127;

/// The sum of this many products fits into 32 bits.
pub(crate) const MOST_PRODUCTS: usize = (i32::MAX / LARGEST_PRODUCT) as usize;

/// Added to a number from 0 to 127, this leaves it in the lowest bits, rounded to nearest even as by every addition.
pub(crate) const ROUNDING: f32 = 12_582_912.0;

/// The activation of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation<'a> {
    /// Nothing.
    #[default]
    Linear,
    /// Negative values become zero.
    Relu,
    /// Clamped to 0 and this value: 6 for ReLU6.
    ReluUpTo(f32),
    /// Negative values are multiplied by their channel's slope, which may be any finite number.
    Prelu(&'a [f32]),
}

/// Factors of a layer in steps of its output, a block of 16 channels after the other.
#[derive(Clone, Debug)]
pub(crate) struct Requantize {
    scale: Vec<[f32; LANES]>,
    bias: Vec<[f32; LANES]>,
    /// PReLU's; then `bias` is without the output's zero point, which is added after the slope.
    slope: Option<Vec<[f32; LANES]>>,
    /// A step of the residual.
    residual: f32,
    zero: f32,
    low: f32,
    high: f32,
}

/// A layer's factors in real units, channel by channel.
pub(crate) struct Factors<'a> {
    /// The real value of 1 in each channel's sum.
    pub(crate) unit: &'a [f64],
    /// The sum of each channel for real inputs of zero, whose result is the bias.
    pub(crate) zero_sum: &'a [f64],
    /// The largest absolute value of a sum.
    pub(crate) largest_sum: f64,
    pub(crate) bias: &'a [f32],
    pub(crate) residual: Option<Quantization>,
    pub(crate) output: Quantization,
    pub(crate) activation: Activation<'a>,
}

impl Requantize {
    pub(crate) fn new(factors: &Factors<'_>) -> Result<Self, KernelError> {
        let channels = factors.unit.len();
        check_count("biases", channels, factors.bias.len())?;
        let output = factors.output.check("output scale")?;
        let (step, zero) = (f64::from(output.scale), f64::from(output.zero_point));
        let (mut added, mut added_zero) = (0.0, 0.0);
        if let Some(residual) = factors.residual {
            residual.check("residual scale")?;
            let ratio = f64::from(residual.scale) / step;
            added = check_scale("ratio of residual to output scale", 0, ratio)?;
            added_zero = f64::from(residual.zero_point) * ratio;
        }
        let slopes = match factors.activation {
            Activation::Prelu(slopes) => {
                check_count("slopes", channels, slopes.len())?;
                check_finite("slope", slopes)?;
                Some(slopes)
            }
            _ => None,
        };
        check_finite("bias", factors.bias)?;
        let high = match factors.activation {
            Activation::ReluUpTo(high) => {
                check_finite("upper limit", &[high])?;
                // Rounded, and never below the zero point.
                ((f64::from(high) / step + zero) as f32).clamp(zero as f32, f32::from(TOP))
            }
            _ => f32::from(TOP),
        };
        let relu = matches!(factors.activation, Activation::Relu | Activation::ReluUpTo(_));
        let (mut scales, mut biases) = (Vec::new(), Vec::new());
        for (channel, unit) in factors.unit.iter().enumerate() {
            let ratio = unit / step;
            scales.push(check_scale("ratio of input to output scale of channel", channel, ratio)?);
            let offset = if slopes.is_some() { 0.0 } else { zero };
            let bias = f64::from(factors.bias[channel]) / step
                - factors.zero_sum[channel] * ratio
                - added_zero
                + offset;
            let slope = slopes.map_or(1.0, |slopes| f64::from(slopes[channel].abs()).max(1.0));
            let residual = f64::from(TOP) * f64::from(added);
            let largest = (factors.largest_sum * ratio + bias.abs() + residual) * slope + zero;
            // Half of the range, so that no rounding error reaches its end.
            if largest.is_nan() || largest > f64::from(f32::MAX) / 2.0 {
                return Err(KernelError::Overflow { channel, largest });
            }
            biases.push(bias as f32);
        }
        Ok(Self {
            scale: blocks(&scales, 1.0),
            bias: blocks(&biases, if slopes.is_some() { 0.0 } else { zero as f32 }),
            slope: slopes.map(|slopes| blocks(slopes, 1.0)),
            residual: added,
            zero: zero as f32,
            low: if relu { zero as f32 } else { 0.0 },
            high,
        })
    }

    /// The factors of a block, to be loaded once for many pixels.
    #[inline(always)]
    pub(crate) fn block(&self, block: usize) -> BlockFactors<&[f32; LANES]> {
        BlockFactors {
            scale: &self.scale[block],
            bias: &self.bias[block],
            slope: self.slope.as_ref().map(|slope| &slope[block]),
            residual: self.residual,
            zero: self.zero,
            low: self.low,
            high: self.high,
        }
    }
}

/// Factors of the 16 channels of a block.
#[derive(Clone, Copy)]
pub(crate) struct BlockFactors<T> {
    scale: T,
    bias: T,
    slope: Option<T>,
    residual: f32,
    zero: f32,
    low: f32,
    high: f32,
}

impl BlockFactors<&[f32; LANES]> {
    /// The same, which compilers keep in registers where those are wide enough.
    #[inline(always)]
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) fn copied(self) -> BlockFactors<[f32; LANES]> {
        let Self { residual, zero, low, high, .. } = self;
        let (scale, bias, slope) = (*self.scale, *self.bias, self.slope.copied());
        BlockFactors { scale, bias, slope, residual, zero, low, high }
    }
}

impl<T: Borrow<[f32; LANES]>> BlockFactors<T> {
    /// The stored values for sums. No value is NaN or infinite: `new` checked the bounds.
    #[inline(always)]
    pub(crate) fn pixel(&self, sums: &[i32; LANES], added: Option<&Pixel>) -> Pixel {
        let (scale, bias) = (self.scale.borrow(), self.bias.borrow());
        let mut y = [0.0; LANES];
        for i in 0..LANES {
            y[i] = (sums[i] as f32).mul_add(scale[i], bias[i]);
        }
        self.stored(y, added)
    }

    /// The same with the same scale divided by `divisor`.
    #[inline(always)]
    pub(crate) fn mean(&self, sums: &[i32; LANES], divisor: f32) -> Pixel {
        let (scale, bias) = (self.scale.borrow(), self.bias.borrow());
        let mut y = [0.0; LANES];
        for i in 0..LANES {
            y[i] = (sums[i] as f32).mul_add(scale[i] / divisor, bias[i]);
        }
        self.stored(y, None)
    }

    #[inline(always)]
    fn stored(&self, mut y: [f32; LANES], added: Option<&Pixel>) -> Pixel {
        if let Some(added) = added {
            for i in 0..LANES {
                y[i] = f32::from(added[i]).mul_add(self.residual, y[i]);
            }
        }
        if let Some(slope) = &self.slope {
            let slope = slope.borrow();
            for i in 0..LANES {
                let slope = if y[i] < 0.0 { slope[i] } else { 1.0 };
                y[i] = y[i].mul_add(slope, self.zero);
            }
        }
        let mut stored = [0; LANES];
        for i in 0..LANES {
            let above = if y[i] > self.low { y[i] } else { self.low };
            let within = if above < self.high { above } else { self.high };
            stored[i] = (within + ROUNDING).to_bits() as i8;
        }
        stored
    }
}

pub(crate) fn check_finite(what: &'static str, values: &[f32]) -> Result<(), KernelError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(KernelError::Value { what, index, value: values[index] }),
        None => Ok(()),
    }
}

/// Blocks of 16, the last one filled up.
fn blocks(values: &[f32], filler: f32) -> Vec<[f32; LANES]> {
    let block = |values: &[f32]| {
        let mut block = [filler; LANES];
        block[..values.len()].copy_from_slice(values);
        block
    };
    values.chunks(LANES).map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_the_constant_rounds_to_even() {
        let mut bits = 0;
        // Numbers from 0 to 127, close to each other, and all halves.
        while f32::from_bits(bits) <= 127.0 {
            let value = f32::from_bits(bits);
            let stored = (value + ROUNDING).to_bits() as i8;
            assert_eq!(stored, value.round_ties_even() as i8, "{value}");
            bits += 9973;
        }
        for half in 0..=254_u8 {
            let value = f32::from(half) / 2.0;
            assert_eq!((value + ROUNDING).to_bits() as i8, value.round_ties_even() as i8);
        }
    }

    #[test]
    fn as_many_products_fit_and_no_more() {
        let most = MOST_PRODUCTS as i64;
        let product = i64::from(LARGEST_PRODUCT);
        assert!(
            most * product <= i64::from(i32::MAX) && (most + 1) * product > i64::from(i32::MAX)
        );
        assert!(2 * LARGEST_PRODUCT <= i32::from(i16::MAX));
    }
}
