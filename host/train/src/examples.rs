//! The training rows, their targets, and batches of them.

mod targets;

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use emocue_models::failure::{Failure, exit};
use emocue_models::hex;
use emocue_models::label::LabelSet;
use rand::RngExt;
use sha2::{Digest, Sha256};

use self::targets::Targets;
use crate::augment::{Seen, augment, mixup_share};
use crate::net::noise::Noise;
use crate::recipe::{Head, Recipe};
use crate::teacher::Teacher;
use emocue_data::Split;
use emocue_data::dataset::{Dataset, Part};
use emocue_data::random::generator;
use emocue_data::votes::Votes;

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
            targets.present.fill(true);
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
