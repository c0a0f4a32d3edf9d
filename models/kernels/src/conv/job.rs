//! Shared by all instruction sets: the loop over the picture, and the requantization of the sums.

use std::borrow::Borrow;

use crate::layout::{LANES, Pixel, Planes};
use crate::pack::Packed;
use crate::requantize::{BlockFactors, Requantize};
use crate::window::Window;

/// A convolution of one picture, checked.
pub(super) struct Job<'a> {
    pub(super) packed: &'a Packed,
    pub(super) kernel: [usize; 2],
    /// Of the input, with its border.
    pub(super) pixels: &'a [Pixel],
    pub(super) row_step: usize,
    pub(super) block_step: usize,
    /// The pixel of the first tap of the first output.
    origin: usize,
    stride: usize,
    requantize: &'a Requantize,
    residual: Option<&'a Planes>,
}

/// The sums of `P` pixels of a row and `NB` blocks of outputs.
pub(super) type Sums<const P: usize, const NB: usize> = [[[i32; LANES]; NB]; P];

impl<'a> Job<'a> {
    pub(super) fn new(
        packed: &'a Packed,
        window: Window,
        requantize: &'a Requantize,
        x: &'a Planes,
        residual: Option<&'a Planes>,
    ) -> Self {
        let [top, left, ..] = window.pads;
        // The border is at least as wide as the padding.
        let origin = (x.border() - top) * x.row_step() + x.border() - left;
        Self {
            packed,
            kernel: window.kernel,
            pixels: x.pixels(),
            row_step: x.row_step(),
            block_step: x.block_step(),
            origin,
            stride: window.stride,
            requantize,
            residual,
        }
    }

    /// Where the first tap of an output lies in a block of the input.
    #[inline(always)]
    pub(super) fn start(&self, block: usize, y: usize, x: usize) -> usize {
        self.origin + block * self.block_step + y * self.stride * self.row_step + x * self.stride
    }

    /// Requantizes and stores sums, with each block's factors as `held` returns them.
    #[inline(always)]
    pub(super) fn store<'s, const P: usize, const NB: usize, T: Borrow<[f32; LANES]>>(
        &'s self,
        sums: &Sums<P, NB>,
        first: usize,
        (y, x): (usize, usize),
        out: &mut Planes,
        held: impl Fn(BlockFactors<&'s [f32; LANES]>) -> BlockFactors<T>,
    ) {
        for b in 0..NB {
            let block = first + b;
            let factors = held(self.requantize.block(block));
            let line = &mut out.row_mut(block, y)[x..][..P];
            match self.residual {
                None => {
                    for p in 0..P {
                        line[p] = factors.pixel(&sums[p][b], None);
                    }
                }
                Some(residual) => {
                    let added = &residual.row(block, y)[x..][..P];
                    for p in 0..P {
                        line[p] = factors.pixel(&sums[p][b], Some(&added[p]));
                    }
                }
            }
        }
    }
}

/// Requantizes and stores sums.
#[inline(always)]
pub(super) fn finish<const P: usize, const NB: usize>(
    job: &Job<'_>,
    sums: &Sums<P, NB>,
    first: usize,
    at: (usize, usize),
    out: &mut Planes,
) {
    job.store(sums, first, at, out, |factors| factors);
}

/// Defines a function that computes the whole picture with `sums` and `finish` of the same module, in tiles of `$wide`
/// pixels.
macro_rules! walk {
    ($(#[$attribute:meta])* $name:ident: $($wide:literal),*) => {
        $(#[$attribute])*
        fn $name<const NB: usize, const S: usize>(
            job: &$crate::conv::job::Job<'_>,
            out: &mut $crate::layout::Planes,
        ) {
            let shape = out.shape();
            for (input, output, weights) in job.packed.chunks() {
                for y in 0..shape.height {
                    let mut x = 0;
                    $(
                        while shape.width - x >= $wide {
                            let sums = sums::<$wide, NB, S>(job, job.start(input, y, x), weights);
                            finish(job, &sums, output, (y, x), out);
                            x += $wide;
                        }
                    )*
                }
            }
        }
    };
}
pub(super) use walk;
