//! SDOT, of Cortex-A76 and newer: four outputs in a register, four inputs in an instruction.

use std::arch::aarch64::{int8x16_t, int32x4_t, vdupq_n_s8, vdupq_n_s32};
use std::arch::asm;

use safe_unaligned_simd::aarch64::{vld1q_s8, vst1q_s32};

use super::job::{Job, Sums, finish, walk};
use crate::layout::{LANES, Planes};

/// Adds to each of four sums the products of four weights with the same four values, which `STEP` chooses.
#[target_feature(enable = "neon,dotprod")]
fn sdot<const STEP: i32>(mut sums: int32x4_t, weights: int8x16_t, values: int8x16_t) -> int32x4_t {
    // SAFETY: reads and writes only these registers, and the function's target features include the instruction. The
    // intrinsic of the same name is not stable yet.
    #[allow(unsafe_code)]
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {values:v}.4b[{step}]",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            values = in(vreg) values,
            step = const STEP,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

#[target_feature(enable = "neon,dotprod")]
fn sums<const P: usize, const NB: usize, const S: usize>(
    job: &Job<'_>,
    start: usize,
    weights: &[i8],
) -> Sums<P, NB> {
    const { assert!(NB == 1) };
    let mut registers = [[vdupq_n_s32(0); 4]; P];
    let mut taps = weights.as_chunks::<LANES>().0.as_chunks::<4>().0.as_chunks::<4>().0;
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
                macro_rules! step {
                    ($($step:literal)*) => {$(
                        for four in 0..4 {
                            let weights = vld1q_s8(&weights[$step][four]);
                            for p in 0..P {
                                registers[p][four] =
                                    sdot::<$step>(registers[p][four], weights, values[p]);
                            }
                        }
                    )*};
                }
                step!(0 1 2 3);
            }
        }
    }
    let mut sums = [[[0; LANES]; NB]; P];
    for p in 0..P {
        let (fours, _) = sums[p][0].as_chunks_mut::<4>();
        for four in 0..4 {
            vst1q_s32(&mut fours[four], registers[p][four]);
        }
    }
    sums
}

walk!(#[target_feature(enable = "neon,dotprod")] all: 6, 2, 1);

#[target_feature(enable = "neon,dotprod")]
pub(super) fn run(job: &Job<'_>, stride: usize, out: &mut Planes) {
    match stride {
        2 => all::<1, 2>(job, out),
        _ => all::<1, 1>(job, out),
    }
}
