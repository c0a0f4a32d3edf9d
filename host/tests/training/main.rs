//! Trainings: cut and resumed, begun with another's weights, from inside and as a person runs them.

#![allow(clippy::unwrap_used)] // helpers of tests

mod bench;
mod binary;
mod cut;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu;
mod rounding;
mod transfer;
