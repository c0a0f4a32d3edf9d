//! NEON, which every 64-bit ARM processor has: four outputs in a part, 16 inputs in a step.
//!
//! `smull` and `smlal2` add two products in 16 bits without saturation; two products of 0..=127 with -127..=127 are
//! at most 32,258, so that they fit.

use std::arch::aarch64::{
    vdupq_n_s8, vdupq_n_s32, vget_low_s8, vmlal_high_s8, vmull_s8, vpadalq_s16, vpaddq_s32,
};

use safe_unaligned_simd::aarch64::{vld1q_s8, vst1q_s32};

use super::job::{Job, Sums, finish, walk};
use crate::layout::{LANES, Planes};

#[target_feature(enable = "neon")]
fn sums<const P: usize, const NB: usize, const S: usize>(
    job: &Job<'_>,
    start: usize,
    weights: &[i8],
) -> Sums<P, NB> {
    const { assert!(NB == 1) };
    let mut sums = [[[0; LANES]; NB]; P];
    let (steps, _) = weights.as_chunks::<LANES>().0.as_chunks::<4>();
    for (part, steps) in steps.chunks_exact(steps.len() / 4).enumerate() {
        let mut registers = [[vdupq_n_s32(0); 4]; P];
        let mut taps = steps;
        for y in 0..job.kernel[0] {
            for x in 0..job.kernel[1] {
                let start = start + y * job.row_step + x;
                let (tap, rest) = taps.split_at(job.packed.input_blocks);
                taps = rest;
                for (block, weights) in tap.iter().enumerate() {
                    let pixels = &job.pixels[start + block * job.block_step..][..(P - 1) * S + 1];
                    let mut values = [vdupq_n_s8(0); P];
                    for p in 0..P {
                        values[p] = vld1q_s8(&pixels[p * S]);
                    }
                    for output in 0..4 {
                        let weights = vld1q_s8(&weights[output]);
                        for p in 0..P {
                            let low = vmull_s8(vget_low_s8(values[p]), vget_low_s8(weights));
                            let pairs = vmlal_high_s8(low, values[p], weights);
                            registers[p][output] = vpadalq_s16(registers[p][output], pairs);
                        }
                    }
                }
            }
        }
        for p in 0..P {
            let [a, b, c, d] = registers[p];
            let four = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
            vst1q_s32(&mut sums[p][0].as_chunks_mut::<4>().0[part], four);
        }
    }
    sums
}

walk!(#[target_feature(enable = "neon")] all: 4, 2, 1);

#[target_feature(enable = "neon")]
pub(super) fn run(job: &Job<'_>, stride: usize, out: &mut Planes) {
    match stride {
        2 => all::<1, 2>(job, out),
        _ => all::<1, 1>(job, out),
    }
}
