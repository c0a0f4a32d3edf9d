//! A quick look at the averaged weights between epochs. Reported figures come from `eval`, which runs
//! the exported graph in tract.

use burn::tensor::{Device, Tensor, TensorData};
use emocue_models::crop::Preprocess;

use crate::data::dataset::Dataset;
use crate::data::ferplus::Votes;
use crate::data::{PIXELS, SIDE, Split};
use crate::net::Network;
use crate::net::noise::Noise;

/// Rows a forward pass.
const BATCH: usize = 256;

/// Accuracies `0..=1` on one split: FER+ by plurality, FER2013.
pub fn validate(net: &Network, data: &Dataset, split: Split) -> (f32, f32) {
    let device = Device::flex();
    let preprocess = Preprocess::default();
    let rows = data.rows(split);
    let (mut right_plus, mut count_plus, mut right_fer) = (0, 0, 0);
    for rows in rows.chunks(BATCH) {
        let mut luma = vec![0.0; rows.len() * PIXELS];
        for (row, target) in rows.iter().zip(luma.chunks_exact_mut(PIXELS)) {
            preprocess.normalise(data.picture(*row), target);
        }
        let shape = [rows.len(), 1, SIDE, SIDE];
        let luma = Tensor::<4>::from_data(TensorData::new(luma, shape), &device);
        let mut tops = net.forward(luma, &mut Noise::off()).into_iter().map(top);
        // As in `super::HEADS`.
        let (top_plus, top_fer) =
            (tops.next().unwrap_or_default(), tops.next().unwrap_or_default());
        for (at, row) in rows.iter().enumerate() {
            right_fer += usize::from(top_fer[at] == data.label(*row));
            if let Some(class) = data.votes(*row).and_then(Votes::plurality) {
                count_plus += 1;
                right_plus += usize::from(top_plus[at] == class);
            }
        }
    }
    let share = |right: usize, count: usize| right as f32 / count.max(1) as f32;
    (share(right_plus, count_plus), share(right_fer, rows.len()))
}

/// Index of each row's largest value.
fn top(logits: Tensor<2>) -> Vec<usize> {
    let width = logits.dims()[1];
    let values: Vec<f32> = logits.into_data().iter::<f32>().collect();
    let best = |row: &[f32]| (0..width).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
    values.chunks_exact(width).map(best).collect()
}
