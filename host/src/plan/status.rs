//! What became of a job, read from its folder alone.

use std::path::Path;

use serde::Serialize;

use super::{Job, Judge};
use crate::eval::card::EvalFile;
use emocue_train::run::{EVAL_FILE, RunFolder, RunStage};

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum JobStatus {
    /// Its folder is empty.
    NotStarted,
    /// There is a checkpoint to resume; whether a training runs just now, the folder does not say.
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

impl JobStatus {
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

/// A job's folder and the figures of its graphs.
#[derive(Debug)]
pub struct Folder {
    /// How far it is.
    pub status: JobStatus,
    /// The training.
    pub run: RunFolder,
    /// The figures of its graphs, where they were judged.
    pub judged: Option<EvalFile>,
}

impl Folder {
    /// Reads the folder `run`, whose job is done when it is trained, exported and, by `judge`, judged.
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

    /// Of `job`.
    pub fn of(job: &Job, judge: Option<Judge>) -> Self {
        Self::read(&job.run, judge)
    }
}

/// The figures in `run` on `judge`'s rows, if there are any.
pub fn judged(run: &Path, judge: Judge) -> Option<EvalFile> {
    let text = std::fs::read_to_string(run.join(EVAL_FILE)).ok()?;
    let file: EvalFile = serde_json::from_str(&text).ok()?;
    let asked = |split: &str| split == judge.split().name();
    let found = file.evaluations.iter().flat_map(|e| &e.splits).any(|s| asked(&s.split));
    found.then_some(file)
}
