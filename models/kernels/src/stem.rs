//! The first convolution of a network, whose input has one channel or a few.

use crate::conv::{Conv, ConvSpec};
use crate::error::KernelError;
use crate::isa::Isa;
use crate::layout::{LANES, Planes, Shape, check_count, check_stored};
use crate::window::Window;

/// Values of a window's row that are copied at once.
const RUN: usize = 8;

/// Most rows below a window, in all channels, that are copied so.
const RUNS: usize = 16;

/// Room for their values.
const BUFFER: usize = 8 * LANES;

/// A convolution of a picture in the order `[C][H][W]`.
///
/// In blocks of 16 channels, a picture of luma would be zero for 15 of 16. So the values below a window become the
/// channels of one place: 25 for a 5x5 of luma, in two blocks. Then the convolution is a 1x1.
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

    /// The shape that comes out of a picture.
    ///
    /// # Errors
    /// When the window does not fit into it.
    pub fn output(&self, picture: Shape) -> Result<Shape, KernelError> {
        self.conv.output(self.places(picture)?)
    }

    /// What [`Stem::run`] needs for pictures of this shape, to be kept from run to run.
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
        // Looked at as a whole first, which is quick.
        if picture.iter().fold(0, |all, value| all | value) < 0 {
            for (index, value) in picture.iter().enumerate() {
                check_stored("value", index, *value)?;
            }
        }
        self.gather(picture, shape, scratch);
        self.conv.run(scratch, None, out)
    }

    /// The values below each window, channel by channel and row by row.
    fn gather(&self, picture: &[i8], shape: Shape, places: &mut Planes) {
        let Window { kernel: [height, width], stride, pads: [top, left, ..] } = self.window;
        let runs = self.channels * height;
        let is_short = width <= RUN && runs <= RUNS && runs * width + RUN <= BUFFER;
        let mut starts = [None; RUNS];
        for y in 0..places.shape().height {
            let row = |run: usize| {
                let row = (y * stride + run % height).checked_sub(top)?;
                let channel = run / height * shape.height;
                (row < shape.height).then_some((channel + row) * shape.width)
            };
            for (run, start) in starts[..runs.min(RUNS)].iter_mut().enumerate() {
                *start = row(run);
            }
            for x in 0..places.shape().width {
                let column = (x * stride).checked_sub(left).filter(|c| c + width <= shape.width);
                if let Some(column) = column.filter(|_| is_short)
                    && self.gather_runs(picture, &starts[..runs], column, (y, x), places)
                {
                    continue;
                }
                for tap in 0..runs * width {
                    let column = (x * stride + tap % width).checked_sub(left);
                    let value = match (row(tap / width), column.filter(|c| *c < shape.width)) {
                        (Some(row), Some(column)) => picture[row + column],
                        _ => self.zero_point,
                    };
                    places.row_mut(tap / LANES, y)[x][tap % LANES] = value;
                }
            }
        }
    }

    /// The values below a window whose columns lie all in the picture, row by row, where [`RUN`] values can be copied at
    /// once: what is too much is replaced by the next row, or lies where no weight is.
    #[inline(always)]
    fn gather_runs(
        &self,
        picture: &[i8],
        rows: &[Option<usize>],
        column: usize,
        (y, x): (usize, usize),
        places: &mut Planes,
    ) -> bool {
        let mut values = [0; BUFFER];
        let mut at = 0;
        for row in rows {
            let from = match row {
                Some(row) => {
                    match picture.get(row + column..).and_then(|rest| rest.first_chunk()) {
                        Some(run) => *run,
                        None => return false,
                    }
                }
                None => [self.zero_point; RUN],
            };
            values[at..at + RUN].copy_from_slice(&from);
            at += self.window.kernel[1];
        }
        for (block, values) in
            values.as_chunks::<LANES>().0[..places.shape().blocks()].iter().enumerate()
        {
            places.row_mut(block, y)[x] = *values;
        }
        true
    }
}
