//! The verbs, one file each: arguments and what they do.

pub mod average;
pub mod baseline;
pub mod begun;
pub mod boxes;
pub mod bundle;
pub mod calibrate;
pub mod compare;
mod compare_models;
pub mod data;
mod detectors;
pub mod eval;
mod eval_detector;
mod eval_groups;
pub mod export;
pub mod flash;
pub mod folds;
pub mod gather;
pub mod import;
pub mod infer;
mod interrupt;
mod judge;
pub mod key;
pub mod monitor;
mod onet;
pub mod open;
pub mod output;
pub mod plan;
pub mod quantize;
pub mod report;
pub mod source;
pub mod train;
mod train_face;
mod train_view;
pub mod voice;

pub use output::{OverwriteArg, UntestedArg};
pub use source::SourceArgs;
