//! The first convolution of a network, whose input has one channel or a few.

use crate::conv::{Conv, ConvSpec};
use crate::error::KernelError;
use crate::isa::Isa;
use crate::layout::{LANES, Planes, Shape, check_count, check_stored};
use crate::window::Window;

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
        let output = places.shape();
        for tap in 0..output.channels {
            let (block, lane) = (tap / LANES, tap % LANES);
            let (channel, tap_y, tap_x) =
                (tap / (height * width), tap / width % height, tap % width);
            // Columns whose tap lies in the picture.
            let first = left.saturating_sub(tap_x).div_ceil(stride).min(output.width);
            let past = (shape.width + left)
                .saturating_sub(tap_x)
                .div_ceil(stride)
                .clamp(first, output.width);
            for y in 0..output.height {
                let line = places.row_mut(block, y);
                let row = (y * stride + tap_y).checked_sub(top).filter(|row| *row < shape.height);
                let Some(row) = row else {
                    line.iter_mut().for_each(|pixel| pixel[lane] = self.zero_point);
                    continue;
                };
                let row = &picture[(channel * shape.height + row) * shape.width..][..shape.width];
                let (before, rest) = line.split_at_mut(first);
                let (inside, after) = rest.split_at_mut(past - first);
                for pixel in before.iter_mut().chain(after) {
                    pixel[lane] = self.zero_point;
                }
                if let Some(start) = (first * stride + tap_x).checked_sub(left) {
                    for (pixel, value) in
                        inside.iter_mut().zip(row[start.min(row.len())..].iter().step_by(stride))
                    {
                        pixel[lane] = *value;
                    }
                }
            }
        }
    }
}
