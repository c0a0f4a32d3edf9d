//! Quantizing networks for the badge: what they are calibrated on, and the runtime that measures them.

mod engine;
mod failure;
pub mod inputs;

pub use engine::BadgeEngine;
pub use failure::QuantizeFailure;
