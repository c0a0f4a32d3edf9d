//! The training rows, their targets, and batches of them.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use emocue_models::failure::{Failure, exit};
use emocue_models::hex;
use emocue_models::label::LabelSet;
use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::augment::{Seen, augment, mixup_share};
use crate::net::noise::Noise;
use crate::recipe::{ClassWeights, Head, Recipe};
use crate::teacher::Teacher;
use emocue_data::Split;
use emocue_data::dataset::{Dataset, Part};
use emocue_data::random::generator;
use emocue_data::votes::Votes;

/// The targets of one head.
#[derive(Debug)]
struct Targets {
    classes: usize,
    /// `[examples, classes]`; a row without a label is 0.
    values: Vec<f32>,
    /// For each part of the data an offset for the logits of its rows, `[classes]`: [`UNKNOWN`] for a class that the
    /// part does not have, else 0. `None` if every part has all classes, or a teacher gives them.
    masks: Option<Vec<Vec<f32>>>,
    /// Which classes a row has by its label, before smoothing.
    present: Vec<bool>,
    /// For each example the weight of its dataset, with which it learns from teachers; 0 where the recipe excludes the head.
    learned: Vec<f32>,
}

/// Added to the logit of a class that a row's dataset does not have, which excludes it from the softmax.
const UNKNOWN: f32 = -1e4;

/// The training rows, and counts of those dropped.
#[derive(Debug, Default)]
pub struct TrainingExamples {
    rows: Vec<usize>,
    heads: Vec<Targets>,
    /// Training rows dropped because a test row has the same pixels.
    pub leaked: usize,
    /// Training rows dropped because most FER+ raters saw no face.
    pub not_a_face: usize,
    /// Classes without a row: label set of the head, and class.
    pub missing: Vec<(&'static str, &'static str)>,
}

/// A head cannot learn from the data.
#[derive(Debug, thiserror::Error)]
pub enum ExamplesError {
    /// Every row was dropped.
    #[error("no row to train on")]
    Empty,
    /// No label of the data maps to the head's classes.
    #[error("no training row has a class for the head {0}: the data is labelled {1}")]
    NoTarget(String, &'static str),
    /// A dataset has no class of any head that learns from it.
    #[error("no class of {layout} ({labels}) belongs to a head that learns from it")]
    NothingTaught {
        /// The dataset's layout.
        layout: &'static str,
        /// Its label set.
        labels: &'static str,
    },
    /// All datasets have weight 0.
    #[error("the weights of the datasets sum to zero")]
    NoWeight,
}

impl Failure for ExamplesError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Empty => "The Training split is empty or every row was dropped.",
            Self::NoTarget(..) => {
                "Name other heads with --heads or in the recipe, or bring data that has such labels."
            }
            Self::NothingTaught { .. } => {
                "Add a head with its label set, leave `heads` out of the recipe's [[datasets]], or do not name it."
            }
            Self::NoWeight => "Give one of the recipe's [[datasets]] a weight above 0.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// One batch on a device.
pub struct Batch {
    /// `[N,1,S,S]`, normalised luma.
    pub luma: Tensor<4>,
    /// Generators of the dropout masks.
    pub noise: Noise,
    /// `[N, classes]` for every head; each row sums to its weight, or to 0 without a label.
    pub targets: Vec<Tensor<2>>,
    /// For every head the offsets of its logits, `[N, classes]`, which exclude classes that a row's dataset does not
    /// have.
    pub masks: Vec<Option<Tensor<2>>>,
}

impl TrainingExamples {
    /// The Training split without rows that also occur in another split or show no face; at most `limit` rows.
    ///
    /// # Errors
    /// [`ExamplesError`] when no row is left or a head has no target.
    pub fn training(
        data: &Dataset,
        recipe: &Recipe,
        limit: Option<usize>,
    ) -> Result<Self, ExamplesError> {
        let leaked: std::collections::HashSet<usize> = data.leaked_rows().into_iter().collect();
        let mut kept = Self { leaked: leaked.len(), ..Self::default() };
        for row in data.rows(Split::Training) {
            if leaked.contains(&row) {
                continue;
            }
            if data.votes(row).is_some_and(Votes::not_a_face) {
                kept.not_a_face += 1;
                continue;
            }
            kept.rows.push(row);
        }
        kept.rows.truncate(limit.unwrap_or(usize::MAX));
        if kept.rows.is_empty() {
            return Err(ExamplesError::Empty);
        }
        let weights = Weights::of(data, recipe)?;
        for (at, (head, labels)) in recipe.heads.iter().zip(recipe.label_sets()).enumerate() {
            let weights = (&weights.heads[at][..], &weights.learned[at][..]);
            let targets = Targets::of(data, &kept.rows, head, &labels, weights);
            if targets.values.iter().all(|value| *value == 0.0) {
                return Err(ExamplesError::NoTarget(head.labels.clone(), data.labels().id));
            }
            let missing =
                targets.missing().into_iter().map(|class| (labels.id, labels.names[class]));
            kept.missing.extend(missing);
            kept.heads.push(targets);
        }
        Ok(kept)
    }

