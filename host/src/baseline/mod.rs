//! Baselines: simple learners that are trained and evaluated on the same rows as networks.

pub mod cut;
pub mod examples;
pub mod features;
pub mod forest;
pub mod knn;
pub mod mlp;
pub mod plot;
pub mod sweep;

use std::num::NonZero;

use emocue_models::label::LabelSet;

use crate::eval::metrics::Scores;

/// Compares answers with the truth as `emocue eval` does: `probabilities` is `[rows, classes]`, row-major, for the rows
/// of `classes`. No answer is unsure.
///
/// # Panics
/// When the lengths do not match or a class is outside the label set: a defect of the caller.
pub fn score(labels: LabelSet, classes: &[usize], probabilities: &[f32]) -> Scores {
    assert_eq!(probabilities.len(), classes.len() * labels.len(), "one value a row and class");
    let mut scores = Scores::new(labels, 0.0);
    for (truth, row) in classes.iter().zip(probabilities.chunks_exact(labels.len())) {
        scores.add(*truth, row);
    }
    scores
}

/// Number of available cores.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
