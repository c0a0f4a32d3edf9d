//! Errors of a run's folder and of a training in it.

use std::path::PathBuf;

use emocue_data::DataError;
use emocue_models::bundle::NamedBundleError;
use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::GraphError;

use crate::backend::BackendError;
use crate::checkpoint::CheckpointError;
use crate::examples::ExamplesError;
use crate::face::material::MaterialError;
use crate::face::transfer::BeginError;
use crate::net::transfer::TransferError;
use crate::recipe::RecipeError;
use crate::teacher::TeacherError;
use crate::train::TrainError;

/// A training cannot start in its folder, or fails.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder has a checkpoint, and the request says neither to overwrite nor to resume it.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// The folder cannot be created.
    #[error("cannot create the folder {}: {}", .0.display(), .1)]
    Create(PathBuf, #[source] std::io::Error),
    /// The graph of the initial weights cannot be read.
    #[error("cannot read {}: {}", .0.display(), .1)]
    Read(PathBuf, #[source] std::io::Error),
    /// A file in the folder cannot be written.
    #[error("cannot write {}: {}", .0.display(), .1)]
    Write(PathBuf, #[source] std::io::Error),
    /// Another training runs in the same folder.
    #[error("another training runs in {}", .0.display())]
    Busy(PathBuf),
    /// The folder cannot be locked.
    #[error("cannot lock the folder {}: {}", .0.display(), .1)]
    Lock(PathBuf, #[source] std::io::Error),
    /// The folder's checkpoint was begun with another recipe or seed.
    #[error("{} was begun with another {what}", path.display())]
    Other {
        /// The checkpoint.
        path: PathBuf,
        /// `"recipe"` or `"seed"`.
        what: &'static str,
    },
    /// No device is given.
    #[error("no device to train on")]
    NoDevice,
    /// The recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A device cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The checkpoint cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The data has no usable training rows.
    #[error(transparent)]
    TrainingExamples(#[from] ExamplesError),
    /// A teacher cannot be run.
    #[error(transparent)]
    Teacher(#[from] TeacherError),
    /// A teacher's label set is not one of the recipe's.
    #[error("the teacher {teacher} answers in {labels}, which no head of the recipe has")]
    TeacherLabels {
        /// Its name or path, as given.
        teacher: String,
        /// Its label set.
        labels: &'static str,
    },
    /// Weights cannot be transferred.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// Another run's network has another body.
    #[error("the {theirs} trained in {} does not fit this {ours}: {reason}", run.display())]
    OtherNet {
        /// The other run's folder.
        run: PathBuf,
        /// Architecture of its network.
        theirs: &'static str,
        /// Architecture of the recipe's.
        ours: &'static str,
        /// burn's error.
        reason: String,
    },
    /// The bundle whose detector finds landmarks cannot be read.
    #[error(transparent)]
    Bundle(#[from] NamedBundleError),
    /// The detector that finds landmarks does not run.
    #[error(transparent)]
    Detector(#[from] emocue_run::RunError),
    /// The file of landmarks cannot be read.
    #[error(transparent)]
    Landmarks(#[from] DataError),
    /// The pictures of a detector's training cannot be used.
    #[error(transparent)]
    Material(#[from] MaterialError),
    /// A detector cannot start from its teacher's weights or from a graph.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// The training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A graph cannot be exported.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl RunError {
    /// The wrapped error, if it has its own help and exit code.
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Recipe(error) => Some(error),
            Self::Backend(error) => Some(error),
            Self::Checkpoint(error) => Some(error),
            Self::TrainingExamples(error) => Some(error),
            Self::Teacher(error) => Some(error),
            Self::Transfer(error) => Some(error),
            Self::Bundle(error) => Some(error),
            Self::Detector(error) => Some(error),
            Self::Landmarks(error) => Some(error),
            Self::Material(error) => Some(error),
            Self::Begin(error) => Some(error),
            Self::Train(error) => Some(error),
            _ => None,
        }
    }
}

impl Failure for RunError {
    fn help(&self) -> Option<String> {
        if let Some(inner) = self.inner() {
            return inner.help();
        }
        let help = match self {
            Self::Exists(_) => {
                "Resume it with --resume, replace it with --overwrite, or choose another --run folder."
            }
            Self::Busy(_) => "Wait for it, stop it, or choose another --run folder.",
            Self::Other { .. } => {
                "Resume it as it was begun with --resume, replace it with --overwrite, or choose another --run folder."
            }
            Self::OtherNet { .. } => "Give the recipe the same [net] as that training's.",
            _ => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        if let Some(inner) = self.inner() {
            return inner.exit_code();
        }
        match self {
            Self::Exists(_) | Self::Other { .. } | Self::NoDevice => exit::USAGE,
            Self::TeacherLabels { .. } | Self::OtherNet { .. } => exit::USAGE,
            Self::Create(..) | Self::Write(..) | Self::Busy(_) | Self::Lock(..) => exit::FOLDER,
            _ => exit::FAILED,
        }
    }
}
