//! Weights in the order in which instructions read them.

use crate::error::KernelError;
use crate::isa::Kind;
use crate::layout::{LANES, check_count};
use crate::window::Window;

/// A convolution's weights as they are given: `[outputs][inputs / groups][height][width]`.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    values: &'a [i8],
    outputs: usize,
    /// Of a group.
    inputs: usize,
    window: Window,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(
        values: &'a [i8],
        outputs: usize,
        inputs: usize,
        window: Window,
    ) -> Result<Self, KernelError> {
        let expected = outputs.saturating_mul(inputs).saturating_mul(window.taps());
        check_count("weights", expected, values.len())?;
        match values.iter().position(|weight| *weight == i8::MIN) {
            Some(index) => Err(KernelError::Weight { index }),
            None => Ok(Self { values, outputs, inputs, window }),
        }
    }

    /// 0 for a channel that only fills up a block.
    pub(crate) fn at(&self, output: usize, input: usize, y: usize, x: usize) -> i8 {
        if output >= self.outputs || input >= self.inputs {
            return 0;
        }
        let [height, width] = self.window.kernel;
        self.values[((output * self.inputs + input) * height + y) * width + x]
    }

    /// The sum of each output's weights.
    pub(crate) fn sums(&self) -> impl Iterator<Item = i32> {
        let each = self.inputs * self.window.taps();
        self.values.chunks_exact(each).map(|output| output.iter().map(|w| i32::from(*w)).sum())
    }
}

/// What one loop over the picture computes, and in which order it reads weights: for every part, tap, block of inputs,
/// step of `depth` inputs, register, output in the register, input of the step.
struct Order {
    /// Parts of a chunk that are computed one after the other.
    parts: usize,
    /// Registers of a part.
    registers: usize,
    /// Outputs in a register.
    outputs: usize,
    /// Inputs whose products an instruction adds up.
    depth: usize,
}

impl Order {
    fn of(kind: Kind, blocks: usize) -> Self {
        match kind {
            Kind::Portable => Self { parts: 1, registers: 1, outputs: 16, depth: 1 },
            Kind::Neon => Self { parts: 4, registers: 4, outputs: 1, depth: 16 },
            Kind::NeonDot => Self { parts: 1, registers: 4, outputs: 4, depth: 4 },
            Kind::Avx2 | Kind::AvxVnni => Self { parts: 1, registers: 2, outputs: 8, depth: 4 },
            Kind::Avx512Vnni => Self { parts: 1, registers: blocks, outputs: 16, depth: 4 },
        }
    }
}

/// Weights of a convolution over whole blocks of channels.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    values: Vec<i8>,
    /// Values of a chunk.
    chunk: usize,
    /// Blocks of outputs in a chunk.
    pub(crate) chunk_blocks: usize,
    /// Blocks of outputs in a group.
    group_blocks: usize,
    /// Blocks of inputs that an output reads.
    pub(crate) input_blocks: usize,
}

impl Packed {
    /// `groups` are of whole blocks, or there is one.
    pub(crate) fn new(weights: Weights<'_>, groups: usize, kind: Kind) -> Self {
        let output_blocks = weights.outputs.div_ceil(LANES);
        let group_blocks = output_blocks / groups;
        let input_blocks = weights.inputs.div_ceil(LANES);
        // Four blocks fill the registers of AVX-512 with six pixels, one or two with twelve; elsewhere one does.
        let most = if kind == Kind::Avx512Vnni { 4 } else { 1 };
        let fits = |blocks: &usize| group_blocks.is_multiple_of(*blocks);
        let chunk_blocks = (1..=most).rev().find(fits).unwrap_or(1);
        let order = Order::of(kind, chunk_blocks);
        let [height, width] = weights.window.kernel;
        let chunk = chunk_blocks * LANES * height * width * input_blocks * LANES;
        let mut values = Vec::with_capacity(chunk * output_blocks / chunk_blocks);
        for first in (0..output_blocks).step_by(chunk_blocks) {
            for part in 0..order.parts {
                let first = first * LANES + part * order.registers * order.outputs;
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    for inputs in (0..input_blocks * LANES).step_by(order.depth) {
                        for output in first..first + order.registers * order.outputs {
                            let step = inputs..inputs + order.depth;
                            values.extend(step.map(|input| weights.at(output, input, y, x)));
                        }
                    }
                }
            }
        }
        Self { values, chunk, chunk_blocks, group_blocks, input_blocks }
    }

    /// The first block of inputs, the first of outputs, and the weights of each chunk.
    #[inline(always)]
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (usize, usize, &[i8])> {
        self.values.chunks_exact(self.chunk).enumerate().map(|(index, weights)| {
            let first = index * self.chunk_blocks;
            (first / self.group_blocks * self.input_blocks, first, weights)
        })
    }
}
