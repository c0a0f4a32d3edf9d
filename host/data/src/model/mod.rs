//! A classifier and what describes it: the one of a bundle or of an ONNX graph, as the badge runs it.
//!
//! [`describe()`] is the one place that turns a graph into a description; everything that runs or packs a classifier
//! goes by it.

pub mod average;
mod calibration;
mod classifier;
pub mod describe;
mod error;
pub mod labels;
mod logits;
pub mod metadata;

pub use average::{common_labels, mapped};
pub use calibration::{AbstentionPoint, Calibration, ConditionCalibration};
pub use classifier::ClassifierModel;
pub use describe::{ClassifierDescription, describe, preprocess};
pub use error::ModelError;
