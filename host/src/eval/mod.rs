//! Evaluation as deployed: ONNX graphs in tract, with the badge's preprocessing.
//!
//! A [`ClassifierModel`] (or several, averaged) classifies rows in [`mod@emocue_data::predict`]; a
//! [`protocol::AppliedProtocol`] defines which rows count and which class is right; [`metrics::Scores`] computes the
//! figures; and [`card`] has the data of the results in memory, in JSON and in reports.

pub mod boxes;
pub mod calibration;
pub mod card;
pub mod conditions;
pub mod context;
pub mod detector;
pub mod folds;
pub mod groups;
pub mod metrics;
mod parallel;
pub mod protocol;
pub mod table;

use std::collections::HashSet;

use card::{Evaluation, ModelInfo, ProtocolResult, ScoreCard, SplitResult};
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::folds::FoldsError;
use emocue_data::model::{ClassifierModel, ModelError, common_labels};
use emocue_data::predict::{PredictSettings, Predictions, predict};
use emocue_models::failure::{Failure, exit};
use metrics::Scores;
use protocol::AppliedProtocol;

/// An evaluation is impossible or failed.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The split has no rows.
    #[error("{layout} has no {split} rows; it has {has}")]
    EmptySplit {
        /// The dataset's layout.
        layout: &'static str,
        /// The requested split.
        split: &'static str,
        /// The splits that it has.
        has: String,
    },
    /// The dataset and the network have no class in common.
    #[error("{layout}'s classes ({data}) and the network's ({network}) have nothing in common")]
    NothingToScore {
        /// The dataset's layout.
        layout: &'static str,
        /// Its label set.
        data: &'static str,
        /// The network's label set.
        network: &'static str,
    },
    /// The dataset cannot be divided.
    #[error(transparent)]
    Folds(#[from] FoldsError),
    /// Cross-validation needs a network for each fold.
    #[error("{models} networks for {folds} folds")]
    FoldModels {
        /// Networks given.
        models: usize,
        /// Folds.
        folds: usize,
    },
}

impl Failure for EvalError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Model(error) => return error.help(),
            Self::Folds(error) => return error.help(),
            Self::NothingToScore { .. } => return None,
            Self::EmptySplit { .. } => "Choose a --split that is there, or --folds.",
            Self::FoldModels { .. } => {
                "Give one --model for each, in their order, or one with --fold."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Model(error) => error.exit_code(),
            Self::Folds(error) => error.exit_code(),
            Self::EmptySplit { .. } | Self::NothingToScore { .. } => exit::INPUT,
            Self::FoldModels { .. } => exit::USAGE,
        }
    }
}

/// An evaluation with its answers.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The figures.
    pub evaluation: Evaluation,
    /// The answers, in the order of the evaluation's splits.
    pub predictions: Vec<Predictions>,
}