    /// Mixes teachers' probabilities into the targets of the heads with their label set: `weight` from the teachers,
    /// the rest from the data; a row without a label gets the teachers' only.
    pub fn learn_from(&mut self, teachers: &[Teacher], recipe: &Recipe) {
        let weight = recipe.distill.weight;
        for (targets, labels) in self.heads.iter_mut().zip(recipe.label_sets()) {
            let teachers: Vec<_> =
                teachers.iter().filter(|teacher| teacher.labels() == labels).collect();
            if teachers.is_empty() {
                continue;
            }
            // Teachers give probabilities of all classes.
            targets.masks = None;
            for (at, target) in targets.values.chunks_exact_mut(targets.classes).enumerate() {
                let sum: f32 = target.iter().sum();
                let (own, scale) =
                    if sum > 0.0 { (1.0 - weight, sum) } else { (0.0, targets.learned[at]) };
                target.iter_mut().for_each(|value| *value *= own);
                for teacher in &teachers {
                    let share = (1.0 - own) * scale / teachers.len() as f32;
                    let answers = teacher.probabilities(at, recipe.distill.temperature);
                    for (value, answer) in target.iter_mut().zip(answers) {
                        *value += share * answer;
                    }
                }
            }
        }
    }

    /// Rows of the dataset, in order.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing to train on; [`TrainingExamples::training`] never returns that.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Share of each class in the targets of every head, sum 1, by label set.
    pub fn priors(&self, recipe: &Recipe) -> BTreeMap<String, Vec<f32>> {
        let heads = recipe.heads.iter().zip(&self.heads);
        heads.map(|(head, targets)| (head.labels.clone(), targets.priors())).collect()
    }

