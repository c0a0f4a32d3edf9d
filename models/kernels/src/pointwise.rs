//! Elementwise layers.

use crate::error::KernelError;
use crate::isa::{Isa, Pass};
use crate::layout::{LANES, Planes, Quantization, Shape, check_count};
use crate::requantize::{Activation, Factors, Requantize};

/// A [`Pointwise`] layer as a network defines it.
#[derive(Clone, Copy, Debug)]
pub struct PointwiseSpec<'a> {
    /// Channels of all planes.
    pub channels: usize,
    /// Quantization of the input.
    pub input: Quantization,
    /// Quantization of planes that are added before the activation.
    pub residual: Option<Quantization>,
    /// Quantization of the output.
    pub output: Quantization,
    /// The activation.
    pub activation: Activation<'a>,
}

/// An addition, an activation, a change of scale, or all of them at once.
#[derive(Clone, Debug)]
pub struct Pointwise {
    isa: Isa,
    channels: usize,
    input_zero: i8,
    residual_zero: Option<i8>,
    output_zero: i8,
    requantize: Requantize,
}

impl Pointwise {
    /// # Errors
    /// When a scale, slope or limit is invalid.
    pub fn new(spec: &PointwiseSpec<'_>, isa: Isa) -> Result<Self, KernelError> {
        let input = spec.input.check("input scale")?;
        let channels = spec.channels;
        let requantize = Requantize::new(&Factors {
            unit: &vec![f64::from(input.scale); channels],
            zero_sum: &vec![f64::from(input.zero_point); channels],
            largest_sum: 127.0,
            bias: &vec![0.0; channels],
            residual: spec.residual,
            output: spec.output,
            activation: spec.activation,
        })?;
        Ok(Self {
            isa,
            channels,
            input_zero: input.zero_point,
            residual_zero: spec.residual.map(|residual| residual.zero_point),
            output_zero: spec.output.zero_point,
            requantize,
        })
    }

    /// Computes `out` from `x`, and from `residual` where the layer was built with one. Nothing is allocated.
    ///
    /// # Errors
    /// When a shape or zero point is not what the layer needs; then `out` is as it was.
    pub fn run(
        &self,
        x: &Planes,
        residual: Option<&Planes>,
        out: &mut Planes,
    ) -> Result<(), KernelError> {
        let shape = Shape { channels: self.channels, ..x.shape() };
        x.check("input", shape, self.input_zero)?;
        out.check("output", shape, self.output_zero)?;
        let counts = (usize::from(self.residual_zero.is_some()), usize::from(residual.is_some()));
        check_count("residuals", counts.0, counts.1)?;
        if let (Some(residual), Some(zero)) = (residual, self.residual_zero) {
            residual.check("residual", shape, zero)?;
        }
        self.isa.run(Run { requantize: &self.requantize, x, residual, out });
        Ok(())
    }
}

struct Run<'a> {
    requantize: &'a Requantize,
    x: &'a Planes,
    residual: Option<&'a Planes>,
    out: &'a mut Planes,
}

impl Pass for Run<'_> {
    #[inline(always)]
    fn run(self) {
        let shape = self.out.shape();
        for block in 0..shape.blocks() {
            let factors = self.requantize.block(block);
            for y in 0..shape.height {
                let row = self.x.row(block, y);
                let added = self.residual.map(|residual| residual.row(block, y));
                for (x, out) in self.out.row_mut(block, y).iter_mut().enumerate() {
                    let mut values = [0; LANES];
                    for lane in 0..LANES {
                        values[lane] = i32::from(row[x][lane]);
                    }
                    *out = factors.pixel(&values, added.map(|added| &added[x]));
                }
            }
        }
    }
}
