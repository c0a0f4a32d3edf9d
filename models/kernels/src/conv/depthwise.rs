//! Depthwise convolution: each channel separately.

use crate::isa::Pass;
use crate::layout::{LANES, Pixel, Planes};
use crate::pack::Weights;
use crate::requantize::Requantize;
use crate::window::Window;

/// Weights of a depthwise convolution, by block and tap.
#[derive(Clone, Debug)]
pub(super) struct Depthwise {
    window: Window,
    taps: Vec<Pixel>,
}

impl Depthwise {
    pub(super) fn new(weights: Weights<'_>, channels: usize, window: Window) -> Self {
        let [height, width] = window.kernel;
        let mut taps = Vec::new();
        for block in 0..channels.div_ceil(LANES) {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                taps.push(std::array::from_fn(|lane| weights.at(block * LANES + lane, 0, y, x)));
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
        let (shape, step) = (self.out.shape(), self.x.row_step());
        for (block, taps) in self.depthwise.taps.chunks_exact(kernel[0] * kernel[1]).enumerate() {
            let factors = self.requantize.block(block);
            let pixels = &self.x.pixels()[block * self.x.block_step() + origin..];
            for y in 0..shape.height {
                let added = self.residual.map(|residual| residual.row(block, y));
                let line = self.out.row_mut(block, y);
                let pixels = &pixels[y * stride * step..];
                if let (Ok(taps), [3, 3]) = (<&[Pixel; 9]>::try_from(taps), kernel) {
                    let length = (shape.width - 1) * stride + 3;
                    let (first, second) = (&pixels[..length], &pixels[step..][..length]);
                    let third = &pixels[2 * step..][..length];
                    let windows = first.windows(3).zip(second.windows(3)).zip(third.windows(3));
                    let windows = windows.step_by(stride).zip(line).enumerate();
                    for (x, (((first, second), third), out)) in windows {
                        let sums = nine([first, second, third], taps);
                        *out = factors.pixel(&sums, added.map(|added| &added[x]));
                    }
                    continue;
                }
                for (x, out) in line.iter_mut().enumerate() {
                    let mut sums = [0_i32; LANES];
                    for (ky, taps) in taps.chunks_exact(kernel[1]).enumerate() {
                        for (pixel, tap) in pixels[ky * step + x * stride..].iter().zip(taps) {
                            for lane in 0..LANES {
                                // At most 127 * 127.
                                sums[lane] +=
                                    i32::from(i16::from(pixel[lane]) * i16::from(tap[lane]));
                            }
                        }
                    }
                    *out = factors.pixel(&sums, added.map(|added| &added[x]));
                }
            }
        }
    }
}

/// The sums of a 3x3: two products at a time in 16 bits, at most 2 * 127 * 127.
#[inline(always)]
fn nine(rows: [&[Pixel]; 3], taps: &[Pixel; 9]) -> [i32; LANES] {
    let mut sums = [0_i32; LANES];
    for lane in 0..LANES {
        sums[lane] = i32::from(product(rows, taps, 8, lane));
    }
    for pair in 0..4 {
        for lane in 0..LANES {
            let two = product(rows, taps, 2 * pair, lane) + product(rows, taps, 2 * pair + 1, lane);
            sums[lane] += i32::from(two);
        }
    }
    sums
}

#[inline(always)]
fn product(rows: [&[Pixel]; 3], taps: &[Pixel; 9], at: usize, lane: usize) -> i16 {
    i16::from(rows[at / 3][at % 3][lane]) * i16::from(taps[at][lane])
}
