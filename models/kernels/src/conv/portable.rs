//! The portable reference code.

use super::job::{Job, Sums, finish, walk};
use crate::layout::{LANES, Planes};

/// The sums of `P` neighbouring pixels of a row.
fn sums<const P: usize, const NB: usize, const S: usize>(
    job: &Job<'_>,
    start: usize,
    weights: &[i8],
) -> Sums<P, NB> {
    const { assert!(NB == 1) };
    let mut sums = [[[0; LANES]; NB]; P];
    let mut taps = weights.as_chunks::<LANES>().0.as_chunks::<LANES>().0;
    for y in 0..job.kernel[0] {
        for x in 0..job.kernel[1] {
            let start = start + y * job.row_step + x;
            let (tap, rest) = taps.split_at(job.packed.input_blocks);
            taps = rest;
            for (block, weights) in tap.iter().enumerate() {
                let pixels = &job.pixels[start + block * job.block_step..][..(P - 1) * S + 1];
                for p in 0..P {
                    for (value, weights) in pixels[p * S].iter().zip(weights) {
                        for (sum, weight) in sums[p][0].iter_mut().zip(weights) {
                            *sum += i32::from(*value) * i32::from(*weight);
                        }
                    }
                }
            }
        }
    }
    sums
}

walk!(all: 2, 1);

pub(super) fn run(job: &Job<'_>, stride: usize, out: &mut Planes) {
    match stride {
        2 => all::<1, 2>(job, out),
        _ => all::<1, 1>(job, out),
    }
}
