//! The status of a job, read from its folder only.

use std::path::Path;

use emocue_models::files;

use serde::Serialize;

use super::{Job, Judge};
use crate::eval::card::EvalFile;
use emocue_train::run::{EVAL_FILE, RunFolder, RunStage};

/// The status of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum JobStatus {
    /// Its folder is empty.
    NotStarted,
    /// There is a checkpoint to resume. The folder does not tell whether a training is running.
    Begun {
        /// Finished epochs.
        epochs: usize,
        /// All epochs.
        of: usize,
    },
    /// Trained, but a graph or the evaluation is missing.
    Trained,
    /// Finished.
    Done,
    /// The last attempt ended with an error.
    Failed {
        /// Its message.
        message: String,
    },
}

impl JobStatus {
    /// The status as text.
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

/// A job's folder and the evaluation of its graphs.
#[derive(Debug)]
pub struct Folder {
    /// Its status.
    pub status: JobStatus,
    /// The folder of the training.
    pub run: RunFolder,
    /// The evaluation of its graphs, if there is one.
    pub judged: Option<EvalFile>,
}

impl Folder {
    /// Reads the folder `run`. Its job is done when it is trained, exported and, if `judge` is set, evaluated.
    pub fn read(run: &Path, judge: Option<Judge>) -> Self {
        let judged = judge.and_then(|judge| judged(run, judge));
        let run = RunFolder::read(run);
        let status = match run.stage() {
            RunStage::Empty => JobStatus::NotStarted,
            RunStage::Begun { epochs, of } => JobStatus::Begun { epochs, of },
            RunStage::Exported if judge.is_none() || judged.is_some() => JobStatus::Done,
            RunStage::Trained | RunStage::Exported => JobStatus::Trained,
            RunStage::Failed(message) => JobStatus::Failed { message },
        };
        Self { status, run, judged }
    }

    /// Reads the folder of `job`.
    pub fn of(job: &Job, judge: Option<Judge>) -> Self {
        Self::read(&job.run, judge)
    }
}

/// The evaluation in `run` on the rows of `judge`, if there is one.
pub fn judged(run: &Path, judge: Judge) -> Option<EvalFile> {
    let text = files::read_text(run.join(EVAL_FILE)).ok()?;
    let file: EvalFile = serde_json::from_str(&text).ok()?;
    let asked = |split: &str| split == judge.split().name();
    let found = file.evaluations.iter().flat_map(|e| &e.splits).any(|s| asked(&s.split));
    found.then_some(file)
}
