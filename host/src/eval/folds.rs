//! Cross-validation: every row is classified by a network that was not trained on it.

use super::card::{Evaluation, FoldResult, FoldedProtocol, FoldsResult, ScoreCard, Spread};
use super::metrics::Scores;
use super::{EvalError, applied_protocols, describe, score, threshold};
use emocue_data::dataset::Dataset;
use emocue_data::folds::{Folds, FoldsError};
use emocue_data::model::ClassifierModel;
use emocue_data::predict::{PredictSettings, predict};

/// Evaluates one model for each fold, in their order, on the fold's test rows; with `only`, one model on that fold,
/// counted from 0.
///
/// No test row also occurs in Training, since identical pictures share a fold.
///
/// # Errors
/// [`EvalError`] when the models do not match the folds or a network fails.
pub fn evaluate_folds(
    models: &[ClassifierModel],
    data: &Dataset,
    folds: &Folds,
    only: Option<usize>,
    settings: PredictSettings,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Evaluation, EvalError> {
    let asked: Vec<usize> = match only {
        Some(fold) if fold >= folds.count() => {
            return Err(FoldsError::Fold { fold, folds: folds.count() }.into());
        }
        Some(fold) => vec![fold],
        None => (0..folds.count()).collect(),
    };
    if models.len() != asked.len() {
        return Err(EvalError::FoldModels { models: models.len(), folds: asked.len() });
    }
    let mut evaluation = describe(models, data.layout(), settings)?;
    let mut results: Vec<Folded> = Vec::new();
    for (fold, model) in asked.into_iter().zip(models) {
        let model = std::slice::from_ref(model);
        let answers = predict(model, data, &folds.rows(fold), settings, progress)?;
        for applied in applied_protocols(data, &answers)? {
            let scores = score(&applied, &answers, threshold(model), &|_| true);
            let (name, about) = (applied.protocol.name, applied.protocol.about);
            // Networks of different label sets may be scored on different classes, which are not merged.
            let same = |known: &&mut Folded| {
                known.name == name && known.pooled.labels() == scores.labels()
            };
            let folds = vec![FoldResult { fold: fold + 1, card: ScoreCard::of(&scores) }];
            match results.iter_mut().find(same) {
                Some(known) => {
                    known.folds.extend(folds);
                    known.pooled.merge(&scores);
                }
                None => results.push(Folded { name, about, folds, pooled: scores }),
            }
        }
    }
    evaluation.folds = Some(FoldsResult {
        count: folds.count(),
        seed: folds.seed(),
        by_subject: (0..data.len()).any(|row| data.row(row).subject.is_some()),
        protocols: results.into_iter().map(Folded::finish).collect(),
    });
    Ok(evaluation)
}

/// One protocol's folds so far.
struct Folded {
    name: &'static str,
    about: &'static str,
    folds: Vec<FoldResult>,
    pooled: Scores,
}

impl Folded {
    fn finish(self) -> FoldedProtocol {
        let spread = |value: fn(&ScoreCard) -> f64| {
            Spread::of(&self.folds.iter().map(|fold| value(&fold.card)).collect::<Vec<_>>())
        };
        FoldedProtocol {
            protocol: self.name.to_owned(),
            about: self.about.to_owned(),
            accuracy: spread(|card| card.accuracy),
            macro_f1: spread(|card| card.macro_average.f1),
            pooled: ScoreCard::of(&self.pooled),
            folds: self.folds,
        }
    }
}
