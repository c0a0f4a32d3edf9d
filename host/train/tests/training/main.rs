//! Trainings: cut and resumed, begun with another's weights, rounded, on a GPU.

#![allow(clippy::unwrap_used)] // helpers of tests

mod bench;
mod cut;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu;
mod rounding;
mod transfer;
