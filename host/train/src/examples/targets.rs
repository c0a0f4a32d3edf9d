//! The targets of the training rows for one head.

use emocue_data::dataset::Dataset;
use emocue_models::label::LabelSet;

use crate::recipe::{ClassWeights, Head};

/// The targets of one head.
#[derive(Debug)]
pub(super) struct Targets {
    pub(super) classes: usize,
    /// `[examples, classes]`; a row without a label is 0.
    pub(super) values: Vec<f32>,
    /// For each part of the data an offset for the logits of its rows, `[classes]`: [`UNKNOWN`] for a class that the
    /// part does not have, else 0. `None` if every part has all classes, or a teacher gives them.
    pub(super) masks: Option<Vec<Vec<f32>>>,
    /// Which classes a row has by its label, before smoothing.
    pub(super) present: Vec<bool>,
    /// For each example the weight of its dataset, with which it learns from teachers; 0 where the recipe excludes the head.
    pub(super) learned: Vec<f32>,
}

/// Added to the logit of a class that a row's dataset does not have, which excludes it from the softmax.
const UNKNOWN: f32 = -1e4;

impl Targets {
    /// The targets from the data's labels, smoothed and weighted; `weights` are those of the data's parts, for labels and
    /// for teachers.
    pub(super) fn of(
        data: &Dataset,
        rows: &[usize],
        head: &Head,
        labels: &LabelSet,
        (weights, learned): (&[f32], &[f32]),
    ) -> Self {
        let classes = labels.len();
        let taught: Vec<Vec<bool>> =
            (0..weights.len()).map(|part| data.taught(part, labels)).collect();
        let target = |row: &usize| {
            let weight = weights[data.part_of(*row)];
            let target = data.target(*row, labels).filter(|_| weight > 0.0);
            let mut target = target.unwrap_or_else(|| vec![0.0; classes]);
            target.iter_mut().for_each(|value| *value *= weight);
            target
        };
        let mut values: Vec<f32> = rows.iter().flat_map(target).collect();
        let has = |class| values.iter().skip(class).step_by(classes).any(|value| *value != 0.0);
        let present: Vec<bool> = (0..classes).map(has).collect();
        let by_class = class_weights(&values, classes, head.class_weights);
        for (target, row) in values.chunks_exact_mut(classes).zip(rows) {
            if target.iter().all(|value| *value == 0.0) {
                continue;
            }
            // A single dataset is not masked: the network should not predict classes that it lacks.
            let taught = &taught[data.part_of(*row)];
            let among = |class: usize| weights.len() == 1 || taught[class];
            let count = (0..classes).filter(|class| among(*class)).count() as f32;
            let weight = weights[data.part_of(*row)];
            for (class, (value, by_class)) in target.iter_mut().zip(&by_class).enumerate() {
                let smooth = head.label_smoothing;
                let spread = if among(class) { smooth * weight / count } else { 0.0 };
                *value = (*value * (1.0 - smooth) + spread) * by_class;
            }
        }
        let masked = weights.len() > 1 && taught.iter().flatten().any(|taught| !taught);
        let mask = |taught: &Vec<bool>| {
            taught.iter().map(|taught| if *taught { 0.0 } else { UNKNOWN }).collect()
        };
        let masks = masked.then(|| taught.iter().map(mask).collect());
        let learned = rows.iter().map(|row| learned[data.part_of(*row)]).collect();
        Self { classes, values, masks, present, learned }
    }

    /// Classes that no row has.
    pub(super) fn missing(&self) -> Vec<usize> {
        (0..self.classes).filter(|class| !self.present[*class]).collect()
    }

    /// Share of each class, sum 1; 0 for a class that only smoothing gives to rows.
    pub(super) fn priors(&self) -> Vec<f32> {
        let mut sums = vec![0f64; self.classes];
        for target in self.values.chunks_exact(self.classes) {
            sums.iter_mut().zip(target).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.iter_mut().zip(&self.present).filter(|(_, is)| !**is).for_each(|(sum, _)| *sum = 0.0);
        let total: f64 = sums.iter().sum();
        sums.into_iter().map(|sum| (sum / total.max(f64::MIN_POSITIVE)) as f32).collect()
    }

    pub(super) fn of_example(&self, index: usize) -> &[f32] {
        &self.values[index * self.classes..(index + 1) * self.classes]
    }
}

/// Class weights whose mean over all rows is 1.
fn class_weights(values: &[f32], classes: usize, how: ClassWeights) -> Vec<f32> {
    let mut counts = vec![0.0f32; classes];
    for target in values.chunks_exact(classes) {
        counts.iter_mut().zip(target).for_each(|(count, value)| *count += value);
    }
    let total: f32 = counts.iter().sum();
    let weight = |count: &f32| match how {
        ClassWeights::None => 1.0,
        // A class that never occurs needs no weight.
        _ if *count == 0.0 => 0.0,
        ClassWeights::Balanced => total / (classes as f32 * count),
        ClassWeights::Root => (total / (classes as f32 * count)).sqrt(),
    };
    let weights: Vec<f32> = counts.iter().map(weight).collect();
    let mean: f32 = weights.iter().zip(&counts).map(|(w, c)| w * c).sum::<f32>() / total.max(1e-9);
    weights.into_iter().map(|weight| weight / mean.max(1e-9)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priors_are_shares_of_the_targets() {
        // The second row has no label.
        let values = vec![0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let (present, learned) = (vec![true, true, false], Vec::new());
        let mut targets = Targets { classes: 3, values, masks: None, present, learned };
        assert_eq!((targets.priors(), targets.missing()), (vec![0.25, 0.75, 0.0], vec![2]));
        // Label smoothing alone gives a class no share.
        targets.values.iter_mut().skip(2).step_by(3).for_each(|value| *value = 0.05);
        assert_eq!(targets.priors(), [0.25, 0.75, 0.0]);
    }

    #[test]
    fn balanced_classes_have_equal_sums() {
        // Three rows of class 0, one of class 1, none of class 2.
        let values = [[1.0, 0.0, 0.0]; 3].concat();
        let values = [values, vec![0.0, 1.0, 0.0]].concat();
        let weights = class_weights(&values, 3, ClassWeights::Balanced);
        assert!((3.0 * weights[0] - weights[1]).abs() < 1e-6, "{weights:?}");
        assert!((3.0 * weights[0] + weights[1] - 4.0).abs() < 1e-5, "mean 1: {weights:?}");
        assert_eq!(weights[2], 0.0);
        let root = class_weights(&values, 3, ClassWeights::Root);
        assert!((root[1] / root[0] - 3f32.sqrt()).abs() < 1e-5);
        assert_eq!(class_weights(&values, 3, ClassWeights::None), [1.0; 3]);
    }
}
