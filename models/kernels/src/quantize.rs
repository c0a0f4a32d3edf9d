//! Quantization of floats to stored values.

use crate::error::KernelError;
use crate::isa::{Isa, Pass};
use crate::layout::{Quantization, TOP, check_count};
use crate::requantize::ROUNDING;

/// Quantizes numbers: divided by the scale, shifted by the zero point, rounded to nearest even, saturated. NaN becomes
/// zero.
///
/// # Errors
/// When the counts differ, or the quantization is invalid; then nothing is stored.
pub fn quantize(
    values: &[f32],
    quantization: Quantization,
    isa: Isa,
    stored: &mut [i8],
) -> Result<(), KernelError> {
    check_count("values", stored.len(), values.len())?;
    let Quantization { scale, zero_point } = quantization.check("scale")?;
    isa.run(Run { values, scale, zero: f32::from(zero_point), stored });
    Ok(())
}

struct Run<'a> {
    values: &'a [f32],
    scale: f32,
    zero: f32,
    stored: &'a mut [i8],
}

impl Pass for Run<'_> {
    #[inline(always)]
    fn run(self) {
        for (stored, value) in self.stored.iter_mut().zip(self.values) {
            *stored = step(*value, self.scale, self.zero);
        }
    }
}

/// The stored value of a number: 0 to 127.
#[inline(always)]
pub(crate) fn step(value: f32, scale: f32, zero: f32) -> i8 {
    let steps = value / scale + zero;
    // Comparisons with NaN are false.
    let known = if steps.is_nan() { zero } else { steps };
    let above = if known > 0.0 { known } else { 0.0 };
    let within = if above < f32::from(TOP) { above } else { f32::from(TOP) };
    (within + ROUNDING).to_bits() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_rounds_alike() {
        let signed = Quantization { scale: 0.03, zero_point: 64 };
        let values: Vec<f32> = (-3000..3000).map(|at| at as f32 * 0.0015).collect();
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0];
        let values: Vec<f32> = values.into_iter().chain(special).collect();
        for isa in Isa::available() {
            let mut stored = vec![0; values.len()];
            quantize(&values, signed, isa, &mut stored).unwrap();
            for (value, stored) in values.iter().zip(&stored) {
                let steps = if value.is_nan() { 64.0 } else { value / 0.03 + 64.0 };
                assert_eq!(f32::from(*stored), steps.clamp(0.0, 127.0).round_ties_even(), "{isa}");
            }
        }
    }

    #[test]
    fn counts_and_scales_are_checked_first() {
        let mut stored = [7; 2];
        let good = Quantization::unsigned(1.0);
        assert!(quantize(&[1.0], good, Isa::PORTABLE, &mut stored).is_err());
        let nan = Quantization::unsigned(f32::NAN);
        assert!(quantize(&[1.0, 2.0], nan, Isa::PORTABLE, &mut stored).is_err());
        assert_eq!(stored, [7; 2]);
    }
}
