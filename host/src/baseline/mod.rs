//! What the badge is compared with: published models, and simple learners on the same rows.

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

/// Answers against the truth, counted as `emocue eval` counts: `probabilities` holds one value a class for
/// every row of `classes`, row-major. No answer is unsure.
///
/// # Panics
/// When the counts do not fit or a class is outside the set: a caller's mistake.
pub fn score(labels: LabelSet, classes: &[usize], probabilities: &[f32]) -> Scores {
    assert_eq!(probabilities.len(), classes.len() * labels.len(), "one value a row and class");
    let mut scores = Scores::new(labels, 0.0);
    for (truth, row) in classes.iter().zip(probabilities.chunks_exact(labels.len())) {
        scores.add(*truth, row);
    }
    scores
}

/// Threads that the machine runs at once.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
