//! Progress of a training for its caller.

use std::fmt;
use std::path::Path;

use emocue_models::label::LabelSet;

use crate::checkpoint::{CheckpointError, EpochMetrics, PREVIOUS, TrainingState};
use crate::examples::TrainingExamples;
use crate::net::transfer::TransferReport;

/// The progress of a running training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingProgress {
    /// Steps done.
    pub step: usize,
    /// Steps of the whole training.
    pub steps: usize,
    /// The current epoch, from 1.
    pub epoch: usize,
    /// Epochs of the whole training.
    pub epochs: usize,
    /// The last step's mean loss.
    pub loss: f32,
    /// The current epoch's mean loss so far.
    pub epoch_loss: f32,
    /// Examples of a step.
    pub examples: usize,
}

/// Receives the progress of a training.
pub trait TrainingWatcher {
    /// A note before the first step.
    fn note(&mut self, _note: &Note<'_>) {}
    /// A network, named `who`, is about to be run on `rows` rows; the returned function receives how many more are
    /// done.
    fn asking(&mut self, _who: &str, _rows: usize) -> Box<dyn Fn(usize) + Sync> {
        Box::new(|_| ())
    }
    /// Immediately before the first step.
    fn begin(&mut self, _state: &TrainingState) {}
    /// After every step.
    fn step(&mut self, progress: &TrainingProgress);
    /// After every epoch.
    fn epoch(&mut self, metrics: &EpochMetrics);
}

/// A fact about a training that is known before its first step.
#[derive(Debug)]
pub enum Note<'a> {
    /// The training rows, and the number of dropped ones.
    TrainingExamples(&'a TrainingExamples),
    /// Rows with landmarks, all rows, and the file of the landmarks.
    Landmarks(usize, usize, &'a Path),
    /// Tensors loaded from a file of weights.
    Transferred(&'a Path, &'a TransferReport),
    /// The body and these heads were loaded from another run.
    BegunWith(&'a Path, &'a [LabelSet]),
    /// The newest checkpoint cannot be used; the training resumes from the previous one, at this step.
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
