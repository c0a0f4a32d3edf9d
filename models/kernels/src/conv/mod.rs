//! Convolution.

mod depthwise;
mod job;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_dot;
mod portable;
#[cfg(target_arch = "x86_64")]
mod vnni;
#[cfg(target_arch = "x86_64")]
mod ymm;

use depthwise::Depthwise;
use job::Job;

use crate::error::KernelError;
use crate::isa::{Isa, Kind};
use crate::layout::{LANES, Planes, Quantization, Shape, check_count, check_scale};
use crate::pack::{Packed, Weights};
use crate::requantize::{Activation, Factors, LARGEST_PRODUCT, MOST_PRODUCTS, Requantize};
use crate::window::Window;

/// A convolution as a network defines it.
#[derive(Clone, Copy, Debug)]
pub struct ConvSpec<'a> {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// 1; or groups of whole blocks of 16 channels; or one for each channel (depthwise).
    pub groups: usize,
    /// Stride 1 or 2; padding at most the border of the input.
    pub window: Window,
    /// -127 to 127, in the order `[outputs][inputs / groups][height][width]`.
    pub weights: &'a [i8],
    /// Scale of the weights, one for each output; positive.
    pub weight_scales: &'a [f32],
    /// Bias of each output, in real units.
    pub biases: &'a [f32],
    /// Quantization of the input.
    pub input: Quantization,
    /// Quantization of the output.
    pub output: Quantization,
    /// Quantization of planes that are added before the activation.
    pub residual: Option<Quantization>,
    /// The activation.
    pub activation: Activation<'a>,
}

/// A convolution, ready to run.
#[derive(Clone, Debug)]
pub struct Conv {
    isa: Isa,
    window: Window,
    inputs: usize,
    outputs: usize,
    input_zero: i8,
    output_zero: i8,
    residual_zero: Option<i8>,
    requantize: Requantize,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Blocks(Packed),
    Depthwise(Depthwise),
}

impl Conv {
    /// Checks a convolution and packs its weights for `isa`.
    ///
    /// # Errors
    /// When a count, scale, weight or window is invalid, groups do not divide into blocks, or a sum could overflow.
    pub fn new(spec: &ConvSpec<'_>, isa: Isa) -> Result<Self, KernelError> {
        let window = spec.window.check()?;
        if window.stride > 2 {
            return Err(window.invalid());
        }
        let depthwise = spec.is_depthwise();
        let group = spec.group_inputs()?;
        let weights = Weights::new(spec.weights, spec.outputs, group, window)?;
        let products = group * window.taps();
        if products > MOST_PRODUCTS {
            return Err(KernelError::Products { products, most: MOST_PRODUCTS });
        }
        let requantize = spec.requantize(&weights, products)?;
        let body = if depthwise {
            Body::Depthwise(Depthwise::new(weights, spec.outputs, window))
        } else {
            Body::Blocks(Packed::new(weights, spec.groups, isa.kind()))
        };
        Ok(Self {
            isa,
            window,
            inputs: spec.inputs,
            outputs: spec.outputs,
            input_zero: spec.input.zero_point,
            output_zero: spec.output.zero_point,
            residual_zero: spec.residual.map(|residual| residual.zero_point),
            requantize,
            body,
        })
    }

    /// The output's shape for `input`.
    ///
    /// # Errors
    /// When the window does not fit into it.
    pub fn output(&self, input: Shape) -> Result<Shape, KernelError> {
        Ok(Shape { channels: self.outputs, ..self.window.output(input)? })
    }

    /// The smallest border of the input, pixels.
    pub fn border(&self) -> usize {
        self.window.padding()
    }

