//! Classifiers with their model descriptions, from a bundle or an ONNX graph, as the badge runs them.
//!
//! [`describe()`] is the only function that turns a graph into a description; all code that runs or packs a classifier
//! uses it.

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
