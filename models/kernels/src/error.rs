//! Errors of layers and of their inputs.

use thiserror::Error;

use crate::layout::Shape;

/// Why a layer cannot be built or run. Nothing was computed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A picture with no channel, row or column, or one whose size exceeds the address space.
    #[error("{shape} is empty or too large")]
    Size {
        /// As it was asked for.
        shape: Shape,
    },
    /// Planes of another shape.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which planes.
        what: &'static str,
        /// What the layer needs.
        expected: Shape,
        /// What it was given.
        found: Shape,
    },
    /// More or fewer of something than the layer needs.
    #[error("{what}: expected {expected}, found {found}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many the layer needs.
        expected: usize,
        /// How many it was given.
        found: usize,
    },
    /// Planes with another zero point, so that their border would not count as zero.
    #[error("{what}: expected zero point {expected}, found {found}")]
    ZeroPoint {
        /// Which planes.
        what: &'static str,
        /// What the layer was built for.
        expected: i8,
        /// What it was given.
        found: i8,
    },
    /// A border narrower than the padding.
    #[error("the input's border is {found} wide, and the padding needs {needed}")]
    Border {
        /// The largest padding of the layer.
        needed: usize,
        /// Of the planes that it was given.
        found: usize,
    },
    /// A window without a tap, a stride of 0, or padding that may contain a whole window.
    #[error("invalid window: kernel {kernel:?}, stride {stride}, pads {pads:?}")]
    Window {
        /// Height and width.
        kernel: [usize; 2],
        /// In both directions.
        stride: usize,
        /// Top, left, bottom, right.
        pads: [usize; 4],
    },
    /// A window larger than the padded input.
    #[error("a window of {kernel:?} does not fit into {input} with pads {pads:?}")]
    TooSmall {
        /// Height and width.
        kernel: [usize; 2],
        /// Of the planes.
        input: Shape,
        /// Top, left, bottom, right.
        pads: [usize; 4],
    },
    /// Groups that are neither whole blocks of 16 channels nor single channels.
    #[error(
        "{groups} groups of {inputs} inputs and {outputs} outputs: expected one group, groups of whole blocks of 16 \
         channels, or one group for each channel"
    )]
    Groups {
        /// How many.
        groups: usize,
        /// Channels of the input.
        inputs: usize,
        /// Channels of the output.
        outputs: usize,
    },
    /// A scale that is not a positive, finite and normal number. It is zero for a channel whose values are all zero.
    #[error("{what} {index} is {value:e}: expected a positive number of at least 1.2e-38")]
    Scale {
        /// Which scale.
        what: &'static str,
        /// Of which channel; 0 where there is one scale.
        index: usize,
        /// As given, or multiplied with the other scales.
        value: f64,
    },
    /// A bias, slope or limit that is not a finite number.
    #[error("{what} {index} is {value}: expected a finite number")]
    Value {
        /// Which.
        what: &'static str,
        /// Of which channel.
        index: usize,
        /// As given.
        value: f32,
    },
    /// A result that may exceed the range of `f32` before it is saturated.
    #[error("channel {channel} can reach {largest:e} steps, which f32 cannot hold")]
    Overflow {
        /// Of the output.
        channel: usize,
        /// The bound.
        largest: f64,
    },
    /// -128: two products of it with 127 overflow 16 bits.
    #[error("weight {index} is -128: expected -127 to 127")]
    Weight {
        /// Its index among the weights.
        index: usize,
    },
    /// A stored value outside 0 to 127.
    #[error("{what} {index} is {value}: expected 0 to 127")]
    Activation {
        /// Of what.
        what: &'static str,
        /// Its index.
        index: usize,
        /// As given.
        value: i8,
    },
    /// So many products for an output that their sum could overflow 32 bits.
    #[error("{products} products for an output: expected at most {most}")]
    Products {
        /// Taps times channels.
        products: usize,
        /// The bound.
        most: usize,
    },
}

/// Why an instruction set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IsaError {
    /// A name that is not an instruction set's.
    #[error("{name:?} is not an instruction set: expected one of {known}")]
    Unknown {
        /// As given.
        name: String,
        /// The names.
        known: String,
    },
    /// An instruction set that this processor does not have.
    #[error("this processor does not have {name}: expected one of {available}")]
    Unsupported {
        /// As given.
        name: String,
        /// The instruction sets that it has.
        available: String,
    },
}
