//! Why a model cannot be used.

use emocue_models::bundle::NamedBundleError;
use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::GraphReadError;
use emocue_run::RunError;

use super::labels::labels_help;
use super::metadata::MetadataError;

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
    #[error("cannot read {model}: {source}")]
    Read {
        /// The file's or model's name.
        model: String,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// Not an ONNX graph, or one whose metadata are invalid.
    #[error("{model}: {source}")]
    Metadata {
        /// The file's or model's name.
        model: String,
        /// What is wrong.
        source: MetadataError,
    },
    /// A graph whose weights or output cannot be used.
    #[error("{model}: {source}")]
    Graph {
        /// The file's or model's name.
        model: String,
        /// What is wrong.
        source: GraphReadError,
    },
    /// A graph that outputs probabilities by operators that cannot be removed.
    #[error("{model} answers probabilities, by {node} and what follows it")]
    Probabilities {
        /// The file's or model's name.
        model: String,
        /// The node that computes them.
        node: String,
    },
    /// A graph does not name its classes.
    #[error("{model} does not name its classes")]
    NoLabels {
        /// The file's or model's name.
        model: String,
    },
    /// Networks that share no classes cannot be averaged.
    #[error("there is no average over {sets}")]
    NoCommonLabels {
        /// Their label sets.
        sets: String,
    },
}

impl Failure for ModelError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Run(error) => error.help(),
            Self::Bundle(error) => error.help(),
            Self::Read { .. } => None,
            Self::Metadata { source, .. } => source.help(),
            Self::Graph { source, .. } => source.help(),
            Self::Probabilities { .. } => Some(
                "Export the network without its softmax, so that it answers logits: the temperature and the softmax come after it."
                    .to_owned(),
            ),
            Self::NoLabels { .. } => Some(labels_help()),
            Self::NoCommonLabels { .. } => Some(
                "One of the networks must have only classes that all the others have too."
                    .to_owned(),
            ),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Run(error) => error.exit_code(),
            Self::Bundle(error) => error.exit_code(),
            Self::Read { .. } | Self::NoLabels { .. } => exit::INPUT,
            Self::Metadata { source, .. } => source.exit_code(),
            Self::Graph { .. } | Self::Probabilities { .. } | Self::NoCommonLabels { .. } => {
                exit::NETWORK
            }
        }
    }
}