    /// Computes `out` from `x`, and from `residual` where the layer was built with one. Nothing is allocated.
    ///
    /// # Errors
    /// When a shape, zero point or border is not what the layer needs; then `out` is as it was.
    pub fn run(
        &self,
        x: &Planes,
        residual: Option<&Planes>,
        out: &mut Planes,
    ) -> Result<(), KernelError> {
        x.check("input", Shape { channels: self.inputs, ..x.shape() }, self.input_zero)?;
        let shape = self.output(x.shape())?;
        out.check("output", shape, self.output_zero)?;
        let counts = (usize::from(self.residual_zero.is_some()), usize::from(residual.is_some()));
        check_count("residuals", counts.0, counts.1)?;
        if let (Some(residual), Some(zero)) = (residual, self.residual_zero) {
            residual.check("residual", shape, zero)?;
        }
        let (needed, found) = (self.border(), x.border());
        if needed > found {
            return Err(KernelError::Border { needed, found });
        }
        match &self.body {
            Body::Depthwise(depthwise) => {
                self.isa.run(depthwise.pass(&self.requantize, x, residual, out));
            }
            Body::Blocks(packed) => {
                let job = Job::new(packed, self.window, &self.requantize, x, residual);
                run_on(self.isa, &job, self.window.stride, out);
            }
        }
        Ok(())
    }
}

impl ConvSpec<'_> {
    fn is_depthwise(&self) -> bool {
        self.groups == self.inputs && self.groups == self.outputs && self.groups > 1
    }

    /// Inputs of a group.
    fn group_inputs(&self) -> Result<usize, KernelError> {
        let (groups, inputs, outputs) = (self.groups, self.inputs, self.outputs);
        let whole = |channels: usize| channels.is_multiple_of(groups.saturating_mul(LANES));
        let divides = groups == 1 || self.is_depthwise() || (whole(inputs) && whole(outputs));
        if groups == 0 || inputs == 0 || outputs == 0 || !divides {
            return Err(KernelError::Groups { groups, inputs, outputs });
        }
        Ok(inputs / groups)
    }

    fn requantize(
        &self,
        weights: &Weights<'_>,
        products: usize,
    ) -> Result<Requantize, KernelError> {
        check_count("weight scales", self.outputs, self.weight_scales.len())?;
        let input = self.input.check("input scale")?;
        let mut unit = Vec::with_capacity(self.outputs);
        for (index, scale) in self.weight_scales.iter().enumerate() {
            let scale = check_scale("weight scale", index, f64::from(*scale))?;
            unit.push(f64::from(scale) * f64::from(input.scale));
        }
        let zero = f64::from(input.zero_point);
        let zero_sum: Vec<_> = weights.sums().map(|sum| f64::from(sum) * zero).collect();
        Requantize::new(&Factors {
            unit: &unit,
            zero_sum: &zero_sum,
            largest_sum: products as f64 * f64::from(LARGEST_PRODUCT),
            bias: self.biases,
            residual: self.residual,
            output: self.output,
            activation: self.activation,
        })
    }
}

/// The only place that calls code for other instruction sets than the portable one.
fn run_on(isa: Isa, job: &Job<'_>, stride: usize, out: &mut Planes) {
    match isa.kind() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a value of `Isa` exists only where the processor has these instructions.
        #[allow(unsafe_code)]
        Kind::Avx2 => unsafe { ymm::avx2::run(job, stride, out) },
        #[cfg(target_arch = "x86_64")]
        Kind::AvxVnni => {
            if std::arch::is_x86_feature_detected!("avxvnni") {
                // SAFETY: just detected; `Isa` detected the other features.
                #[allow(unsafe_code)]
                unsafe {
                    ymm::avx_vnni::run(job, stride, out);
                }
            } else {
                // SAFETY: without AVX-VNNI, `Isa` detected AVX-512 VNNI.
                #[allow(unsafe_code)]
                unsafe {
                    ymm::avx512_vnni::run(job, stride, out);
                }
            }
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        #[allow(unsafe_code)]
        Kind::Avx512Vnni => unsafe { vnni::run(job, stride, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        #[allow(unsafe_code)]
        Kind::Neon => unsafe { neon::run(job, stride, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        #[allow(unsafe_code)]
        Kind::NeonDot => unsafe { neon_dot::run(job, stride, out) },
        _ => portable::run(job, stride, out),
    }
}
