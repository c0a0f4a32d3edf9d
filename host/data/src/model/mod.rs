//! What is judged: the classifier of a bundle or of an ONNX graph, as the badge runs it.

mod calibration;
pub mod candidate;
pub mod metadata;

use std::path::PathBuf;

use emocue_models::bundle::NamedBundleError;
use emocue_run::RunError;

pub use calibration::{AbstentionPoint, Calibration};
use metadata::{MetadataError, known_labels};

/// A model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A network does not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] NamedBundleError),
    /// A graph cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Not an ONNX graph, or one whose metadata are invalid.
    #[error("{model}: {source}")]
    Metadata {
        /// Which file.
        model: String,
        /// What is wrong.
        source: MetadataError,
    },
    /// A graph does not tell its classes.
    #[error(
        "{model} does not tell its classes\n  Name them with --labels: {known}.",
        known = known_labels()
    )]
    NoLabels {
        /// Which file.
        model: String,
    },
    /// Networks that share no classes cannot be averaged.
    #[error(
        "there is no average over {sets}\n  One of the networks must have only classes that all the others have too."
    )]
    NoCommonLabels {
        /// Their label sets.
        sets: String,
    },
}
