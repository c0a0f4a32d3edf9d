//! Pooling.

use crate::error::KernelError;
use crate::isa::{Isa, Pass};
use crate::layout::{LANES, Pixel, Planes, Quantization, Shape, check_scale};
use crate::requantize::{Activation, Factors, MOST_PRODUCTS, Requantize};
use crate::window::Window;

/// Max pooling. Padding never counts.
#[derive(Clone, Debug)]
pub struct MaxPool {
    isa: Isa,
    window: Window,
}

impl MaxPool {
    /// # Errors
    /// When the window is invalid.
    pub fn new(window: Window, isa: Isa) -> Result<Self, KernelError> {
        Ok(Self { isa, window: window.check()? })
    }

    /// The output's shape for `input`.
    ///
    /// # Errors
    /// When the window does not fit into it.
    pub fn output(&self, input: Shape) -> Result<Shape, KernelError> {
        self.window.output(input)
    }

    /// Computes `out` from `x`. Nothing is allocated.
    ///
    /// # Errors
    /// When a shape or zero point is not what the layer needs; then `out` is as it was.
    pub fn run(&self, x: &Planes, out: &mut Planes) -> Result<(), KernelError> {
        out.check("output", self.window.output(x.shape())?, x.zero_point())?;
        self.isa.run(Max { window: self.window, x, out });
        Ok(())
    }
}

struct Max<'a> {
    window: Window,
    x: &'a Planes,
    out: &'a mut Planes,
}

impl Pass for Max<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { window, x, out } = self;
        let (input, output) = (x.shape(), out.shape());
        for block in 0..output.blocks() {
            for y in 0..output.height {
                let line = out.row_mut(block, y);
                // No stored value is smaller.
                line.fill([0; LANES]);
                for row in window.covered(0, y, input.height) {
                    for tap in 0..window.kernel[1] {
                        below(window, tap, line, x.row(block, row));
                    }
                }
            }
        }
    }
}

/// Raises each pixel of `line` to the pixel of `row` under the window's column `tap`, where that is not padding.
#[inline(always)]
fn below(window: Window, tap: usize, line: &mut [Pixel], row: &[Pixel]) {
    let (stride, left) = (window.stride, window.pads[1]);
    let first = left.saturating_sub(tap).div_ceil(stride);
    let Some(places) = line.get_mut(first..) else { return };
    let start = first * stride + tap - left;
    for (place, pixel) in places.iter_mut().zip(row.iter().skip(start).step_by(stride)) {
        let mut largest = *place;
        for lane in 0..LANES {
            largest[lane] = largest[lane].max(pixel[lane]);
        }
        *place = largest;
    }
}

/// Average pooling. Padding does not count.
#[derive(Clone, Debug)]
pub struct AveragePool {
    isa: Isa,
    channels: usize,
    window: Window,
    input_zero: i8,
    output_zero: i8,
    requantize: Requantize,
}

impl AveragePool {
    /// For `channels` channels. A window of the input's size is global average pooling.
    ///
    /// # Errors
    /// When the window or a scale is invalid, or a sum could overflow.
    pub fn new(
        channels: usize,
        window: Window,
        input: Quantization,
        output: Quantization,
        isa: Isa,
    ) -> Result<Self, KernelError> {
        let products = window.check()?.taps();
        if products > MOST_PRODUCTS {
            return Err(KernelError::Products { products, most: MOST_PRODUCTS });
        }
        let unit = f64::from(input.check("input scale")?.scale);
        let step = f64::from(output.check("output scale")?.scale);
        check_scale("ratio of a mean's input to output scale", 0, unit / step / products as f64)?;
        let requantize = Requantize::new(&Factors {
            unit: &vec![unit; channels],
            zero_sum: &vec![f64::from(input.zero_point); channels],
            largest_sum: 127.0,
            bias: &vec![0.0; channels],
            residual: None,
            output,
            activation: Activation::Linear,
        })?;
        let (input_zero, output_zero) = (input.zero_point, output.zero_point);
        Ok(Self { isa, channels, window, input_zero, output_zero, requantize })
    }

    /// The output's shape for `input`.
    ///
    /// # Errors
    /// When the window does not fit into it.
    pub fn output(&self, input: Shape) -> Result<Shape, KernelError> {
        self.window.output(input)
    }

    /// Computes `out` from `x`. Nothing is allocated.
    ///
    /// # Errors
    /// When a shape or zero point is not what the layer needs; then `out` is as it was.
    pub fn run(&self, x: &Planes, out: &mut Planes) -> Result<(), KernelError> {
        x.check("input", Shape { channels: self.channels, ..x.shape() }, self.input_zero)?;
        out.check("output", self.window.output(x.shape())?, self.output_zero)?;
        self.isa.run(Mean { window: self.window, requantize: &self.requantize, x, out });
        Ok(())
    }
}

struct Mean<'a> {
    window: Window,
    requantize: &'a Requantize,
    x: &'a Planes,
    out: &'a mut Planes,
}

impl Pass for Mean<'_> {
    #[inline(always)]
    fn run(self) {
        each(self.window, self.x, self.out, |block, pixels| {
            let mut sums = [0_i32; LANES];
            for row in pixels.rows() {
                for pixel in row {
                    for lane in 0..LANES {
                        sums[lane] += i32::from(pixel[lane]);
                    }
                }
            }
            self.requantize.block(block).mean(&sums, pixels.count() as f32)
        });
    }
}

/// The pixels of a block under a window, without padding.
struct Below<'a> {
    x: &'a Planes,
    block: usize,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
}

impl Below<'_> {
    #[inline(always)]
    fn rows(&self) -> impl Iterator<Item = &[Pixel]> {
        self.rows.clone().map(|y| &self.x.row(self.block, y)[self.columns.clone()])
    }

    #[inline(always)]
    fn count(&self) -> usize {
        self.rows.len() * self.columns.len()
    }
}

#[inline(always)]
fn each(window: Window, x: &Planes, out: &mut Planes, pool: impl Fn(usize, &Below<'_>) -> Pixel) {
    let (input, output) = (x.shape(), out.shape());
    for block in 0..output.blocks() {
        for y in 0..output.height {
            let rows = window.covered(0, y, input.height);
            for (place, out) in out.row_mut(block, y).iter_mut().enumerate() {
                let columns = window.covered(1, place, input.width);
                *out = pool(block, &Below { x, block, rows: rows.clone(), columns });
            }
        }
    }
}