/// Evaluates `models` (the mean of their probabilities if there are several) on each of `splits`.
///
/// `progress` receives how many more rows are done.
///
/// # Errors
/// [`EvalError`] when a network fails, the models share no classes or a split has no rows.
pub fn evaluate(
    models: &[ClassifierModel],
    data: &Dataset,
    splits: &[Split],
    settings: PredictSettings,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Judged, EvalError> {
    let in_training = also_in_training(data);
    let mut evaluation = describe(models, data.layout(), settings)?;
    let mut predictions = Vec::new();
    for split in splits {
        let rows = data.rows(*split);
        if rows.is_empty() {
            return Err(empty(data, *split));
        }
        let answers = predict(models, data, &rows, settings, progress)?;
        evaluation.splits.push(SplitResult {
            split: split.name().to_owned(),
            rows: rows.len(),
            also_in_training: rows.iter().filter(|row| in_training.contains(row)).count(),
            protocols: judge(models, data, &answers, &in_training)?,
        });
        predictions.push(answers);
    }
    Ok(Judged { evaluation, predictions })
}

/// An evaluation without a dataset, for groups only.
///
/// # Errors
/// [`EvalError::Model`] when the models share no classes.
pub fn without_rows(
    models: &[ClassifierModel],
    set: &str,
    settings: PredictSettings,
) -> Result<Judged, EvalError> {
    let evaluation = describe(models, set, settings)?;
    Ok(Judged { evaluation, predictions: Vec::new() })
}

/// An evaluation without results.
fn describe(
    models: &[ClassifierModel],
    dataset: &str,
    settings: PredictSettings,
) -> Result<Evaluation, EvalError> {
    let infos: Vec<_> = models.iter().map(ModelInfo::of).collect();
    let names: Vec<&str> = infos.iter().map(|model| model.name.as_str()).collect();
    Ok(Evaluation {
        name: names.join(" + "),
        labels: common_labels(models)?.id.to_owned(),
        models: infos,
        dataset: dataset.to_owned(),
        flip: settings.flip,
        jitter: settings.jitter,
        splits: Vec::new(),
        folds: None,
        groups: None,
    })
}

/// The figures of `answers` by every protocol that applies.
fn judge(
    models: &[ClassifierModel],
    data: &Dataset,
    answers: &Predictions,
    in_training: &HashSet<usize>,
) -> Result<Vec<ProtocolResult>, EvalError> {
    let threshold = threshold(models);
    let result = |applied: &AppliedProtocol<'_>| {
        let card = |counts: &dyn Fn(usize) -> bool| {
            ScoreCard::of(&score(applied, answers, threshold, counts))
        };
        let leaks = answers.iter().any(|(row, _)| in_training.contains(&row));
        ProtocolResult {
            protocol: applied.protocol.name.to_owned(),
            about: applied.protocol.about.to_owned(),
            all: card(&|_| true),
            not_in_training: leaks.then(|| card(&|row| !in_training.contains(&row))),
            conditions: None,
        }
    };
    Ok(applied_protocols(data, answers)?.iter().map(result).collect())
}

/// Every protocol that applies; at least one.
fn applied_protocols<'a>(
    data: &'a Dataset,
    answers: &Predictions,
) -> Result<Vec<AppliedProtocol<'a>>, EvalError> {
    let applied = AppliedProtocol::all(data, answers.labels());
    if applied.is_empty() {
        let (data, layout) = (data.labels().id, data.layout());
        return Err(EvalError::NothingToScore { layout, data, network: answers.labels().id });
    }
    Ok(applied)
}

/// Computes the scores of the rows for which `counts` returns true.
pub fn score(
    applied: &AppliedProtocol<'_>,
    answers: &Predictions,
    threshold: f32,
    counts: &dyn Fn(usize) -> bool,
) -> Scores {
    let mut scores = Scores::new(applied.labels, threshold);
    for (row, probabilities) in answers.iter().filter(|(row, _)| counts(*row)) {
        if let Some(truth) = applied.truth(row) {
            scores.add(truth, &applied.answer(probabilities));
        }
    }
    scores
}

/// The threshold of the first network, since an average has none of its own.
fn threshold(models: &[ClassifierModel]) -> f32 {
    models.first().map_or(0.0, ClassifierModel::threshold)
}

/// Test rows whose pixels also occur in Training, which a network may have memorised.
pub fn also_in_training(data: &Dataset) -> HashSet<usize> {
    let training: HashSet<&[u8]> =
        data.rows(Split::Training).into_iter().map(|row| data.picture(row)).collect();
    (0..data.len())
        .filter(|row| data.split(*row) != Split::Training && training.contains(data.picture(*row)))
        .collect()
}

fn empty(data: &Dataset, split: Split) -> EvalError {
    let all = [Split::Training, Split::PublicTest, Split::PrivateTest];
    let count = |split: Split| Some((split.name(), data.rows(split).len())).filter(|(_, n)| *n > 0);
    let has: Vec<String> =
        all.into_iter().filter_map(count).map(|(s, n)| format!("{n} {s}")).collect();
    EvalError::EmptySplit { layout: data.layout(), split: split.name(), has: has.join(", ") }
}

#[cfg(test)]
mod tests;
