//! Types and functions that the host and the badge share; no inference runtime.
//!
//! Data flow of a frame: [`luma`] picture -> detector -> [`crop`] -> classifier; `emocue-run` runs the detector and the
//! classifier. The same functions prepare a training row on the host and a camera frame on the badge. This crate has no
//! camera and no training code.

pub mod bundle;
pub mod colors;
pub mod crop;
pub mod decide;
pub mod decision;
pub mod failure;
pub mod files;
pub mod geometry;
pub mod hex;
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
