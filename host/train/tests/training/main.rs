//! Trainings: cut and resumed, begun with another's weights, rounded, in 16 bits, on a GPU.

#![allow(clippy::unwrap_used)] // helpers of tests

mod bench;
mod cut;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu;
mod precision;
mod rounding;
mod transfer;
