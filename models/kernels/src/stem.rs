//! The first convolution of a network, whose input has one channel or a few.

use crate::conv::{Conv, ConvSpec};
use crate::error::KernelError;
use crate::isa::Isa;
use crate::layout::{LANES, Planes, Shape, check_count, check_stored};
use crate::window::Window;

/// Values of a window's row that are copied at once.
const RUN: usize = 8;

/// Most rows under a window, in all channels, that are copied in this way.
const RUNS: usize = 16;

/// Size of the buffer for their values.
const BUFFER: usize = 8 * LANES;

/// Pixels that are filled before they are stored.
const AT_ONCE: usize = 8;

/// A convolution of a picture in the order `[C][H][W]`.
///
/// In blocks of 16 channels, a picture of luma would be zero for 15 of 16. So the values under a window become the
/// channels of one pixel: 25 for a 5x5 of luma, in two blocks. Then the convolution is a 1x1.
#[derive(Clone, Debug)]
pub struct Stem {
    channels: usize,
    window: Window,
    zero_point: i8,
    conv: Conv,
}

impl Stem {
    /// As [`Conv::new`], for one group, any stride and any padding below the window's size.
    ///
    /// # Errors
    /// As [`Conv::new`].
    pub fn new(spec: &ConvSpec<'_>, isa: Isa) -> Result<Self, KernelError> {
        let window = spec.window.check()?;
        if spec.groups != 1 {
            let (groups, inputs, outputs) = (spec.groups, spec.inputs, spec.outputs);
            return Err(KernelError::Groups { groups, inputs, outputs });
        }
        let inputs = spec.inputs.saturating_mul(window.taps());
        let conv = Conv::new(&ConvSpec { inputs, window: Window::same(1, 1), ..*spec }, isa)?;
        Ok(Self { channels: spec.inputs, window, zero_point: spec.input.zero_point, conv })
    }

    /// The output's shape for a picture.
    ///
    /// # Errors
    /// When the window does not fit into it.
    pub fn output(&self, picture: Shape) -> Result<Shape, KernelError> {
        self.conv.output(self.places(picture)?)
    }

    /// The working memory of [`Stem::run`] for pictures of this shape, to be reused from run to run.
    ///
    /// # Errors
    /// When the window does not fit, or the picture is too large.
    pub fn scratch(&self, picture: Shape) -> Result<Planes, KernelError> {
        Planes::new(self.places(picture)?, 0, self.zero_point)
    }

    fn places(&self, picture: Shape) -> Result<Shape, KernelError> {
        let channels = self.channels * self.window.taps();
        Ok(Shape { channels, ..self.window.output(picture)? })
    }

    /// Computes `out` from a picture's stored values. Nothing is allocated.
    ///
    /// # Errors
    /// When a shape or zero point is not what the layer needs, or a value is negative; then `out` is as it was.
    pub fn run(
        &self,
        picture: &[i8],
        shape: Shape,
        scratch: &mut Planes,
        out: &mut Planes,
    ) -> Result<(), KernelError> {
        check_count("channels", self.channels, shape.channels)?;
        scratch.check("scratch", self.places(shape)?, self.zero_point)?;
        let values =
            shape.channels.checked_mul(shape.height).and_then(|rows| rows.checked_mul(shape.width));
        check_count("values", values.unwrap_or(usize::MAX), picture.len())?;
        // A fast check of all values first.
        if picture.iter().fold(0, |all, value| all | value) < 0 {
            for (index, value) in picture.iter().enumerate() {
                check_stored("value", index, *value)?;
            }
        }
        self.gather(picture, shape, scratch);
        self.conv.run(scratch, None, out)
    }

    /// Gathers the values under each window, channel by channel and row by row (im2col).
    fn gather(&self, picture: &[i8], shape: Shape, places: &mut Planes) {
        let Window { kernel: [height, width], stride, pads: [top, left, ..] } = self.window;
        let runs = self.channels * height;
        let row = |y: usize, run: usize| {
            let row = (y * stride + run % height).checked_sub(top)?;
            let channel = run / height * shape.height;
            (row < shape.height).then(|| &picture[(channel + row) * shape.width..][..shape.width])
        };
        let is_short = width <= RUN && shape.width >= RUN;
        if is_short && runs <= RUNS && runs * width + RUN <= BUFFER {
            return self.gather_runs(runs, row, places);
        }
        for y in 0..places.shape().height {
            for x in 0..places.shape().width {
                for tap in 0..runs * width {
                    let column = (x * stride + tap % width).checked_sub(left);
                    let value = match (row(y, tap / width), column) {
                        (Some(row), Some(column)) => row.get(column).copied(),
                        _ => None,
                    };
                    let value = value.unwrap_or(self.zero_point);
                    places.row_mut(tap / LANES, y)[x][tap % LANES] = value;
                }
            }
        }
    }

    /// The same where [`RUN`] values can be copied at once: values in excess are overwritten by the next run, or have
    /// weights of 0. Several pixels are filled before any is read: reading a word right after writing it in parts
    /// stalls (store forwarding).
    fn gather_runs<'a>(
        &self,
        runs: usize,
        row: impl Fn(usize, usize) -> Option<&'a [i8]>,
        places: &mut Planes,
    ) {
        let Window { kernel: [_, width], stride, pads: [_, left, ..] } = self.window;
        let zeros = eight(&[self.zero_point; RUN], 0);
        let mut values = [[self.zero_point; BUFFER]; AT_ONCE];
        let mut rows = [None; RUNS];
        let shape = places.shape();
        for y in 0..shape.height {
            for (run, at) in rows[..runs].iter_mut().enumerate() {
                *at = row(y, run);
            }
            for first in (0..shape.width).step_by(AT_ONCE) {
                for (x, values) in (first..shape.width).zip(&mut values) {
                    for (run, row) in rows[..runs].iter().enumerate() {
                        let below = row.map_or(zeros, |row| window(row, x * stride, left, zeros));
                        let below = below.to_le_bytes().map(|value| value as i8);
                        values[run * width..][..RUN].copy_from_slice(&below);
                    }
                }
                for block in 0..shape.blocks() {
                    let pixels = &mut places.row_mut(block, y)[first..];
                    for (pixel, values) in pixels.iter_mut().zip(&values) {
                        *pixel = values.as_chunks().0[block];
                    }
                }
            }
        }
    }
}

/// [`RUN`] values of a row, the first one in the lowest byte, from `column` on in a row with a padding of `left` zeros.
/// At least one of the window's values, and so of these, is in the row.
#[inline(always)]
fn window(row: &[i8], column: usize, left: usize, zeros: u64) -> u64 {
    let bits = |values: usize| 8 * (values % RUN) as u32;
    let last = row.len() - RUN;
    match column.checked_sub(left) {
        None => {
            let missing = bits(left - column);
            eight(row, 0) << missing | zeros >> (u64::BITS - missing)
        }
        Some(column) if column > last => {
            let missing = bits(column - last);
            eight(row, last) >> missing | zeros << (u64::BITS - missing)
        }
        Some(column) => eight(row, column),
    }
}

/// Eight values from `at` on.
#[inline(always)]
fn eight(values: &[i8], at: usize) -> u64 {
    let values: [i8; RUN] = std::array::from_fn(|i| values[at..][..RUN][i]);
    u64::from_le_bytes(values.map(|value| value as u8))
}
