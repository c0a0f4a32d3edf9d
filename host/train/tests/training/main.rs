//! Trainings: interrupted and resumed, with transferred weights, quantization-aware, in bfloat16, on a GPU.

#![allow(clippy::unwrap_used)] // helpers of tests

mod bench;
mod cut;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu;
mod precision;
mod rounding;
mod transfer;
