//! Quantization of networks for the badge: calibration inputs, and the badge's runtime as the engine.

mod engine;
mod failure;
pub mod inputs;

pub use engine::BadgeEngine;
pub use failure::QuantizeFailure;
