//! The badge's companion: data, training, evaluation, export, bundles.

pub mod baseline;
pub mod bundle;
pub mod cli;
pub mod data;
pub mod detector;
pub mod device;
pub mod eval;
pub mod files;
pub mod flash;
pub mod monitor;
pub mod net;
pub mod onnx;
pub mod panics;
pub mod plan;
pub mod quantize;
pub mod report;
pub mod shell;
pub mod train;
