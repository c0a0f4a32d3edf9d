//! Windows of convolutions and pools.

use crate::error::KernelError;
use crate::layout::Shape;

/// The window of a convolution or pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// In both directions, at least 1.
    pub stride: usize,
    /// Top, left, bottom, right, pixels; each smaller than the kernel's side.
    pub pads: [usize; 4],
}

impl Window {
    /// `side` x `side`, padded so that a stride of 1 keeps the size where `side` is odd.
    pub const fn same(side: usize, stride: usize) -> Self {
        let pad = side.saturating_sub(1) / 2;
        Self { kernel: [side, side], stride, pads: [pad; 4] }
    }

    /// `side` x `side` without padding.
    pub const fn valid(side: usize, stride: usize) -> Self {
        Self { kernel: [side, side], stride, pads: [0; 4] }
    }

    /// The number of its taps.
    pub(crate) fn taps(self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The widest padding.
    pub(crate) fn padding(self) -> usize {
        self.pads.into_iter().fold(0, usize::max)
    }

    pub(crate) fn check(self) -> Result<Self, KernelError> {
        // Then every window covers a pixel, and no side overflows.
        let [top, left, bottom, right] = self.pads;
        let [height, width] = self.kernel;
        let pads = top.max(bottom) < height && left.max(right) < width;
        let sides = height <= u16::MAX.into() && width <= u16::MAX.into();
        if pads && sides && self.stride > 0 { Ok(self) } else { Err(self.invalid()) }
    }

    pub(crate) fn invalid(self) -> KernelError {
        KernelError::Window { kernel: self.kernel, stride: self.stride, pads: self.pads }
    }

    /// The output's shape for `input`, with as many channels.
    ///
    /// # Errors
    /// When the window is invalid or does not fit.
    pub fn output(self, input: Shape) -> Result<Shape, KernelError> {
        self.check()?;
        let [top, left, bottom, right] = self.pads;
        let side = |side: usize, pads: usize, kernel: usize| {
            side.checked_add(pads)?.checked_sub(kernel).map(|rest| rest / self.stride + 1)
        };
        let height = side(input.height, top + bottom, self.kernel[0]);
        let width = side(input.width, left + right, self.kernel[1]);
        match (height, width) {
            (Some(height), Some(width)) => Ok(Shape { height, width, ..input }),
            _ => Err(KernelError::TooSmall { kernel: self.kernel, input, pads: self.pads }),
        }
    }

    /// The range of the input that the window at an output's position covers, in one direction, without padding.
    pub(crate) fn covered(self, axis: usize, place: usize, side: usize) -> std::ops::Range<usize> {
        let (start, pad) = (place * self.stride, self.pads[axis]);
        start.saturating_sub(pad)..(start + self.kernel[axis] - pad).min(side)
    }
}
