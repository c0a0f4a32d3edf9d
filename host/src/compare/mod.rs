//! Comparison of recognizers: networks and simple learners on the same rows by one protocol.
//!
//! Networks are evaluated by [`crate::eval`], simple learners by [`learners`], as by `emocue eval` and `emocue
//! baseline`. [`time`] measures the CPU time per face relative to the default bundle, [`card`] has the data of the
//! result.

pub mod card;
pub mod learners;
pub mod network;
pub mod text;
pub mod time;

use std::path::PathBuf;

use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::model::{ClassifierModel, ModelError};
use emocue_models::failure::{Failure, exit};
use emocue_models::label::FERPLUS_8;

use crate::baseline::examples::{BaselineTarget, ExamplesError};
use crate::eval::EvalError;

/// Recognizers cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model cannot be evaluated.
    #[error("{model}: {source}")]
    Judge {
        /// Its name in the table.
        model: String,
        /// The reason.
        source: EvalError,
    },
    /// A model lacks a class of the FER+ votes.
    #[error("{model} cannot be compared by FER+ votes: it does not know {missing}")]
    UnknownClass {
        /// Its name in the table.
        model: String,
        /// The classes that it lacks.
        missing: String,
    },
    /// The target needs FER+ votes.
    #[error(transparent)]
    Votes(ExamplesError),
    /// The split has no rows.
    #[error("{layout} has no {split} rows")]
    EmptySplit {
        /// The dataset's layout.
        layout: &'static str,
        /// The requested split.
        split: &'static str,
    },
    /// A folder without a classifier's training.
    #[error("{} has no classifier's training: {reason}", run.display())]
    NoRun {
        /// Path of the folder.
        run: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A training without an exported graph.
    #[error("{} has no exported graph", .0.display())]
    NoGraph(PathBuf),
}

impl Failure for CompareError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Model(error) => {
                return error.help().or(Some(
                    "Give a classifier's graph with one input [1,1,side,side] and logits as its first output, or leave it out."
                        .to_owned(),
                ));
            }
            Self::Judge { source, .. } => {
                return source.help().or(Some("Leave it out, or choose other data.".to_owned()));
            }
            Self::Votes(error) => return error.help(),
            Self::UnknownClass { .. } => {
                "Compare by the dataset's own labels with --target label, or leave it out."
            }
            Self::EmptySplit { .. } => "Choose the other --split, or name data that have it.",
            Self::NoRun { .. } => {
                "Name the --run folder of a classifier's training, or its graph with --model."
            }
            Self::NoGraph(_) => {
                "Finish it with emocue train --resume, or write its graph with emocue export and name that with --model."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Model(error) => error.exit_code(),
            Self::Judge { source, .. } => source.exit_code(),
            Self::Votes(error) => error.exit_code(),
            Self::UnknownClass { .. } => exit::USAGE,
            Self::EmptySplit { .. } | Self::NoRun { .. } | Self::NoGraph(_) => exit::INPUT,
        }
    }
}

/// The rows of `split`.
///
/// # Errors
/// [`CompareError::EmptySplit`].
pub fn rows(data: &Dataset, split: Split) -> Result<Vec<usize>, CompareError> {
    let rows = data.rows(split);
    if rows.is_empty() {
        return Err(CompareError::EmptySplit { layout: data.layout(), split: split.name() });
    }
    Ok(rows)
}

/// The target of the comparison: `asked`, else the FER+ votes if they were added and all of `models` have their
/// classes, else the dataset's labels.
///
/// # Errors
/// [`CompareError`] when votes are requested and missing, or a model lacks one of their classes.
pub fn target<'a>(
    data: &Dataset,
    models: impl Iterator<Item = (&'a str, &'a ClassifierModel)>,
    asked: Option<BaselineTarget>,
) -> Result<BaselineTarget, CompareError> {
    if asked == Some(BaselineTarget::Label) || (asked.is_none() && !data.has_votes()) {
        return Ok(BaselineTarget::Label);
    }
    if !data.has_votes() {
        return Err(CompareError::Votes(ExamplesError::NoVotes));
    }
    for (name, model) in models {
        let labels = model.labels();
        let is_missing = |class: &&&str| labels.index_of(class).is_none();
        let missing: Vec<&str> = FERPLUS_8.names.iter().filter(is_missing).copied().collect();
        match (missing.is_empty(), asked) {
            (true, _) => {}
            (false, None) => return Ok(BaselineTarget::Label),
            (false, Some(_)) => {
                let (model, missing) = (name.to_owned(), missing.join(", "));
                return Err(CompareError::UnknownClass { model, missing });
            }
        }
    }
    Ok(BaselineTarget::Ferplus)
}

/// The protocol of networks that corresponds to this target of learners.
pub fn protocol(target: BaselineTarget) -> &'static str {
    match target {
        BaselineTarget::Label => "label",
        BaselineTarget::Ferplus => "ferplus.plurality",
    }
}

#[cfg(test)]
mod tests;
