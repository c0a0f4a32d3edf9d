//! Every layer on every instruction set of this processor: the same bits as the portable code, which agrees with the
//! layer's definition in real numbers.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod allocations;
mod arrange;
mod conv;
mod dense;
mod errors;
mod extremes;
mod isa;
mod pointwise;
mod pool;
mod tensor;
