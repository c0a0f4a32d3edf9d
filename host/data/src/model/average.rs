//! An ensemble: the mean of several classifiers' probabilities, in the classes that they share.

use emocue_models::label::LabelSet;
use emocue_run::{ExpressionNet, RunError};

use super::classifier::ClassifierModel;
use super::error::ModelError;

/// The label set in which several models can be averaged: the first model's set whose classes all others have too.
///
/// # Errors
/// [`ModelError::NoCommonLabels`] if there is none.
pub fn common_labels(models: &[ClassifierModel]) -> Result<LabelSet, ModelError> {
    let sets: Vec<LabelSet> = models.iter().map(ClassifierModel::labels).collect();
    let known_to_all = |set: &&LabelSet| {
        sets.iter().all(|other| set.names.iter().all(|name| other.index_of(name).is_some()))
    };
    sets.iter().find(known_to_all).copied().ok_or_else(|| ModelError::NoCommonLabels {
        sets: sets.iter().map(|set| set.id).collect::<Vec<_>>().join(", "),
    })
}

/// One model of an average.
pub(crate) struct Member {
    net: ExpressionNet,
    mapping: Option<Vec<Option<usize>>>,
}

impl Member {
    /// Loads `model`, whose probabilities are mapped to `labels`.
    pub(crate) fn load(model: &ClassifierModel, labels: LabelSet) -> Result<Self, RunError> {
        let own = model.labels();
        let mapping = (own != labels).then(|| own.mapping_to(&labels));
        Ok(Self { net: model.load()?, mapping })
    }

    /// The network, and the mapping from its classes to the shared ones if they differ.
    pub(crate) fn parts(&mut self) -> (&mut ExpressionNet, Option<&[Option<usize>]>) {
        (&mut self.net, self.mapping.as_deref())
    }

    /// Adds `weight` times the network's `probabilities` to `sum`.
    pub(crate) fn add(
        mapping: Option<&[Option<usize>]>,
        probabilities: &[f32],
        weight: f32,
        sum: &mut [f32],
    ) {
        let common = mapping.map(|mapping| mapped(probabilities, mapping, sum.len()));
        for (sum, probability) in sum.iter_mut().zip(common.as_deref().unwrap_or(probabilities)) {
            *sum += weight * probability;
        }
    }
}

/// Probabilities over another label set of `classes` classes: summed by name, then scaled to sum 1. Uniform if no
/// probability is left.
pub fn mapped(probabilities: &[f32], mapping: &[Option<usize>], classes: usize) -> Vec<f32> {
    let mut target = vec![0.0; classes];
    for (probability, class) in probabilities.iter().zip(mapping) {
        if let Some(class) = class {
            target[*class] += probability;
        }
    }
    let sum: f32 = target.iter().sum();
    if sum >= f32::MIN_POSITIVE {
        target.iter_mut().for_each(|value| *value /= sum);
    } else {
        target.fill(1.0 / classes as f32);
    }
    target
}
