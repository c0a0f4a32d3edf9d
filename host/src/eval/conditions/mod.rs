//! Evaluation under the fixed list of conditions [`ROW_CONDITIONS`]: dark, blurred, small, rotated, occluded.

pub mod text;

use emocue_data::dataset::Dataset;
use emocue_data::degrade::ROW_CONDITIONS;
use emocue_data::model::{AbstentionPoint, ClassifierModel};
use emocue_data::predict::{PredictSettings, predict};
use serde::{Deserialize, Serialize};

use super::card::{ProtocolResult, ScoreCard};
use super::{EvalError, Judged, applied_protocols, score, threshold};

/// Figures of one protocol under every condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionsResult {
    /// Figures of the clean rows.
    pub clean: ConditionFigures,
    /// One for each condition, in the list's order.
    pub conditions: Vec<ConditionFigures>,
    /// Means of the conditions' figures, without the clean rows.
    pub mean: ConditionFigures,
    /// The condition with the lowest accuracy.
    pub worst: String,
}

/// Figures of one set of answers, every share `0..=1`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConditionFigures {
    /// Name of the condition, or `"clean"` or `"mean"`.
    pub name: String,
    /// Accuracy.
    pub accuracy: f64,
    /// Mean recall over the classes that occur.
    pub balanced_accuracy: f64,
    /// Mean F1 over the classes that occur.
    pub macro_f1: f64,
    /// Expected calibration error, 15 bins of the top probability.
    pub calibration_error: f64,
    /// Share of answers that are not unsure.
    #[serde(rename = "sure_coverage")]
    pub coverage: f64,
    /// Accuracy of those answers.
    #[serde(rename = "sure_accuracy")]
    pub accuracy_at_threshold: f64,
    /// Abstention curve: accuracy by coverage; empty for a mean.
    pub abstention: Vec<AbstentionPoint>,
}

impl ConditionFigures {
    fn of(name: &str, card: &ScoreCard) -> Self {
        Self {
            name: name.to_owned(),
            accuracy: card.accuracy,
            balanced_accuracy: card.macro_average.recall,
            macro_f1: card.macro_average.f1,
            calibration_error: card.calibration_error,
            coverage: card.coverage,
            accuracy_at_threshold: card.accuracy_at_threshold,
            abstention: card.abstention.clone(),
        }
    }
}

impl ConditionsResult {
    /// `None` without any condition.
    fn of(clean: &ScoreCard, conditions: Vec<ConditionFigures>) -> Option<Self> {
        let by_accuracy =
            |a: &&ConditionFigures, b: &&ConditionFigures| a.accuracy.total_cmp(&b.accuracy);
        let worst = conditions.iter().min_by(by_accuracy)?.name.clone();
        let mean = |value: fn(&ConditionFigures) -> f64| {
            conditions.iter().map(value).sum::<f64>() / conditions.len() as f64
        };
        let mean = ConditionFigures {
            name: "mean".to_owned(),
            accuracy: mean(|figures| figures.accuracy),
            balanced_accuracy: mean(|figures| figures.balanced_accuracy),
            macro_f1: mean(|figures| figures.macro_f1),
            calibration_error: mean(|figures| figures.calibration_error),
            coverage: mean(|figures| figures.coverage),
            accuracy_at_threshold: mean(|figures| figures.accuracy_at_threshold),
            abstention: Vec::new(),
        };
        Some(Self { clean: ConditionFigures::of("clean", clean), conditions, mean, worst })
    }

    /// Clean, mean and each condition, in the order of tables.
    pub fn lines(&self) -> impl Iterator<Item = &ConditionFigures> {
        [&self.clean, &self.mean].into_iter().chain(&self.conditions)
    }

    /// The figures of the worst condition.
    pub fn worst(&self) -> Option<&ConditionFigures> {
        self.conditions.iter().find(|figures| figures.name == self.worst)
    }
}

/// Number of rows that [`under_conditions`] runs networks on, for a progress bar.
pub fn steps(rows: usize) -> usize {
    rows * ROW_CONDITIONS.len()
}

/// Runs `models` on the rows of `judged` under every condition, and adds the figures to each protocol.
///
/// # Errors
/// [`EvalError`] when a network fails.
pub fn under_conditions(
    judged: &mut Judged,
    models: &[ClassifierModel],
    data: &Dataset,
    settings: PredictSettings,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<(), EvalError> {
    for (split, clean) in judged.evaluation.splits.iter_mut().zip(&judged.predictions) {
        let rows: Vec<usize> = clean.iter().map(|(row, _)| row).collect();
        let applied = applied_protocols(data, clean)?;
        let mut figures = vec![Vec::new(); applied.len()];
        for condition in &ROW_CONDITIONS {
            let settings = PredictSettings { condition: Some(condition), ..settings };
            let answers = predict(models, data, &rows, settings, progress)?;
            for (figures, applied) in figures.iter_mut().zip(&applied) {
                let scores = score(applied, &answers, threshold(models), &|_| true);
                figures.push(ConditionFigures::of(condition.name, &ScoreCard::of(&scores)));
            }
        }
        for (ProtocolResult { all, conditions, .. }, figures) in
            split.protocols.iter_mut().zip(figures)
        {
            *conditions = ConditionsResult::of(all, figures);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_leaves_clean_rows_out_and_the_worst_is_named() {
        use super::super::metrics::Scores;
        let card = |right: usize| {
            let mut scores = Scores::new(emocue_models::label::VALENCE_3, 0.6);
            (0..10).for_each(|row| scores.add(usize::from(row >= right), &[0.7, 0.2, 0.1]));
            ScoreCard::of(&scores)
        };
        let of = |name, right| ConditionFigures::of(name, &card(right));
        let result = ConditionsResult::of(&card(10), vec![of("a", 6), of("b", 4), of("c", 8)]);
        let result = result.unwrap();
        assert_eq!((result.clean.accuracy, result.worst.as_str()), (1.0, "b"));
        assert!((result.mean.accuracy - 0.6).abs() < 1e-12);
        assert!((result.mean.balanced_accuracy - 0.5).abs() < 1e-12, "one of two classes");
        assert_eq!((result.mean.coverage, result.worst().unwrap().accuracy), (1.0, 0.4));
        let names: Vec<_> = result.lines().map(|figures| figures.name.as_str()).collect();
        assert_eq!(names, ["clean", "mean", "a", "b", "c"]);
        assert!(ConditionsResult::of(&card(1), Vec::new()).is_none());
    }
}
