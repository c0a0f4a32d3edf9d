//! Which rows are trained on, with which targets, and how they become a batch.

use burn::tensor::{Device, Tensor, TensorData};
use emocue_models::crop::Preprocess;
use emocue_models::label::{FER_7, FERPLUS_8};

use super::augment::{augment, generator};
use super::recipe::Recipe;
use crate::data::dataset::Dataset;
use crate::data::ferplus::Votes;
use crate::data::{PIXELS, SIDE, Split};
use crate::net::noise::Noise;

/// One training row.
#[derive(Clone, Copy, Debug)]
struct Example {
    row: usize,
    /// Vote distribution over `ferplus-8`, where the votes are usable.
    votes: Option<[f32; FERPLUS_8.names.len()]>,
}

/// The training rows and what was left out.
#[derive(Debug)]
pub struct Examples {
    examples: Vec<Example>,
    /// Training rows dropped because a test row has the same pixels.
    pub leaked: usize,
    /// Training rows dropped because most FER+ raters saw no face.
    pub not_a_face: usize,
}

/// One batch on a device.
pub struct Batch {
    /// `[N,1,48,48]`, normalised luma.
    pub luma: Tensor<4>,
    /// Of the network's dropouts.
    pub noise: Noise,
    /// `[N, 8]`, each row sums to 1, or 0 where the votes are not usable.
    pub ferplus: Tensor<2>,
    /// `[N, 7]`, one-hot, smoothed.
    pub fer: Tensor<2>,
}

impl Examples {
    /// The Training split without rows that leak from a test or show no face.
    pub fn training(data: &Dataset) -> Self {
        let leaked: std::collections::HashSet<usize> = data.leaked_rows().into_iter().collect();
        let mut kept = Self { examples: Vec::new(), leaked: leaked.len(), not_a_face: 0 };
        for row in data.rows(Split::Training) {
            if leaked.contains(&row) {
                continue;
            }
            if data.votes(row).is_some_and(Votes::not_a_face) {
                kept.not_a_face += 1;
                continue;
            }
            kept.examples
                .push(Example { row, votes: data.votes(row).and_then(Votes::distribution) });
        }
        kept
    }

    /// Only the first `count` examples, for a quick try.
    pub fn truncate(&mut self, count: usize) {
        self.examples.truncate(count);
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there is nothing to train on.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
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
        let count = indices.len();
        let smoothing = recipe.loss.label_smoothing / FER_7.len() as f32;
        let mut luma = vec![0.0; count * PIXELS];
        let mut generators = Vec::with_capacity(count);
        let mut votes = Vec::with_capacity(count * FERPLUS_8.len());
        let mut hard = vec![smoothing; count * FER_7.len()];
        let mut picture = [0; PIXELS];
        let preprocess = Preprocess::default();
        for (at, index) in indices.iter().enumerate() {
            let example = self.examples[*index];
            let mut rng = generator(seed, epoch, example.row);
            augment(&recipe.augment, &mut rng, data.picture(example.row), &mut picture);
            preprocess.normalise(&picture, &mut luma[at * PIXELS..(at + 1) * PIXELS]);
            generators.push(rng);
            votes.extend(example.votes.unwrap_or_default());
            hard[at * FER_7.len() + data.label(example.row)] += 1.0 - recipe.loss.label_smoothing;
        }
        let matrix =
            |values, width| Tensor::<2>::from_data(TensorData::new(values, [count, width]), device);
        Batch {
            noise: Noise::of(generators),
            ferplus: matrix(votes, FERPLUS_8.len()),
            fer: matrix(hard, FER_7.len()),
            luma: Tensor::from_data(TensorData::new(luma, [count, 1, SIDE, SIDE]), device),
        }
    }
}
