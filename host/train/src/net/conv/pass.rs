//! Forward and backward on plain `f32` slices, one thread.
//!
//! The gradient of the input is a convolution of the output's gradient with the flipped kernel: one for each phase of
//! the stride, with the taps of that phase.

use super::kernel::{Dots, LANES, Rows, tile};
use super::strip::{Axis, Lattice, Strip, take};
use pulp::Arch;

/// Size of a block of pictures, in `f32`: it fits a core's second-level cache.
const BLOCK: usize = 96 * 1024;

/// Sizes of a convolution, each pair rows first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Channels in and out.
    pub(super) channels: [usize; 2],
    /// Height and width of the picture.
    pub(super) input: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
}

impl Sizes {
    /// Height and width of the result.
    pub(super) fn output(&self) -> [usize; 2] {
        [0, 1].map(|a| (self.input[a] + 2 * self.padding[a] - self.kernel[a]) / self.stride[a] + 1)
    }

    fn input_len(&self) -> usize {
        self.channels[0] * self.input[0] * self.input[1]
    }

    fn output_len(&self) -> usize {
        let [height, width] = self.output();
        self.channels[1] * height * width
    }

    /// Taps of all input channels.
    fn taps(&self) -> usize {
        self.channels[0] * self.kernel[0] * self.kernel[1]
    }

    fn input_axes(&self) -> [Axis; 2] {
        let output = self.output();
        [0, 1].map(|a| {
            let taps = self.kernel[a].div_ceil(self.stride[a]);
            Axis::new(self.input[a], self.padding[a], self.stride[a], output[a], taps)
        })
    }

    /// Offsets of a channel's taps in the weight's order.
    fn input_offsets(&self, strip: &Strip, [rows, columns]: [Axis; 2]) -> Vec<usize> {
        let [height, width] = self.kernel;
        let mut offsets = Vec::with_capacity(self.taps());
        for channel in 0..self.channels[0] {
            for y in 0..height {
                for x in 0..width {
                    offsets.push(strip.offset(channel, rows.tap(y), columns.tap(x)));
                }
            }
        }
        offsets
    }
}

/// Number of pictures of `channels` in a block.
fn block(channels: usize, phases: usize, [rows, columns]: [Axis; 2]) -> usize {
    (BLOCK / (channels * phases * rows.pitch * columns.pitch)).max(1)
}

/// Weights of [`Rows`], `[ceil(channels / tile), taps, tile]` with zeros past the last channel.
fn tiles(
    channels: usize,
    taps: usize,
    tile: usize,
    weight: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let mut tiles = vec![0.0; channels.div_ceil(tile) * taps * tile];
    for channel in 0..channels {
        let first = channel / tile * taps * tile + channel % tile;
        for tap in 0..taps {
            tiles[first + tap * tile] = weight(channel, tap);
        }
    }
    tiles
}

/// Writes the results of one block, channel by channel, from strips into pictures.
struct Results<'a> {
    weight: &'a [f32],
    offsets: &'a [usize],
    channels: usize,
    /// Pitch of the results, rows first.
    pitch: [usize; 2],
    lattice: [Lattice; 2],
}

impl Results<'_> {
    /// Convolves the pictures in `strip` into `pictures`, `[images, channels, height, width]`.
    fn write(&self, arch: Arch, strip: &Strip, scratch: &mut Vec<f32>, pictures: &mut [f32]) {
        let tile = tile(arch);
        let [rows, columns] = self.lattice;
        let plane = rows.size * columns.size;
        let images = pictures.len() / (self.channels * plane);
        let len = strip.len(images);
        let pitch = len.next_multiple_of(LANES);
        scratch.resize(tile * pitch, 0.0);
        let taps = self.offsets.len();
        for first in (0..self.channels).step_by(tile) {
            let weight = &self.weight[first * taps..][..tile * taps];
            let (x, offsets) = (&strip.data, self.offsets);
            arch.dispatch(Rows { weight, offsets, x, len, out: scratch, pitch });
            for channel in first..self.channels.min(first + tile) {
                let results = &scratch[(channel - first) * pitch..][..len];
                for (image, results) in
                    results.chunks_exact(self.pitch[0] * self.pitch[1]).enumerate()
                {
                    let picture =
                        &mut pictures[(image * self.channels + channel) * plane..][..plane];
                    take(results, self.pitch[1], rows, columns, picture);
                }
            }
        }
    }
}

/// `x` `[n, in, h, w]` and `weight` `[out, in, kh, kw]` to `[n, out, oh, ow]`.
pub(super) fn forward(sizes: Sizes, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let arch = Arch::new();
    let (taps, [inputs, outputs]) = (sizes.taps(), sizes.channels);
    let axes = sizes.input_axes();
    let images = x.len() / sizes.input_len();
    let mut out = vec![0.0; images * sizes.output_len()];
    let block = block(inputs, sizes.stride[0] * sizes.stride[1], axes).min(images);
    let mut strip = Strip::new(axes[0], axes[1], inputs, block);
    let output = sizes.output();
    let results = Results {
        weight: &tiles(outputs, taps, tile(arch), |m, k| weight[m * taps + k]),
        offsets: &sizes.input_offsets(&strip, axes),
        channels: outputs,
        pitch: axes.map(|axis| axis.pitch),
        lattice: output.map(|size| Lattice { first: 0, stride: 1, size }),
    };
    let mut scratch = Vec::new();
    let blocks = out.chunks_mut(block * sizes.output_len());
    for (x, out) in x.chunks(block * sizes.input_len()).zip(blocks) {
        strip.fill(x);
        results.write(arch, &strip, &mut scratch, out);
    }
    out
}

