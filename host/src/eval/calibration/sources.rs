//! Rows with the right classes by every source of labels, and the results of a decision on them.

use emocue_data::evidence::Evidence;
use emocue_models::decision::{Decider, Decision, DecisionError};
use emocue_models::label::LabelSet;

use super::super::metrics::Scores;
use super::super::protocol::AppliedProtocol;

/// The rows under one condition.
#[derive(Clone, Debug)]
pub struct View {
    /// A condition's name, or `"clean"`.
    pub name: String,
    /// One for each row.
    pub evidence: Vec<Evidence>,
}

/// The outputs of a graph.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// Label set of the first.
    pub labels: LabelSet,
    /// Label set of the second, if it is a head.
    pub second: Option<LabelSet>,
    /// Share of each class of the first in the training targets; empty if unknown.
    pub shares: Vec<f32>,
}

/// A decision with its temperature and threshold during the fit.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) decision: Decision,
    pub(super) temperature: f32,
    pub(super) threshold: f32,
}

impl Draft {
    /// The draft with both temperatures multiplied by `factor`.
    pub(super) fn heated(&self, factor: f32) -> Self {
        let mut heated = self.clone();
        heated.temperature = (heated.temperature * factor).clamp(0.02, 50.0);
        if let Some(second) = &mut heated.decision.second {
            second.temperature = (second.temperature * factor).clamp(0.02, 50.0);
        }
        heated
    }

    fn decider(&self, labels: &LabelSet) -> Result<Decider, DecisionError> {
        Decider::new(&self.decision, labels, self.temperature, self.threshold)
    }
}

/// The rows of all views by every source.
pub(super) struct Sources<'a> {
    pub(super) labels: LabelSet,
    pub(super) applied: &'a [AppliedProtocol<'a>],
    pub(super) views: &'a [View],
    /// Weight of each source in a loss, sum 1.
    weights: Vec<f64>,
}

impl<'a> Sources<'a> {
    /// `others` is the total weight of the sources after the first.
    pub(super) fn new(
        labels: LabelSet,
        applied: &'a [AppliedProtocol<'a>],
        views: &'a [View],
        others: f64,
    ) -> Self {
        let weight = |at: usize| match (at, applied.len()) {
            (_, 1) => 1.0,
            (0, _) => 1.0 - others,
            (_, count) => others / (count - 1) as f64,
        };
        Self { labels, applied, views, weights: (0..applied.len()).map(weight).collect() }
    }
    /// Calls `each` with the right class and the probabilities of every row of a view that counts by a source.
    ///
    /// # Errors
    /// [`DecisionError`] when the draft does not fit the classes.
    fn answers(
        &self,
        draft: &Draft,
        (source, view): (usize, usize),
        mut each: impl FnMut(usize, &[f32]),
    ) -> Result<(), DecisionError> {
        let mut decider = draft.decider(&self.labels)?;
        let second = decider.second().map(|(output, _)| output);
        let mut probabilities = vec![0.0; self.labels.len()];
        let applied = &self.applied[source];
        for evidence in &self.views[view].evidence {
            let Some(truth) = applied.truth(evidence.row) else { continue };
            let Some(logits) = evidence.outputs.first() else { continue };
            let second = second.and_then(|output| evidence.outputs.get(output));
            let shortfall = decider.quality().shortfall(&evidence.sight);
            decider.answer(logits, second.map(Vec::as_slice), shortfall, &mut probabilities);
            each(truth, &applied.answer(&probabilities));
        }
        Ok(())
    }

    /// The scores of a draft.
    pub(super) fn scores(
        &self,
        draft: &Draft,
        place: (usize, usize),
    ) -> Result<Scores, DecisionError> {
        let mut scores = Scores::new(self.applied[place.0].labels, draft.threshold);
        self.answers(draft, place, |truth, probabilities| scores.add(truth, probabilities))?;
        Ok(scores)
    }

    /// Mean negative log-likelihood of the right classes, nats; 0 if no row counts.
    pub(super) fn loss(&self, draft: &Draft, place: (usize, usize)) -> Result<f64, DecisionError> {
        let (mut sum, mut count) = (0.0, 0_usize);
        self.answers(draft, place, |truth, probabilities| {
            sum -= f64::from(probabilities[truth].max(f32::MIN_POSITIVE).ln());
            count += 1;
        })?;
        Ok(sum / count.max(1) as f64)
    }

    /// The mean of [`Sources::loss`] over `views`, weighted over all sources.
    pub(super) fn mean_loss(
        &self,
        draft: &Draft,
        views: std::ops::Range<usize>,
    ) -> Result<f64, DecisionError> {
        let count = views.len().max(1) as f64;
        let mut sum = 0.0;
        for (source, weight) in self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0)
        {
            for view in views.clone() {
                sum += weight * self.loss(draft, (source, view))?;
            }
        }
        Ok(sum / count)
    }
}
