//! What the host and the badge agree on; no inference runtime.
//!
//! A frame walks one way: [`luma`] picture -> detector -> [`crop`] -> classifier, and the two networks of it run in
//! `emocue-run`. The same functions prepare a training row on the host and a camera frame on the badge. This crate
//! knows neither cameras nor training.

pub mod bundle;
pub mod colors;
pub mod crop;
pub mod decide;
pub mod decision;
pub mod failure;
pub mod files;
pub mod geometry;
pub mod label;
pub mod luma;
pub mod normalise;
#[cfg(feature = "picture")]
pub mod picture;
pub mod plain;
mod reduce;
pub mod resample;
pub mod steady;
pub mod stop;
