//! Packing a bundle from its parts, signing it, and taking one apart.

pub mod key;
mod pack;
mod sign;
mod unpack;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use emocue_models::bundle::{self, BundleError, container};
use emocue_models::run::RunError;

use crate::onnx::metadata::{MetadataError, known_labels};
pub use pack::{Parts, pack};
pub use sign::{Changes, INTENDED_USE, sign};
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
    /// The bundle is damaged or impossible.
    #[error("{bundle}: {source}")]
    Bundle {
        /// Its file or name.
        bundle: String,
        /// What is wrong.
        source: BundleError,
    },
    /// A badge refuses a bundle that does not say what it can and cannot do.
    #[error("the bundle {0} has no model card; pack it again with --card")]
    NoCard(String),
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

/// The bytes of a bundle's file, or of the one inside the binary when `name` is `"default"`; not checked yet.
///
/// # Errors
/// [`HostBundleError::Bundle`] when the file cannot be read.
pub fn bytes_of(name: &str) -> Result<Cow<'static, [u8]>, HostBundleError> {
    match name {
        "default" => Ok(Cow::Borrowed(bundle::DEFAULT)),
        file => container::read_file(Path::new(file)).map(Cow::Owned).map_err(in_bundle(file)),
    }
}

/// Says which bundle an error is about.
pub fn in_bundle(bundle: impl Into<String>) -> impl FnOnce(BundleError) -> HostBundleError {
    move |source| match source {
        // Names its file already.
        BundleError::File { path, source } => HostBundleError::Read { path, source },
        source => HostBundleError::Bundle { bundle: bundle.into(), source },
    }
}
