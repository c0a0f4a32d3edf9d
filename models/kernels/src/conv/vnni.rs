//! AVX-512 VNNI: 16 outputs in a register, four inputs in an instruction.
//!
//! `vpdpbusd` multiplies unsigned with signed bytes; 0 to 127 are the same as either.

use std::arch::x86_64::{_mm512_dpbusd_epi32, _mm512_set1_epi32, _mm512_setzero_si512};

use safe_unaligned_simd::x86_64::{_mm512_loadu_epi8, _mm512_storeu_epi32};

use super::job::{Job, Sums, walk};
use super::ymm::four;
use crate::layout::{LANES, Planes};
use crate::requantize::BlockFactors;

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn sums<const P: usize, const NB: usize, const S: usize>(
    job: &Job<'_>,
    start: usize,
    weights: &[i8],
) -> Sums<P, NB> {
    let mut registers = [[_mm512_setzero_si512(); NB]; P];
    let mut taps = weights.as_chunks::<64>().0.as_chunks::<NB>().0.as_chunks::<4>().0;
    for y in 0..job.kernel[0] {
        for x in 0..job.kernel[1] {
            let start = start + y * job.row_step + x;
            let (tap, rest) = taps.split_at(job.packed.input_blocks);
            taps = rest;
            for (block, weights) in tap.iter().enumerate() {
                let pixels = &job.pixels[start + block * job.block_step..][..(P - 1) * S + 1];
                for step in 0..4 {
                    let weights: [_; NB] =
                        std::array::from_fn(|b| _mm512_loadu_epi8(&weights[step][b]));
                    for p in 0..P {
                        let value = _mm512_set1_epi32(four(&pixels[p * S], step));
                        for b in 0..NB {
                            registers[p][b] =
                                _mm512_dpbusd_epi32(registers[p][b], value, weights[b]);
                        }
                    }
                }
            }
        }
    }
    let mut sums = [[[0; LANES]; NB]; P];
    for p in 0..P {
        for b in 0..NB {
            _mm512_storeu_epi32(&mut sums[p][b], registers[p][b]);
        }
    }
    sums
}

#[inline(always)]
fn finish<const P: usize, const NB: usize>(
    job: &Job<'_>,
    sums: &Sums<P, NB>,
    first: usize,
    at: (usize, usize),
    out: &mut Planes,
) {
    job.store(sums, first, at, out, BlockFactors::copied);
}

walk!(#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")] narrow: 12, 6, 2, 1);
walk!(#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")] wide: 6, 2, 1);

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn run(job: &Job<'_>, stride: usize, out: &mut Planes) {
    match (job.packed.chunk_blocks, stride) {
        (1, 2) => narrow::<1, 2>(job, out),
        (1, _) => narrow::<1, 1>(job, out),
        (2, 2) => narrow::<2, 2>(job, out),
        (2, _) => narrow::<2, 1>(job, out),
        (3, 2) => wide::<3, 2>(job, out),
        (3, _) => wide::<3, 1>(job, out),
        (_, 2) => wide::<4, 2>(job, out),
        (_, _) => wide::<4, 1>(job, out),
    }
}
