//! The command line `emocue` and its own functions: evaluation, packing, import, plans and reports.
//!
//! Datasets and predictions are in `emocue-data`, networks and training in `emocue-train`, graphs and the quantizer in
//! `emocue-quantize`, flashing, monitoring and keys in `emocue-flash`.

#![warn(clippy::disallowed_macros)]

pub mod baseline;
pub mod bundle;
pub mod cli;
pub mod compare;
pub mod doctor;
pub mod eval;
pub mod guard;
pub mod import;
pub mod journal;
pub mod output;
pub mod plan;
pub mod quantize;
pub mod report;
pub mod voice;
