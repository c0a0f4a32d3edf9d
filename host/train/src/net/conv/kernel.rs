//! The two inner loops, over the processor's widest vectors.
//!
//! Both read the picture through a list of offsets, one per tap of the kernel, instead of a matrix
//! of copied patches: with a [`super::strip`] under them, shifting the whole picture is an offset.

use pulp::{Arch, Simd, WithSimd};

/// Longest vector of any processor, in `f32`: a read may extend this far past its end.
pub(super) const LANES: usize = 16;

/// Taps that [`Dots`] reduces at once.
const TAPS: usize = 3;

/// Output channels of one register tile on this processor.
pub(super) fn tile(arch: Arch) -> usize {
    struct Registers;
    impl WithSimd for Registers {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            if S::REGISTER_COUNT >= 32 { 8 } else { 4 }
        }
    }
    arch.dispatch(Registers)
}

/// `out[m][p] = sum over k of weight[k][m] * x[offsets[k] + p]`, for [`tile`] values of `m` and
/// `len` of `p`, rounded up to a whole vector.
pub(super) struct Rows<'a> {
    /// `[taps, tile]`.
    pub(super) weight: &'a [f32],
    /// `[taps]`.
    pub(super) offsets: &'a [usize],
    pub(super) x: &'a [f32],
    pub(super) len: usize,
    /// `[tile, pitch]`, overwritten.
    pub(super) out: &'a mut [f32],
    pub(super) pitch: usize,
}

impl WithSimd for Rows<'_> {
    type Output = ();

    // Everything generic over `S` is inlined here, since only this call has the vector extensions:
    // plain loops, no closures over vectors.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 8>(simd);
        } else {
            self.run::<S, 4>(simd);
        }
    }
}

impl Rows<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(mut self, simd: S) {
        let vectors = self.len.div_ceil(S::F32_LANES);
        let whole = vectors - vectors % 3;
        for v in (0..whole).step_by(3) {
            self.tile::<S, M, 3>(simd, v * S::F32_LANES);
        }
        match vectors % 3 {
            1 => self.tile::<S, M, 1>(simd, whole * S::F32_LANES),
            2 => self.tile::<S, M, 2>(simd, whole * S::F32_LANES),
            _ => {}
        }
    }

    /// `M` channels by `V` vectors: 8 by 3 sums leave an AVX-512 core registers for its operands.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const V: usize>(&mut self, simd: S, at: usize) {
        let len = V * S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); V]; M];
        for (weight, offset) in self.weight.as_chunks::<M>().0.iter().zip(self.offsets) {
            let row = S::as_simd_f32s(&self.x[offset + at..][..len]).0;
            let mut x = [simd.splat_f32s(0.0); V];
            x.copy_from_slice(&row[..V]);
            for m in 0..M {
                let weight = simd.splat_f32s(weight[m]);
                for v in 0..V {
                    sums[m][v] = simd.mul_add_f32s(weight, x[v], sums[m][v]);
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            let out = &mut self.out[m * self.pitch + at..][..len];
            S::as_mut_simd_f32s(out).0.copy_from_slice(sums);
        }
    }
}

/// `out[m][k] += sum over p of y[m][p] * x[offsets[k] + p]`, for [`tile`] values of `m` and `len`
/// of `p`, rounded up to a whole vector: `y` must be zero between.
pub(super) struct Dots<'a> {
    /// `[tile, pitch]`.
    pub(super) y: &'a [f32],
    pub(super) pitch: usize,
    pub(super) x: &'a [f32],
    /// `[taps]`.
    pub(super) offsets: &'a [usize],
    pub(super) len: usize,
    /// `[tile, taps]`; fewer rows for the last channels.
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 8>(simd);
        } else {
            self.run::<S, 4>(simd);
        }
    }
}

impl Dots<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize>(self, simd: S) {
        let taps = self.offsets.len();
        for first in (0..taps).step_by(TAPS) {
            // The last tap is repeated to fill the group; its repetitions are not added.
            let offsets = core::array::from_fn(|k| self.offsets[(first + k).min(taps - 1)]);
            let sums = self.tile::<S, M>(simd, &offsets);
            for (out, sums) in self.out.chunks_exact_mut(taps).zip(&sums) {
                for (out, sum) in out[first..].iter_mut().zip(sums) {
                    *out += sum;
                }
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const M: usize>(&self, simd: S, offsets: &[usize; TAPS]) -> [[f32; TAPS]; M] {
        let len = self.len.next_multiple_of(S::F32_LANES);
        let y: [&[S::f32s]; M] =
            core::array::from_fn(|m| S::as_simd_f32s(&self.y[m * self.pitch..][..len]).0);
        let x: [&[S::f32s]; TAPS] =
            core::array::from_fn(|k| S::as_simd_f32s(&self.x[offsets[k]..][..len]).0);
        let mut sums = [[simd.splat_f32s(0.0); TAPS]; M];
        for p in 0..len / S::F32_LANES {
            let x = [x[0][p], x[1][p], x[2][p]];
            for m in 0..M {
                let y = y[m][p];
                for k in 0..TAPS {
                    sums[m][k] = simd.mul_add_f32s(y, x[k], sums[m][k]);
                }
            }
        }
        let mut out = [[0.0; TAPS]; M];
        for m in 0..M {
            for k in 0..TAPS {
                out[m][k] = simd.reduce_sum_f32s(sums[m][k]);
            }
        }
        out
    }
}
