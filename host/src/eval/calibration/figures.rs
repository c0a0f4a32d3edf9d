//! The figures of a choice.

use emocue_models::decision::DecisionError;

use super::sources::{Draft, Sources};

/// Figures by one source of labels, every share `0..=1`.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFigures {
    /// The protocol's name.
    pub protocol: &'static str,
    /// Accuracy.
    pub accuracy: f64,
    /// Mean recall of the classes.
    pub balanced: f64,
    /// Mean F1 of the classes.
    pub macro_f1: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
}

/// Figures of all rows under one condition, by the first source.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewFigures {
    /// The condition's name, or `"clean"`.
    pub name: String,
    /// Accuracy.
    pub accuracy: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// Share of answers that are not unsure.
    pub coverage: f64,
    /// Accuracy of those answers.
    pub accuracy_at_threshold: f64,
}

/// The figures of one decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Description of the decision, such as `"prior 0.3"`.
    pub what: String,
    /// On clean rows, by every source.
    pub sources: Vec<SourceFigures>,
    /// By condition, clean rows first.
    pub views: Vec<ViewFigures>,
}

impl Choice {
    /// The figures of `draft`; with `all` under all conditions, else on clean rows only.
    pub(super) fn of(
        what: impl Into<String>,
        draft: &Draft,
        sources: &Sources<'_>,
        all: bool,
    ) -> Result<Self, DecisionError> {
        let by_source = (0..sources.applied.len()).map(|source| {
            let scores = sources.scores(draft, (source, 0))?;
            let averages = scores.macro_average();
            Ok(SourceFigures {
                protocol: sources.applied[source].protocol.name,
                accuracy: scores.accuracy(),
                balanced: averages.recall,
                macro_f1: averages.f1,
                calibration_error: scores.calibration_error(),
            })
        });
        let by_source = by_source.collect::<Result<_, _>>()?;
        let shown = if all { sources.views.len() } else { 1 };
        let by_view = (0..shown).map(|view| {
            let scores = sources.scores(draft, (0, view))?;
            let at = scores.at_threshold();
            Ok(ViewFigures {
                name: sources.views[view].name.clone(),
                accuracy: scores.accuracy(),
                calibration_error: scores.calibration_error(),
                coverage: at.coverage,
                accuracy_at_threshold: at.accuracy,
            })
        });
        let by_view = by_view.collect::<Result<_, _>>()?;
        Ok(Self { what: what.into(), sources: by_source, views: by_view })
    }

    /// Mean of balanced accuracy and macro F1 over all sources.
    pub(super) fn balance(&self) -> f64 {
        let sum: f64 = self.sources.iter().map(|it| (it.balanced + it.macro_f1) / 2.0).sum();
        sum / self.sources.len().max(1) as f64
    }

    /// Accuracy by the first source.
    pub fn accuracy(&self) -> f64 {
        self.sources.first().map_or(0.0, |source| source.accuracy)
    }
}
