//! Validation of the averaged weights between epochs. Published figures come from `eval`, which runs the exported graph
//! in tract.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use emocue_models::crop::Preprocess;
use emocue_models::label::{FERPLUS_8, LabelSet};
use emocue_models::luma::Luma;
use emocue_models::resample::Resampler;

use crate::loss::tops;
use crate::net::Network;
use crate::net::noise::Noise;
use crate::recipe::Recipe;
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::votes::Votes;

/// Rows of a forward pass.
const BATCH: usize = 256;

/// The validation rows, preprocessed, and their classes.
pub struct Validation {
    rows: Vec<Vec<u8>>,
    /// For each head its label set and the class of every row.
    truth: Vec<(LabelSet, Vec<Option<usize>>)>,
    preprocess: Preprocess,
}

impl Validation {
    /// The PublicTest split, preprocessed for `recipe`.
    pub fn new(data: &Dataset, recipe: &Recipe) -> Self {
        let preprocess = recipe.preprocess();
        let face = Preprocess::of_size(data.side()).canonical_face();
        let rows = data.rows(Split::PublicTest);
        let prepared = |row: &usize| {
            let picture = data.picture(*row).to_vec();
            if data.side() == preprocess.size {
                return picture;
            }
            let mut crop = vec![0; preprocess.pixels()];
            if let Ok(frame) = Luma::from_raw(data.side(), data.side(), picture) {
                preprocess.crop(&frame, &face, &mut Resampler::default(), &mut crop);
            }
            crop
        };
        let classes = |labels: LabelSet| {
            let mapping = data.labels().mapping_to(&labels);
            let truth = |row: &usize| match data.votes(*row) {
                Some(votes) if labels.id == FERPLUS_8.id => Votes::plurality(votes),
                _ => mapping[data.label(*row)],
            };
            (labels, rows.iter().map(truth).collect())
        };
        Self {
            rows: rows.iter().map(prepared).collect(),
            truth: recipe.label_sets().into_iter().map(classes).collect(),
            preprocess,
        }
    }

    /// Whether there are no validation rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Accuracy `0..=1` of every head, by label set: FER+ by plurality, others by label.
    pub fn accuracies(&self, net: &Network, device: &Device) -> BTreeMap<String, f32> {
        let mut right = vec![0; self.truth.len()];
        for (number, rows) in self.rows.chunks(BATCH).enumerate() {
            let mut luma = vec![0.0; rows.len() * self.preprocess.pixels()];
            for (row, target) in rows.iter().zip(luma.chunks_exact_mut(self.preprocess.pixels())) {
                self.preprocess.normalise(row, target);
            }
            let shape = [rows.len(), 1, self.preprocess.size, self.preprocess.size];
            let luma = Tensor::<4>::from_data(TensorData::new(luma, shape), device);
            let logits = net.forward(luma, &mut Noise::off());
            for ((logits, (_, truth)), right) in logits.into_iter().zip(&self.truth).zip(&mut right)
            {
                let truth = &truth[number * BATCH..number * BATCH + rows.len()];
                let answers = tops(logits);
                let hit = |(answer, truth): &(usize, &Option<usize>)| Some(*answer) == **truth;
                *right += answers.into_iter().zip(truth).filter(hit).count();
            }
        }
        if self.is_empty() {
            return BTreeMap::new();
        }
        let share = |((labels, truth), right): (&(LabelSet, Vec<Option<usize>>), usize)| {
            let known = truth.iter().flatten().count();
            (labels.id.to_owned(), right as f32 / known.max(1) as f32)
        };
        self.truth.iter().zip(right).map(share).collect()
    }
}
