//! Packing a bundle from its parts, and taking one apart.

mod pack;
mod unpack;

use std::path::PathBuf;

use emocue_models::bundle::NamedBundleError;
use emocue_run::RunError;

use emocue_data::model::metadata::{MetadataError, known_labels};
pub use pack::{Parts, pack};
pub use unpack::unpack;

/// A bundle could not be made, read or taken apart.
#[derive(Debug, thiserror::Error)]
pub enum HostBundleError {
    /// A bundle or a part of one cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The metrics are no map of numbers.
    #[error("{}: {source}; expected {{\"name\": number, ...}}", path.display())]
    Metrics {
        /// Which file.
        path: PathBuf,
        /// What the parser met, with line and column.
        source: serde_json::Error,
    },
    /// The classifier's graph is none, or says what cannot be.
    #[error("{}: {source}", path.display())]
    Graph {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: MetadataError,
    },
    /// The classifier's graph does not tell its classes.
    #[error("{} does not tell its classes\n  Name them with --labels: {known}.", .0.display(), known = known_labels())]
    NoLabels(PathBuf),
    /// The bundle is damaged or invalid.
    #[error(transparent)]
    Bundle(#[from] NamedBundleError),
    /// The bundle is whole, but its networks do not run.
    #[error("the bundle would not run: {0}")]
    Run(#[from] RunError),
    /// The manifest cannot be written as JSON.
    #[error("cannot write the manifest as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}