    /// SHA-256 of pictures, landmarks and targets, which must be the same when a training is resumed.
    pub fn fingerprint(&self, data: &Dataset) -> String {
        let mut hash = Sha256::new();
        self.rows.iter().for_each(|row| hash.update(data.picture(*row)));
        for landmarks in self.rows.iter().filter_map(|row| data.landmarks(*row)) {
            let values = landmarks.points().map(|point| [point.x, point.y]);
            values.iter().flatten().for_each(|value| hash.update(value.to_le_bytes()));
        }
        for head in &self.heads {
            head.values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        hex::encode(&hash.finalize()[..16])
    }

    /// The examples at `indices`, augmented for `epoch`. The same arguments give the same batch.
    pub fn batch(
        &self,
        indices: &[usize],
        data: &Dataset,
        recipe: &Recipe,
        seed: u64,
        epoch: usize,
        device: &Device,
    ) -> Batch {
        let (count, side) = (indices.len(), recipe.net.side());
        let pixels = side * side;
        let mut luma = vec![0.0; count * pixels];
        let mut answers: Vec<Answers> = self.heads.iter().map(|_| Answers::default()).collect();
        let mut generators = Vec::with_capacity(count);
        let mut picture = vec![0; pixels];
        let preprocess = recipe.preprocess();
        for (index, input) in indices.iter().zip(luma.chunks_exact_mut(pixels)) {
            let mut rng = generator(seed, epoch, self.rows[*index]);
            augment(&recipe.augment, &mut rng, seen(data, self.rows[*index]), &mut picture);
            preprocess.normalise(&picture, input);
            let mut partner = None;
            if recipe.augment.mixup > 0.0 {
                let share = mixup_share(&mut rng, recipe.augment.mixup);
                let at = rng.random_range(0..self.len());
                augment(&recipe.augment, &mut rng, seen(data, self.rows[at]), &mut picture);
                let mut mixed = vec![0.0; pixels];
                preprocess.normalise(&picture, &mut mixed);
                mix(input, &mixed, share);
                partner = Some((at, share));
            }
            let part = |index: usize| data.part_of(self.rows[index]);
            for (head, answers) in self.heads.iter().zip(&mut answers) {
                answers.push(
                    head,
                    *index,
                    part(*index),
                    partner.map(|(at, share)| (at, part(at), share)),
                );
            }
            generators.push(rng);
        }
        let matrix = |values: Vec<f32>, head: &Targets| {
            Tensor::<2>::from_data(TensorData::new(values, [count, head.classes]), device)
        };
        let (mut targets, mut masks) = (Vec::new(), Vec::new());
        for (answers, head) in answers.into_iter().zip(&self.heads) {
            masks.push(head.masks.is_some().then(|| matrix(answers.masks, head)));
            targets.push(matrix(answers.targets, head));
        }
        Batch {
            noise: Noise::of(generators),
            targets,
            masks,
            luma: Tensor::from_data(TensorData::new(luma, [count, 1, side, side]), device),
        }
    }
}

/// One head's targets and masks of a batch, row by row.
#[derive(Default)]
struct Answers {
    targets: Vec<f32>,
    masks: Vec<f32>,
}

impl Answers {
    /// Appends example `index` of `part`, mixed with another example if there is one (mixup).
    fn push(
        &mut self,
        head: &Targets,
        index: usize,
        part: usize,
        partner: Option<(usize, usize, f32)>,
    ) {
        let (start, mask) = (self.targets.len(), self.masks.len());
        self.targets.extend_from_slice(head.of_example(index));
        if let Some(masks) = &head.masks {
            self.masks.extend_from_slice(&masks[part]);
        }
        let Some((other, other_part, share)) = partner else { return };
        mix(&mut self.targets[start..], head.of_example(other), share);
        if let Some(masks) = &head.masks {
            // A mixture may have the classes of both.
            let both = self.masks[mask..].iter_mut().zip(&masks[other_part]);
            both.for_each(|(mask, other)| *mask = mask.max(*other));
        }
    }
}

/// The weight of each part's rows for each head.
struct Weights {
    /// `[heads][parts]`.
    heads: Vec<Vec<f32>>,
    /// The same for what teachers say, who also know classes that a part has no rows of.
    learned: Vec<Vec<f32>>,
}

impl Weights {
    fn of(data: &Dataset, recipe: &Recipe) -> Result<Self, ExamplesError> {
        let parts = data.parts();
        let entry = |layout: &str| recipe.datasets.iter().find(|entry| entry.layout == layout);
        let weight = |layout: &str| entry(layout).map_or(1.0, |entry| entry.weight);
        if parts.iter().all(|part| weight(part.layout) == 0.0) {
            return Err(ExamplesError::NoWeight);
        }
        let learned_by = |head: &Head| -> Vec<f32> {
            let of_part = |part: &Part| {
                let learns = entry(part.layout).is_none_or(|entry| {
                    entry.heads.is_empty() || entry.heads.contains(&head.labels)
                });
                if learns { weight(part.layout) } else { 0.0 }
            };
            parts.iter().map(of_part).collect()
        };
        let learned: Vec<_> = recipe.heads.iter().map(learned_by).collect();
        let taught = |(weights, labels): (&Vec<f32>, LabelSet)| -> Vec<f32> {
            let is_taught = |part| data.taught(part, &labels).contains(&true);
            let of_part =
                |(part, weight): (usize, &f32)| if is_taught(part) { *weight } else { 0.0 };
            weights.iter().enumerate().map(of_part).collect()
        };
        let heads: Vec<_> = learned.iter().zip(recipe.label_sets()).map(taught).collect();
        for (at, part) in parts.iter().enumerate().skip(1) {
            if weight(part.layout) > 0.0 && heads.iter().all(|parts| parts[at] == 0.0) {
                let Part { layout, labels, .. } = *part;
                return Err(ExamplesError::NothingTaught { layout, labels: labels.id });
            }
        }
        Ok(Self { heads, learned })
    }
}

fn seen(data: &Dataset, row: usize) -> Seen<'_> {
    Seen { picture: data.picture(row), landmarks: data.landmarks(row) }
}

/// `share * a + (1 - share) * b`, into `a`.
fn mix(a: &mut [f32], b: &[f32], share: f32) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a = share * *a + (1.0 - share) * b);
}

impl Targets {
    /// The targets from the data's labels, smoothed and weighted; `weights` are those of the data's parts, for labels and
    /// for teachers.
    fn of(
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
    fn missing(&self) -> Vec<usize> {
        (0..self.classes).filter(|class| !self.present[*class]).collect()
    }

    /// Share of each class, sum 1; 0 for a class that only smoothing gives to rows.
    fn priors(&self) -> Vec<f32> {
        let mut sums = vec![0f64; self.classes];
        for target in self.values.chunks_exact(self.classes) {
            sums.iter_mut().zip(target).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.iter_mut().zip(&self.present).filter(|(_, is)| !**is).for_each(|(sum, _)| *sum = 0.0);
        let total: f64 = sums.iter().sum();
        sums.into_iter().map(|sum| (sum / total.max(f64::MIN_POSITIVE)) as f32).collect()
    }

    fn of_example(&self, index: usize) -> &[f32] {
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
        // What smoothing alone gives a class is no share of it.
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
