//! What the host and the badge agree on, and how a model runs.
//!
//! A frame walks one way: [`luma`] picture -> [`run::Detector`] -> [`crop`] -> [`run::Classifier`].
//! The same functions prepare a training row on the host and a camera frame on the badge. This crate
//! knows neither cameras nor training.

pub mod bundle;
pub mod crop;
pub mod geometry;
pub mod label;
pub mod luma;
pub mod resample;
pub mod run;
