//! The fully connected last layer, whose result is not quantized.

use crate::error::KernelError;
use crate::isa::{Isa, Pass};
use crate::layout::{LANES, Planes, Quantization, Shape, check_count, check_scale};
use crate::pack::Weights;
use crate::requantize::{LARGEST_PRODUCT, MOST_PRODUCTS, check_finite};
use crate::window::Window;

/// A [`Dense`] layer as a network defines it.
#[derive(Clone, Copy, Debug)]
pub struct DenseSpec<'a> {
    /// The shape of the input.
    pub shape: Shape,
    /// Number of outputs.
    pub outputs: usize,
    /// -127 to 127, in the order `[outputs][C][H][W]`.
    pub weights: &'a [i8],
    /// Scale of the weights, one for each output; positive.
    pub weight_scales: &'a [f32],
    /// Bias of each output, in real units.
    pub biases: &'a [f32],
    /// Quantization of the input.
    pub input: Quantization,
}

/// A fully connected layer over all values of the input, with results in `f32`. For a quantized result, use a
/// [`crate::Conv`] without padding whose window has the input's size.
#[derive(Clone, Debug)]
pub struct Dense {
    isa: Isa,
    shape: Shape,
    input_zero: i8,
    /// By output, block, row and column.
    weights: Vec<[i8; LANES]>,
    scales: Vec<f32>,
    biases: Vec<f32>,
}

impl Dense {
    /// # Errors
    /// When a count, scale or weight is invalid, or a sum could overflow.
    pub fn new(spec: &DenseSpec<'_>, isa: Isa) -> Result<Self, KernelError> {
        let Shape { channels, height, width } = spec.shape;
        let window = Window { kernel: [height, width], stride: 1, pads: [0; 4] }.check()?;
        let input = spec.input.check("input scale")?;
        let weights = Weights::new(spec.weights, spec.outputs, channels, window)?;
        let products = channels * window.taps();
        if products == 0 || spec.outputs == 0 {
            return Err(KernelError::Size { shape: spec.shape });
        }
        if products > MOST_PRODUCTS {
            return Err(KernelError::Products { products, most: MOST_PRODUCTS });
        }
        check_count("weight scales", spec.outputs, spec.weight_scales.len())?;
        check_count("biases", spec.outputs, spec.biases.len())?;
        check_finite("bias", spec.biases)?;
        let (mut scales, mut biases) = (Vec::new(), Vec::new());
        for (channel, sum) in weights.sums().enumerate() {
            let scale = check_scale("weight scale", channel, spec.weight_scales[channel].into())?;
            let unit = f64::from(scale) * f64::from(input.scale);
            scales.push(check_scale("product of scales of output", channel, unit)?);
            let zero = f64::from(input.zero_point) * f64::from(sum) * unit;
            let bias = f64::from(spec.biases[channel]) - zero;
            let largest = products as f64 * f64::from(LARGEST_PRODUCT) * unit + bias.abs();
            if largest > f64::from(f32::MAX) / 2.0 {
                return Err(KernelError::Overflow { channel, largest });
            }
            biases.push(bias as f32);
        }
        let mut packed = Vec::new();
        for output in 0..spec.outputs {
            for block in 0..spec.shape.blocks() {
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let weight = |lane| weights.at(output, block * LANES + lane, y, x);
                    packed.push(std::array::from_fn(weight));
                }
            }
        }
        let input_zero = input.zero_point;
        Ok(Self { isa, shape: spec.shape, input_zero, weights: packed, scales, biases })
    }

    /// Computes all outputs. Nothing is allocated.
    ///
    /// # Errors
    /// When a shape, zero point or count is not what the layer needs; then `out` is as it was.
    pub fn run(&self, x: &Planes, out: &mut [f32]) -> Result<(), KernelError> {
        x.check("input", self.shape, self.input_zero)?;
        check_count("outputs", self.scales.len(), out.len())?;
        self.isa.run(Run { dense: self, x, out });
        Ok(())
    }
}

struct Run<'a> {
    dense: &'a Dense,
    x: &'a Planes,
    out: &'a mut [f32],
}

impl Pass for Run<'_> {
    #[inline(always)]
    fn run(self) {
        let Dense { shape, weights, scales, biases, .. } = self.dense;
        let each = shape.blocks() * shape.height * shape.width;
        for (output, weights) in weights.chunks_exact(each).enumerate() {
            let mut sums = [0_i32; LANES];
            let mut rows = weights.chunks_exact(shape.width);
            for block in 0..shape.blocks() {
                for (y, weights) in (0..shape.height).zip(&mut rows) {
                    for (pixel, weights) in self.x.row(block, y).iter().zip(weights) {
                        for lane in 0..LANES {
                            sums[lane] += i32::from(pixel[lane]) * i32::from(weights[lane]);
                        }
                    }
                }
            }
            let sum: i32 = sums.iter().sum();
            self.out[output] = (sum as f32).mul_add(scales[output], biases[output]);
        }
    }
}
