//! A region that is ready to run.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use emocue_kernels::{
    AveragePool, Conv, Dense, Isa, KernelError, MaxPool, Planes, Pointwise, Quantization, Shape,
    Stem, concat, quantize, upsample,
};

/// Most inputs of one concatenation.
const MOST_INPUTS: usize = 16;

/// One call of a kernel. Numbers are indices of planes, pictures, scratch, inputs and outputs.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Picture { input: usize, quantization: Quantization, picture: usize },
    Quantize { input: usize, scale: f32, out: usize },
    Stem { stem: Stem, picture: usize, scratch: usize, out: usize },
    Conv { conv: Conv, x: usize, residual: Option<usize>, out: usize },
    MaxPool { pool: MaxPool, x: usize, out: usize },
    AveragePool { pool: AveragePool, x: usize, out: usize },
    Pointwise { pointwise: Pointwise, x: usize, residual: Option<usize>, out: usize },
    Concat { inputs: Vec<usize>, out: usize },
    Upsample { factors: [usize; 2], x: usize, out: usize },
    Dense { dense: Dense, x: usize, output: usize },
    Dequantize { x: usize, scale: f32, output: usize },
}

/// Working memory of the steps. Each value has planes of its own, numbered in the order of computation.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) planes: Vec<Planes>,
    pub(super) pictures: Vec<Picture>,
    pub(super) scratch: Vec<Planes>,
}

/// Stored values `[C][H][W]`.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) shape: Shape,
    pub(super) values: Vec<i8>,
}

/// A region, ready to run. A run allocates nothing.
pub(crate) struct Program {
    isa: Isa,
    batch: usize,
    /// How many values each input has for one picture.
    inputs: Vec<usize>,
    /// Shapes of what it writes, the batch first.
    pub(crate) outputs: Vec<Vec<usize>>,
    steps: Vec<Step>,
    memory: Mutex<Memory>,
}

impl Program {
    pub(super) fn new(
        isa: Isa,
        batch: usize,
        inputs: usize,
        outputs: Vec<Vec<usize>>,
        steps: Vec<Step>,
        memory: Memory,
    ) -> Self {
        let mut sizes = vec![0; inputs];
        for step in &steps {
            match step {
                Step::Picture { input, picture, .. } => {
                    sizes[*input] = memory.pictures[*picture].values.len();
                }
                Step::Quantize { input, out, .. } => {
                    sizes[*input] = memory.planes[*out].shape().len();
                }
                _ => {}
            }
        }
        Self { isa, batch, inputs: sizes, outputs, steps, memory: Mutex::new(memory) }
    }

    /// Runs on zeros.
    pub(super) fn try_out(&self) -> Result<(), KernelError> {
        let inputs: Vec<Vec<f32>> =
            self.inputs.iter().map(|size| vec![0.0; self.batch * size]).collect();
        let mut outputs: Vec<Vec<f32>> =
            self.outputs.iter().map(|shape| vec![0.0; shape.iter().product()]).collect();
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        let mut outputs: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.run(&inputs, &mut outputs)
    }

    /// Writes every output; all values are row-major, the batch first.
    ///
    /// # Errors
    /// When an input or output has another number of values.
    pub(crate) fn run(
        &self,
        inputs: &[&[f32]],
        outputs: &mut [&mut [f32]],
    ) -> Result<(), KernelError> {
        let count = |what, expected, found| match expected == found {
            true => Ok(()),
            false => Err(KernelError::Count { what, expected, found }),
        };
        count("inputs", self.inputs.len(), inputs.len())?;
        count("outputs", self.outputs.len(), outputs.len())?;
        for (size, values) in self.inputs.iter().zip(inputs) {
            count("values of an input", self.batch * size, values.len())?;
        }
        for (shape, values) in self.outputs.iter().zip(outputs.iter()) {
            count("values of an output", shape.iter().product(), values.len())?;
        }
        // Everything that a panic left there is overwritten.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        for picture in 0..self.batch {
            for step in &self.steps {
                self.step(step, &mut memory, picture, inputs, outputs)?;
            }
        }
        Ok(())
    }

    fn step(
        &self,
        step: &Step,
        memory: &mut Memory,
        number: usize,
        inputs: &[&[f32]],
        outputs: &mut [&mut [f32]],
    ) -> Result<(), KernelError> {
        let of = |input: usize| {
            let size = self.inputs[input];
            &inputs[input][number * size..][..size]
        };
        let Memory { planes, pictures, scratch } = memory;
        match step {
            Step::Picture { input, quantization, picture } => {
                quantize(of(*input), *quantization, self.isa, &mut pictures[*picture].values)
            }
            Step::Quantize { input, scale, out } => planes[*out].quantize(of(*input), *scale),
            Step::Stem { stem, picture, scratch: at, out } => {
                let Picture { shape, values } = &pictures[*picture];
                stem.run(values, *shape, &mut scratch[*at], &mut planes[*out])
            }
            Step::Conv { conv, x, residual, out } => {
                let (before, out) = split(planes, *out);
                conv.run(&before[*x], residual.map(|at| &before[at]), out)
            }
            Step::MaxPool { pool, x, out } => {
                let (before, out) = split(planes, *out);
                pool.run(&before[*x], out)
            }
            Step::AveragePool { pool, x, out } => {
                let (before, out) = split(planes, *out);
                pool.run(&before[*x], out)
            }
            Step::Pointwise { pointwise, x, residual, out } => {
                let (before, out) = split(planes, *out);
                pointwise.run(&before[*x], residual.map(|at| &before[at]), out)
            }
            Step::Concat { inputs, out } => {
                let (before, out) = split(planes, *out);
                let mut parts = [&before[0]; MOST_INPUTS];
                let most = KernelError::Count {
                    what: "inputs of a concatenation",
                    expected: MOST_INPUTS,
                    found: inputs.len(),
                };
                let parts = parts.get_mut(..inputs.len()).ok_or(most)?;
                for (part, at) in parts.iter_mut().zip(inputs) {
                    *part = &before[*at];
                }
                concat(parts, out)
            }
            Step::Upsample { factors, x, out } => {
                let (before, out) = split(planes, *out);
                upsample(&before[*x], *factors, out)
            }
            Step::Dense { dense, x, output } => {
                dense.run(&planes[*x], part(&mut *outputs[*output], number, self.batch))
            }
            Step::Dequantize { x, scale, output } => {
                planes[*x].dequantize(*scale, part(&mut *outputs[*output], number, self.batch))
            }
        }
    }
}

/// Planes number `out`, and those before it, from which it is computed.
fn split(planes: &mut [Planes], out: usize) -> (&[Planes], &mut Planes) {
    let (before, from) = planes.split_at_mut(out);
    (before, &mut from[0])
}

/// The values of one picture of the batch.
fn part(values: &mut [f32], number: usize, batch: usize) -> &mut [f32] {
    let size = values.len() / batch;
    &mut values[number * size..][..size]
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (isa, outputs, steps) = (&self.isa, &self.outputs, self.steps.len());
        write!(f, "Program({isa}, outputs {outputs:?}, {steps} steps)")
    }
}
