//! Memory layout and quantization of values.

use std::fmt;

use crate::error::KernelError;
use crate::quantize::step;

/// Channels of a block.
pub const LANES: usize = 16;

/// The largest stored value.
pub const TOP: i8 = 127;

/// The values of 16 channels at one position.
pub type Pixel = [i8; LANES];

/// The shape of values, without the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// At least 1; memory is allocated for the next multiple of 16.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Shape {
    /// From channels, rows and columns.
    pub const fn new(channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width }
    }

    /// Blocks of 16 channels; the last one may be partly filled.
    pub const fn blocks(self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// The number of values, without those that only fill up a block.
    pub const fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether there is no value.
    pub const fn is_empty(self) -> bool {
        self.channels == 0 || self.height == 0 || self.width == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} channels of {}x{}", self.channels, self.height, self.width)
    }
}

/// Affine quantization: `value = (stored - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantization {
    /// The value of one step; positive, finite and normal.
    pub scale: f32,
    /// The stored value of zero, 0 to 127: 0 after a ReLU, 64 for values of both signs.
    pub zero_point: i8,
}

impl Quantization {
    /// For values that are never negative: 0 to 127 steps.
    pub const fn unsigned(scale: f32) -> Self {
        Self { scale, zero_point: 0 }
    }

    /// For values of both signs: -64 to 63 steps.
    pub const fn signed(scale: f32) -> Self {
        Self { scale, zero_point: 64 }
    }

    pub(crate) fn check(self, what: &'static str) -> Result<Self, KernelError> {
        check_scale(what, 0, f64::from(self.scale))?;
        check_stored("zero point", 0, self.zero_point)?;
        Ok(self)
    }
}

/// A positive, finite and normal number of `f32`.
pub(crate) fn check_scale(
    what: &'static str,
    index: usize,
    value: f64,
) -> Result<f32, KernelError> {
    let rounded = value as f32;
    if rounded.is_normal() && rounded > 0.0 {
        Ok(rounded)
    } else {
        Err(KernelError::Scale { what, index, value })
    }
}

pub(crate) fn check_stored(what: &'static str, index: usize, value: i8) -> Result<(), KernelError> {
    if value >= 0 { Ok(()) } else { Err(KernelError::Activation { what, index, value }) }
}

/// Values in blocks of 16 channels, each with a border of the zero point: `[C/16][H + 2b][W + 2b][16]`.
///
/// Every stored value is 0 to 127; nothing outside this crate can store another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planes {
    shape: Shape,
    border: usize,
    zero_point: i8,
    pixels: Vec<Pixel>,
}

impl Planes {
    /// Planes of zeros, with a border of `border` pixels on each side.
    ///
    /// # Errors
    /// When the shape is empty or too large, or the zero point is negative.
    pub fn new(shape: Shape, border: usize, zero_point: i8) -> Result<Self, KernelError> {
        check_stored("zero point", 0, zero_point)?;
        let count = || {
            let around = |side: usize| side.checked_add(border.checked_mul(2)?);
            let plane = around(shape.height)?.checked_mul(around(shape.width)?)?;
            let count = plane.checked_mul(shape.blocks())?;
            // The largest allocation.
            (count.checked_mul(LANES)? <= isize::MAX as usize).then_some(count)
        };
        let count = count().filter(|_| !shape.is_empty()).ok_or(KernelError::Size { shape })?;
        Ok(Self { shape, border, zero_point, pixels: vec![[zero_point; LANES]; count] })
    }

    /// The shape, without the border.
    #[inline]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Width of the border on each side, pixels.
    pub fn border(&self) -> usize {
        self.border
    }

    /// The stored value of zero, with which the border is filled.
    pub fn zero_point(&self) -> i8 {
        self.zero_point
    }

    /// The pixels of a row of a block.
    ///
    /// # Panics
    /// When there is no such block or row.
    #[inline]
    pub fn row(&self, block: usize, y: usize) -> &[Pixel] {
        assert!(block < self.shape.blocks() && y < self.shape.height);
        &self.pixels[self.at(block, y, 0)..][..self.shape.width]
    }

