//! Eight outputs in a register, four inputs in a step: AVX2, and VNNI in 256 bits, in its VEX and EVEX encodings.
//!
//! AVX2 has no instruction for a whole step. `vpmaddubsw` adds two products into 16 bits, saturated; two products of
//! 0..=127 with -127..=127 are at most 32,258, so that it never saturates.

use std::arch::x86_64::{
    _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_dpbusd_epi32, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256,
};

use safe_unaligned_simd::x86_64::{_mm256_loadu_si256, _mm256_storeu_si256};

use super::job::{Job, Sums, finish, walk};
use crate::layout::{LANES, Pixel, Planes};

/// Four values of a pixel, as they lie in memory.
#[inline(always)]
pub(super) fn four(pixel: &Pixel, step: usize) -> i32 {
    let (fours, _) = pixel.as_chunks::<4>();
    i32::from_le_bytes(fours[step].map(i8::cast_unsigned))
}

macro_rules! ymm {
    ($name:ident, $features:literal, [$($wide:literal),*], |$sum:ident, $value:ident, $weight:ident| $add:expr) => {
        pub(super) mod $name {
            use super::*;

            #[target_feature(enable = $features)]
            fn sums<const P: usize, const NB: usize, const S: usize>(
                job: &Job<'_>,
                start: usize,
                weights: &[i8],
            ) -> Sums<P, NB> {
                const { assert!(NB == 1) };
                let mut registers = [[_mm256_setzero_si256(); 2]; P];
                let mut taps = weights.as_chunks::<32>().0.as_chunks::<2>().0.as_chunks::<4>().0;
                for y in 0..job.kernel[0] {
                    for x in 0..job.kernel[1] {
                        let start = start + y * job.row_step + x;
                        let (tap, rest) = taps.split_at(job.packed.input_blocks);
                        taps = rest;
                        for (block, weights) in tap.iter().enumerate() {
                            let pixels =
                                &job.pixels[start + block * job.block_step..][..(P - 1) * S + 1];
                            for step in 0..4 {
                                let [low, high] = &weights[step];
                                let weights = [_mm256_loadu_si256(low), _mm256_loadu_si256(high)];
                                for p in 0..P {
                                    let $value = _mm256_set1_epi32(four(&pixels[p * S], step));
                                    for half in 0..2 {
                                        let ($sum, $weight) = (registers[p][half], weights[half]);
                                        registers[p][half] = $add;
                                    }
                                }
                            }
                        }
                    }
                }
                let mut sums = [[[0; LANES]; NB]; P];
                for p in 0..P {
                    let (halves, _) = sums[p][0].as_chunks_mut::<8>();
                    for half in 0..2 {
                        _mm256_storeu_si256(&mut halves[half], registers[p][half]);
                    }
                }
                sums
            }

            walk!(#[target_feature(enable = $features)] all: $($wide),*);

            #[target_feature(enable = $features)]
            pub(in crate::conv) fn run(job: &Job<'_>, stride: usize, out: &mut Planes) {
                match stride {
                    2 => all::<1, 2>(job, out),
                    _ => all::<1, 1>(job, out),
                }
            }
        }
    };
}

ymm!(avx2, "avx2,fma", [4, 2, 1], |sum, value, weight| {
    let pairs = _mm256_maddubs_epi16(value, weight);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
});
// Six pixels: twelve of sixteen registers.
ymm!(avx_vnni, "avx2,fma,avxvnni", [6, 2, 1], |sum, value, weight| _mm256_dpbusd_avx_epi32(
    sum, value, weight
));
ymm!(
    avx512_vnni,
    "avx2,fma,avx512f,avx512bw,avx512vl,avx512vnni",
    [12, 6, 2, 1],
    |sum, value, weight| _mm256_dpbusd_epi32(sum, value, weight)
);
