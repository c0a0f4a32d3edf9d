//! What became of a job, read from its folder alone.

use std::path::Path;

use serde::Serialize;

use super::{Job, Judge};
use crate::eval::card::EvalFile;
use emocue_models::files::write_atomically;
use emocue_train::checkpoint::{EpochMetrics, State};
use emocue_train::schedule::best;

/// Why the last try of a job ended, inside its folder.
pub const FAILED_FILE: &str = "failed.txt";
/// The figures of a job's graphs, inside its folder.
pub const EVAL_FILE: &str = "eval.json";

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Status {
    /// Nothing lies in its folder.
    NotStarted,
    /// A checkpoint to go on from; whether something goes on just now, the folder does not tell.
    Begun {
        /// Finished ones.
        epochs: usize,
        /// In all.
        of: usize,
    },
    /// Trained, but not all is written yet that belongs to it.
    Trained,
    /// Nothing is left to do.
    Done,
    /// The last try ended with an error.
    Failed {
        /// Its message.
        message: String,
    },
}

impl Status {
    /// In a few words.
    pub fn text(&self) -> String {
        match self {
            Self::NotStarted => "not started".to_owned(),
            Self::Begun { epochs, of } => format!("epoch {epochs} of {of}"),
            Self::Trained => "trained".to_owned(),
            Self::Done => "done".to_owned(),
            Self::Failed { .. } => "failed".to_owned(),
        }
    }
}

/// A job's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// How far it is.
    pub status: Status,
    /// Where the training stands, where it has begun.
    pub training: Option<State>,
    /// The figures of its graphs, where they were judged.
    pub judged: Option<EvalFile>,
}

impl Folder {
    /// Reads the folder `run`, whose job is done when it is trained, exported and, by `judge`, judged.
    pub fn read(run: &Path, judge: Option<Judge>) -> Self {
        let failed = |message: String| Status::Failed { message };
        let mut folder = Self { status: Status::NotStarted, training: None, judged: None };
        match State::peek(run) {
            Ok(training) => folder.training = training,
            Err(error) => folder.status = failed(error.to_string()),
        }
        if let Some(state) = &folder.training {
            let all = judge.is_none_or(|judge| {
                folder.judged = judged(run, judge);
                folder.judged.is_some()
            });
            let exported = state.recipe.heads.iter().all(|h| run.join(graph(&h.labels)).exists());
            folder.status = match state.finished() {
                true if all && exported => Status::Done,
                true => Status::Trained,
                false => {
                    let of = state.recipe.schedule.epochs;
                    Status::Begun { epochs: state.metrics.len(), of }
                }
            };
        }
        if let Ok(message) = std::fs::read_to_string(run.join(FAILED_FILE)) {
            folder.status = failed(message.trim_end().to_owned());
        }
        folder
    }

    /// Of `job`.
    pub fn of(job: &Job, judge: Option<Judge>) -> Self {
        Self::read(&job.run, judge)
    }

    /// The epoch whose weights count: the best where the recipe has a patience, else the last.
    pub fn epoch(&self) -> Option<&EpochMetrics> {
        let state = self.training.as_ref()?;
        match state.recipe.schedule.patience {
            0 => state.metrics.last(),
            _ => state.metrics.get(best(&state.scores())?),
        }
    }

    /// Accuracy of the first head on PublicTest in that epoch; `None` without such rows.
    pub fn validation(&self) -> Option<f64> {
        let first = self.training.as_ref()?.recipe.heads.first()?;
        self.epoch()?.validation.get(&first.labels).map(|accuracy| f64::from(*accuracy))
    }
}

/// The name of the graph of a head in a run's folder.
pub fn graph(labels: &str) -> String {
    format!("{labels}.onnx")
}

/// The figures in `run` on `judge`'s rows, if there are any.
fn judged(run: &Path, judge: Judge) -> Option<EvalFile> {
    let text = std::fs::read_to_string(run.join(EVAL_FILE)).ok()?;
    let file: EvalFile = serde_json::from_str(&text).ok()?;
    let asked = |split: &str| split == judge.split().name();
    let found = file.evaluations.iter().flat_map(|e| &e.splits).any(|s| asked(&s.split));
    found.then_some(file)
}

/// Leaves in `run` why a try ended, or that none failed.
///
/// # Errors
/// The system's own.
pub fn record(run: &Path, failure: Option<&str>) -> std::io::Result<()> {
    let path = run.join(FAILED_FILE);
    match failure {
        Some(message) => write_atomically(&path, format!("{message}\n").as_bytes()),
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}
