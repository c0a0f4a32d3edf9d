//! How a caller follows a training.

use std::fmt;
use std::path::Path;

use emocue_models::label::LabelSet;

use crate::checkpoint::{CheckpointError, EpochMetrics, PREVIOUS, TrainingState};
use crate::examples::TrainingExamples;
use crate::net::transfer::TransferReport;

/// Where a running training stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingProgress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// The current epoch, from 1.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The last step's mean loss.
    pub loss: f32,
    /// The current epoch's mean loss so far.
    pub epoch_loss: f32,
    /// Examples of a step.
    pub examples: usize,
}

/// Follows a training while it runs.
pub trait TrainingWatcher {
    /// Something was found out before the first step.
    fn note(&mut self, _note: &Note<'_>) {}
    /// A network, named `who`, is about to answer `rows` rows; what is returned receives how many more are done.
    fn asking(&mut self, _who: &str, _rows: usize) -> Box<dyn Fn(usize) + Sync> {
        Box::new(|_| ())
    }
    /// Right before the first step.
    fn begin(&mut self, _state: &TrainingState) {}
    /// After every step.
    fn step(&mut self, progress: &TrainingProgress);
    /// After every epoch.
    fn epoch(&mut self, metrics: &EpochMetrics);
}

/// What a training found out before its first step.
#[derive(Debug)]
pub enum Note<'a> {
    /// Rows to train on, and those that were dropped.
    TrainingExamples(&'a TrainingExamples),
    /// Rows whose landmarks were found, of how many, and where they are kept.
    Landmarks(usize, usize, &'a Path),
    /// Tensors taken from a file of published weights.
    Transferred(&'a Path, &'a TransferReport),
    /// The body, and these heads, taken from another run.
    BegunWith(&'a Path, &'a [LabelSet]),
    /// The newest checkpoint cannot be used, so the one before it is resumed from, at this step.
    Previous(&'a CheckpointError, usize),
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrainingExamples(examples) => {
                write!(
                    f,
                    "{} training rows; dropped {} identical to a test row and {} that most raters called no face",
                    examples.len(),
                    examples.leaked,
                    examples.not_a_face
                )?;
                let class = |(head, class)| write!(f, "; no row has {class} for the head {head}");
                examples.missing.iter().copied().try_for_each(class)
            }
            Self::Landmarks(found, rows, file) => {
                write!(f, "landmarks of {found} of {rows} rows, in {}", file.display())
            }
            Self::Previous(error, step) => {
                write!(f, "{error}; resuming from {PREVIOUS}, step {step}")
            }
            Self::Transferred(file, report) => write!(f, "{}: {report}", file.display()),
            Self::BegunWith(run, heads) => {
                let heads: Vec<&str> = heads.iter().map(|labels| labels.id).collect();
                let heads = if heads.is_empty() { "none".to_owned() } else { heads.join(", ") };
                write!(f, "{}: the body taken; heads: {heads}", run.display())
            }
        }
    }
}
