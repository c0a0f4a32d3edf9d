//! Depthwise convolution: each channel by itself.

use crate::isa::Pass;
use crate::layout::{LANES, Planes};
use crate::pack::Weights;
use crate::requantize::Requantize;
use crate::window::Window;

/// Weights of a depthwise convolution, by block and tap.
#[derive(Clone, Debug)]
pub(super) struct Depthwise {
    window: Window,
    taps: Vec<[i16; LANES]>,
}

impl Depthwise {
    pub(super) fn new(weights: Weights<'_>, channels: usize, window: Window) -> Self {
        let [height, width] = window.kernel;
        let mut taps = Vec::new();
        for block in 0..channels.div_ceil(LANES) {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                taps.push(std::array::from_fn(|lane| {
                    i16::from(weights.at(block * LANES + lane, 0, y, x))
                }));
            }
        }
        Self { window, taps }
    }

    pub(super) fn pass<'a>(
        &'a self,
        requantize: &'a Requantize,
        x: &'a Planes,
        residual: Option<&'a Planes>,
        out: &'a mut Planes,
    ) -> Run<'a> {
        Run { depthwise: self, requantize, x, residual, out }
    }
}

/// One picture.
pub(super) struct Run<'a> {
    depthwise: &'a Depthwise,
    requantize: &'a Requantize,
    x: &'a Planes,
    residual: Option<&'a Planes>,
    out: &'a mut Planes,
}

impl Pass for Run<'_> {
    #[inline(always)]
    fn run(self) {
        let Window { kernel, stride, pads: [top, left, ..] } = self.depthwise.window;
        let origin = (self.x.border() - top) * self.x.row_step() + self.x.border() - left;
        let shape = self.out.shape();
        for (block, taps) in self.depthwise.taps.chunks_exact(kernel[0] * kernel[1]).enumerate() {
            let factors = self.requantize.block(block);
            let pixels = &self.x.pixels()[block * self.x.block_step() + origin..];
            for y in 0..shape.height {
                let added = self.residual.map(|residual| residual.row(block, y));
                let line = self.out.row_mut(block, y);
                for (x, out) in line.iter_mut().enumerate() {
                    let mut sums = [0_i32; LANES];
                    for (ky, taps) in taps.chunks_exact(kernel[1]).enumerate() {
                        let start = (y * stride + ky) * self.x.row_step() + x * stride;
                        for (pixel, tap) in pixels[start..].iter().zip(taps) {
                            for lane in 0..LANES {
                                // At most 127 * 127.
                                sums[lane] += i32::from(i16::from(pixel[lane]) * tap[lane]);
                            }
                        }
                    }
                    *out = factors.pixel(&sums, added.map(|added| &added[x]));
                }
            }
        }
    }
}