    /// Stores values from 0 to 127 in the order `[C][H][W]`.
    ///
    /// # Errors
    /// When there are more or fewer, or one is negative; then nothing is stored.
    pub fn store(&mut self, values: &[i8]) -> Result<(), KernelError> {
        check_count("values", self.shape.len(), values.len())?;
        if let Some(index) = values.iter().position(|value| *value < 0) {
            return Err(KernelError::Activation { what: "value", index, value: values[index] });
        }
        self.scatter(values, |value| value);
        Ok(())
    }

    /// Writes the stored values in the order `[C][H][W]`.
    ///
    /// # Errors
    /// When `values` does not have that length.
    pub fn load(&self, values: &mut [i8]) -> Result<(), KernelError> {
        check_count("values", self.shape.len(), values.len())?;
        self.gather(values, |stored| stored);
        Ok(())
    }

    /// Stores numbers in the order `[C][H][W]`: divided by `scale`, rounded to nearest even, saturated. NaN becomes
    /// zero.
    ///
    /// # Errors
    /// When there are more or fewer, or the scale is invalid; then nothing is stored.
    pub fn quantize(&mut self, values: &[f32], scale: f32) -> Result<(), KernelError> {
        check_count("values", self.shape.len(), values.len())?;
        check_scale("scale", 0, f64::from(scale))?;
        let zero = f32::from(self.zero_point);
        self.scatter(values, |value| step(value, scale, zero));
        Ok(())
    }

    /// Writes the dequantized values in the order `[C][H][W]`.
    ///
    /// # Errors
    /// When `values` does not have that length, or the scale is invalid.
    pub fn dequantize(&self, scale: f32, values: &mut [f32]) -> Result<(), KernelError> {
        check_count("values", self.shape.len(), values.len())?;
        check_scale("scale", 0, f64::from(scale))?;
        let zero = i16::from(self.zero_point);
        self.gather(values, |stored| f32::from(i16::from(stored) - zero) * scale);
        Ok(())
    }

    fn scatter<T: Copy>(&mut self, values: &[T], stored: impl Fn(T) -> i8) {
        let Shape { channels, height, width } = self.shape;
        for (channel, plane) in (0..channels).zip(values.chunks_exact(height * width)) {
            for (y, row) in plane.chunks_exact(width).enumerate() {
                let at = self.at(channel / LANES, y, 0);
                for (pixel, value) in self.pixels[at..].iter_mut().zip(row) {
                    pixel[channel % LANES] = stored(*value);
                }
            }
        }
    }

    fn gather<T>(&self, values: &mut [T], value: impl Fn(i8) -> T) {
        let Shape { channels, height, width } = self.shape;
        for (channel, plane) in (0..channels).zip(values.chunks_exact_mut(height * width)) {
            for (y, row) in plane.chunks_exact_mut(width).enumerate() {
                for (to, pixel) in row.iter_mut().zip(self.row(channel / LANES, y)) {
                    *to = value(pixel[channel % LANES]);
                }
            }
        }
    }

    /// From a row to the next, in pixels.
    #[inline]
    pub(crate) fn row_step(&self) -> usize {
        self.shape.width + 2 * self.border
    }

    /// From a block to the next, in pixels.
    #[inline]
    pub(crate) fn block_step(&self) -> usize {
        (self.shape.height + 2 * self.border) * self.row_step()
    }

    /// The index of a pixel.
    #[inline]
    pub(crate) fn at(&self, block: usize, y: usize, x: usize) -> usize {
        block * self.block_step() + (y + self.border) * self.row_step() + x + self.border
    }

    #[inline]
    pub(crate) fn pixels(&self) -> &[Pixel] {
        &self.pixels
    }

    /// A row, mutable; only values from 0 to 127 may be written.
    #[inline]
    pub(crate) fn row_mut(&mut self, block: usize, y: usize) -> &mut [Pixel] {
        let at = self.at(block, y, 0);
        &mut self.pixels[at..][..self.shape.width]
    }

    pub(crate) fn check(
        &self,
        what: &'static str,
        shape: Shape,
        zero_point: i8,
    ) -> Result<(), KernelError> {
        if self.shape != shape {
            return Err(KernelError::Shape { what, expected: shape, found: self.shape });
        }
        if self.zero_point != zero_point {
            let (expected, found) = (zero_point, self.zero_point);
            return Err(KernelError::ZeroPoint { what, expected, found });
        }
        Ok(())
    }
}

pub(crate) fn check_count(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), KernelError> {
    if expected == found { Ok(()) } else { Err(KernelError::Count { what, expected, found }) }
}