/// The gradient `[out, in, kh, kw]` of the weight from `x` `[n, in, h, w]` and the gradient
/// `[n, out, oh, ow]` of the result.
pub(super) fn weight_gradient(sizes: Sizes, x: &[f32], grad: &[f32]) -> Vec<f32> {
    let arch = Arch::new();
    let (taps, tile, [inputs, outputs]) = (sizes.taps(), tile(arch), sizes.channels);
    let axes = sizes.input_axes();
    let images = x.len() / sizes.input_len();
    let block = block(inputs, sizes.stride[0] * sizes.stride[1], axes).min(images);
    let mut strip = Strip::new(axes[0], axes[1], inputs, block);
    let offsets = sizes.input_offsets(&strip, axes);
    // The gradient has the input's pitch, and zeros at positions that only the input has.
    let output = sizes.output();
    let [rows, columns] = [0, 1].map(|a| Axis {
        size: output[a],
        lead: 0,
        stride: 1,
        pitch: axes[a].pitch,
        reach: 0,
    });
    // Rounded up to whole tiles of channels, with zeros.
    let mut grads = Strip::new(rows, columns, outputs, block);
    grads.data.resize(outputs.next_multiple_of(tile) * grads.pitch, 0.0);
    let mut out = vec![0.0; outputs * taps];
    let blocks = grad.chunks(block * sizes.output_len());
    for (x, grad) in x.chunks(block * sizes.input_len()).zip(blocks) {
        let images = x.len() / sizes.input_len();
        if images < block {
            // Otherwise the last vector would read values of the previous block past the end.
            grads.data.fill(0.0);
        }
        strip.fill(x);
        grads.fill(grad);
        let (len, pitch) = (grads.len(images), grads.pitch);
        let channels = grads.data.chunks_exact(tile * pitch);
        for (y, out) in channels.zip(out.chunks_mut(tile * taps)) {
            arch.dispatch(Dots { y, pitch, x: &strip.data, offsets: &offsets, len, out });
        }
    }
    out
}

/// The gradient `[n, in, h, w]` of the input from `weight` `[out, in, kh, kw]` and the gradient
/// `[n, out, oh, ow]` of the result. The padding must be smaller than the kernel.
pub(super) fn input_gradient(sizes: Sizes, weight: &[f32], grad: &[f32]) -> Vec<f32> {
    let arch = Arch::new();
    let [inputs, outputs] = sizes.channels;
    let images = grad.len() / sizes.output_len();
    let output = sizes.output();
    let axes = [0, 1].map(|a| {
        let (stride, padding) = (sizes.stride[a], sizes.padding[a]);
        let taps = sizes.kernel[a].div_ceil(stride);
        let skipped = padding / stride;
        let positions = (padding + sizes.input[a] - 1) / stride + 1 - skipped;
        Axis::new(output[a], taps - 1 - skipped, 1, positions, taps)
    });
    let mut out = vec![0.0; images * sizes.input_len()];
    let block = block(outputs, 1, axes).min(images);
    let mut strip = Strip::new(axes[0], axes[1], outputs, block);
    let phases: Vec<Phase> = (0..sizes.stride[0])
        .flat_map(|y| (0..sizes.stride[1]).map(move |x| [y, x]))
        .map(|phase| Phase::new(sizes, phase, &strip, axes, weight, tile(arch)))
        .collect();
    let mut scratch = Vec::new();
    let blocks = out.chunks_mut(block * sizes.input_len());
    for (grad, out) in grad.chunks(block * sizes.output_len()).zip(blocks) {
        strip.fill(grad);
        for phase in &phases {
            let results = Results {
                weight: &phase.weight,
                offsets: &phase.offsets,
                channels: inputs,
                pitch: axes.map(|axis| axis.pitch),
                lattice: phase.lattice,
            };
            results.write(arch, &strip, &mut scratch, out);
        }
    }
    out
}

/// The convolution for one phase: every stride-th row and column of the input's gradient.
struct Phase {
    weight: Vec<f32>,
    offsets: Vec<usize>,
    lattice: [Lattice; 2],
}

impl Phase {
    fn new(
        sizes: Sizes,
        phase: [usize; 2],
        strip: &Strip,
        axes: [Axis; 2],
        weight: &[f32],
        tile: usize,
    ) -> Self {
        let [inputs, outputs] = sizes.channels;
        let [height, width] = sizes.kernel;
        let mut offsets = Vec::new();
        // Index of each tap's weight for input channel 0.
        let mut taps = Vec::new();
        for channel in 0..outputs {
            for (y, row) in (phase[0]..height).step_by(sizes.stride[0]).enumerate() {
                for (x, column) in (phase[1]..width).step_by(sizes.stride[1]).enumerate() {
                    let shift = [(0, axes[0].reach - y), (0, axes[1].reach - x)];
                    offsets.push(strip.offset(channel, shift[0], shift[1]));
                    taps.push((channel * inputs * height + row) * width + column);
                }
            }
        }
        let kernel = height * width;
        let weight = tiles(inputs, taps.len(), tile, |m, k| weight[taps[k] + m * kernel]);
        let lattice = [0, 1].map(|a| {
            let (stride, padding) = (sizes.stride[a], sizes.padding[a]);
            // Padding is small enough for `isize`.
            let first = (phase[a] + padding / stride * stride) as isize - padding as isize;
            Lattice { first, stride, size: sizes.input[a] }
        });
        Self { weight, offsets, lattice }
    }
}
