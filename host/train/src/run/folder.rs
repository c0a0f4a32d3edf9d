//! A run's folder and the stage of its training.

use std::path::{Path, PathBuf};

use emocue_models::failure::Failure;
use emocue_models::files::write_atomically;

use super::error::RunError;
use super::lock::{Lock, lock};
use crate::checkpoint::{CheckpointError, EpochMetrics, FILE, TrainingState};
use crate::schedule::best;

/// File with the error of the last attempt, inside the folder.
pub const FAILED_FILE: &str = "failed.txt";
/// File with the evaluation of the folder's graphs, inside the folder.
pub const EVAL_FILE: &str = "eval.json";

/// How a training starts in its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStart {
    /// From scratch, in a folder without a checkpoint.
    Fresh,
    /// From scratch, replacing a checkpoint.
    Overwrite,
    /// From the folder's checkpoint, with its recipe and seed.
    Resume,
    /// From the folder's checkpoint if there is one, else from scratch. A failure is recorded in the folder.
    Continue,
}

/// The stage of a folder's training.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunStage {
    /// There is no checkpoint.
    Empty,
    /// There is a checkpoint to resume. The folder does not tell whether a training is running.
    Begun {
        /// Finished epochs.
        epochs: usize,
        /// All epochs.
        of: usize,
    },
    /// All epochs are done, but a graph is missing.
    Trained,
    /// All epochs are done and every head's graph is there.
    Exported,
    /// The last attempt failed, or the checkpoint is damaged.
    Failed(String),
}

/// A run's folder, as it was when it was read.
#[derive(Debug)]
pub struct RunFolder {
    pub(super) folder: PathBuf,
    state: Result<Option<TrainingState>, CheckpointError>,
    failure: Option<String>,
    pub(super) start: RunStart,
    /// Held while a training may write there.
    #[expect(dead_code, reason = "it is held, not read")]
    lock: Option<Lock>,
}

impl RunFolder {
    /// Reads the folder's state. Read errors become part of the state.
    pub fn read(folder: &Path) -> Self {
        let failure = std::fs::read_to_string(folder.join(FAILED_FILE)).ok();
        Self {
            folder: folder.to_owned(),
            state: TrainingState::peek(folder),
            failure: failure.map(|text| text.trim_end().to_owned()),
            start: RunStart::Fresh,
            lock: None,
        }
    }

    /// Checks that `start` is possible with the folder's files.
    ///
    /// # Errors
    /// [`RunError::Exists`] when the folder has a checkpoint and `start` is [`RunStart::Fresh`].
    pub fn check_free(folder: &Path, start: RunStart) -> Result<(), RunError> {
        let checkpoint = folder.join(FILE);
        if start == RunStart::Fresh && checkpoint.exists() {
            return Err(RunError::Exists(checkpoint));
        }
        Ok(())
    }

    /// Creates the folder if it is missing, and locks it until the value is dropped.
    ///
    /// # Errors
    /// [`RunError`] when another training runs there, or the folder has a checkpoint and `start` is
    /// [`RunStart::Fresh`].
    pub fn claim(folder: &Path, start: RunStart) -> Result<Self, RunError> {
        Self::check_free(folder, start)?;
        std::fs::create_dir_all(folder)
            .map_err(|error| RunError::Create(folder.to_owned(), error))?;
        let lock = Some(lock(folder)?);
        if start == RunStart::Continue {
            record_failure(folder, None)?;
        }
        Ok(Self { lock, start, ..Self::read(folder) })
    }

    /// The path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state of the training; `None` without a readable checkpoint.
    pub fn state(&self) -> Option<&TrainingState> {
        self.state.as_ref().ok()?.as_ref()
    }

    /// The stage of the training.
    pub fn stage(&self) -> RunStage {
        if let Some(failure) = &self.failure {
            return RunStage::Failed(failure.clone());
        }
        let state = match &self.state {
            Ok(None) => return RunStage::Empty,
            Ok(Some(state)) => state,
            Err(error) => return RunStage::Failed(error.to_string()),
        };
        let exported = state.recipe.heads.iter().all(|head| self.graph(&head.labels).exists());
        match (state.finished(), exported) {
            (true, true) => RunStage::Exported,
            (true, false) => RunStage::Trained,
            (false, _) => {
                RunStage::Begun { epochs: state.metrics.len(), of: state.recipe.schedule.epochs }
            }
        }
    }

    /// The path of the graph of the head with this label set.
    pub fn graph(&self, labels: &str) -> PathBuf {
        self.folder.join(format!("{labels}.onnx"))
    }

    /// The epoch whose weights are exported: the best if the recipe has a patience, else the last.
    pub fn epoch(&self) -> Option<&EpochMetrics> {
        let state = self.state()?;
        match state.recipe.schedule.patience {
            0 => state.metrics.last(),
            _ => state.metrics.get(best(&state.scores())?),
        }
    }

    /// Accuracy of the first head on PublicTest in that epoch; `None` without such rows.
    pub fn validation(&self) -> Option<f64> {
        let first = self.state()?.recipe.heads.first()?;
        self.epoch()?.validation.get(&first.labels).map(|accuracy| f64::from(*accuracy))
    }

    /// Writes a failure to the folder, for the program that collects many runs, if the training was started with
    /// [`RunStart::Continue`].
    ///
    /// # Errors
    /// [`RunError::Write`] when the file cannot be written or removed.
    pub fn record(&self, failure: &dyn Failure) -> Result<(), RunError> {
        if self.start != RunStart::Continue {
            return Ok(());
        }
        let help = failure.help().map(|help| format!("\n{help}")).unwrap_or_default();
        record_failure(&self.folder, Some(&format!("{failure}{help}")))
    }
}

/// Writes `failure` to `folder`, or removes the record of an earlier one.
///
/// # Errors
/// [`RunError::Write`] when the file cannot be written or removed.
pub fn record_failure(folder: &Path, failure: Option<&str>) -> Result<(), RunError> {
    let path = folder.join(FAILED_FILE);
    let result = match failure {
        Some(message) => {
            write_atomically(&path, format!("{message}\n").as_bytes()).map_err(|error| error.source)
        }
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    };
    result.map_err(|error| RunError::Write(path, error))
}
