//! The mean of several classifiers, in the classes that they share.

use emocue_models::label::LabelSet;
use emocue_run::{ExpressionNet, RunError};

use super::classifier::ClassifierModel;
use super::error::ModelError;

/// The classes in which several models can be averaged: those of the first whose every class all the
/// others know too.
///
/// # Errors
/// [`ModelError::NoCommonLabels`] where there are none.
pub fn common_labels(models: &[ClassifierModel]) -> Result<LabelSet, ModelError> {
    let sets: Vec<LabelSet> = models.iter().map(ClassifierModel::labels).collect();
    let known_to_all = |set: &&LabelSet| {
        sets.iter().all(|other| set.names.iter().all(|name| other.index_of(name).is_some()))
    };
    sets.iter().find(known_to_all).copied().ok_or_else(|| ModelError::NoCommonLabels {
        sets: sets.iter().map(|set| set.id).collect::<Vec<_>>().join(", "),
    })
}

/// One model's place in an average.
pub(crate) struct Member {
    net: ExpressionNet,
    mapping: Option<Vec<Option<usize>>>,
}

impl Member {
    /// Loads `model`, whose answers become `labels`.
    pub(crate) fn load(model: &ClassifierModel, labels: LabelSet) -> Result<Self, RunError> {
        let own = model.labels();
        let mapping = (own != labels).then(|| own.mapping_to(&labels));
        Ok(Self { net: model.load()?, mapping })
    }

    /// The network, and from its classes to the shared ones where they differ.
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

/// Probabilities over another label set: summed by name, then scaled to sum 1. All even where no
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
