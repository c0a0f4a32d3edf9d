//! Accuracy as deployed: the bundle's graph in tract, through the badge's own preprocessing.

pub mod metrics;

use emocue_models::geometry::Face;
use emocue_models::label::{FER_7, FERPLUS_8};
use emocue_models::luma::Luma;
use emocue_models::run::{Classifier, ExpressionNet, RunError};
use rand::RngExt;
use serde::Serialize;

use crate::data::dataset::Dataset;
use crate::data::ferplus::Votes;
use crate::data::{SIDE, Split};
use crate::train::augment::generator;
use metrics::Scores;

/// What a classifier knows of one split.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    /// `"PublicTest"` or `"PrivateTest"`.
    pub split: &'static str,
    /// Rows of the split.
    pub rows: usize,
    /// Every face shifted and scaled by up to this fraction of its side, 0 for none.
    pub jitter: f32,
    /// Against the top FER+ vote, on rows where that is one of the eight classes.
    pub ferplus_plurality: Scores,
    /// Against FER2013's label, classes mapped by name.
    pub fer2013: Scores,
}

/// Runs `net` over one split. With `jitter` above 0, each row is a frame whose face lies up to that
/// fraction off, as a detector would give it; the same seed gives the same offsets.
///
/// # Errors
/// [`RunError`] when the network fails.
pub fn evaluate(
    net: &mut ExpressionNet,
    data: &Dataset,
    split: Split,
    jitter: f32,
    mut progress: impl FnMut(usize, usize),
) -> Result<Evaluation, RunError> {
    let labels = net.labels();
    let threshold = net.threshold();
    let (to_plus, to_fer) = (labels.mapping_to(&FERPLUS_8), labels.mapping_to(&FER_7));
    let mut ferplus_plurality = Scores::new(FERPLUS_8, threshold);
    let mut fer2013 = Scores::new(FER_7, threshold);
    let canonical = net.preprocess().canonical_face();
    let rows = data.rows(split);
    for (done, row) in rows.iter().enumerate() {
        let probabilities = if jitter > 0.0 {
            let frame =
                Luma::from_raw(SIDE, SIDE, data.picture(*row).to_vec()).map_err(|e| RunError {
                    model: "jitter".into(),
                    what: "cannot frame a row",
                    reason: e.to_string(),
                })?;
            net.classify(&frame, &jittered(&canonical, jitter, *row))?
        } else {
            net.classify_row(data.picture(*row))?
        };
        if let Some(truth) = data.votes(*row).and_then(Votes::plurality) {
            ferplus_plurality.add(truth, &mapped(probabilities, &to_plus, FERPLUS_8.len()));
        }
        fer2013.add(data.label(*row), &mapped(probabilities, &to_fer, FER_7.len()));
        progress(done + 1, rows.len());
    }
    let split = split.name();
    Ok(Evaluation { split, rows: rows.len(), jitter, ferplus_plurality, fer2013 })
}

/// Probabilities over another label set: summed by name, then scaled to sum 1.
fn mapped(probabilities: &[f32], mapping: &[Option<usize>], classes: usize) -> Vec<f32> {
    let mut target = vec![0.0; classes];
    for (probability, class) in probabilities.iter().zip(mapping) {
        if let Some(class) = class {
            target[*class] += probability;
        }
    }
    let sum: f32 = target.iter().sum();
    target.iter_mut().for_each(|value| *value /= sum.max(f32::MIN_POSITIVE));
    target
}

/// The face off by up to `limit` of its size, the same way for the same row.
fn jittered(face: &Face, limit: f32, row: usize) -> Face {
    let mut rng = generator(0, 0, row);
    let [dx, dy, change] = [(); 3].map(|()| rng.random_range(-limit..=limit));
    face.jittered(dx, dy, 1.0 + change)
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Rect;

    use super::*;

    #[test]
    fn contempt_is_left_out_of_seven_classes() {
        let mapping = FERPLUS_8.mapping_to(&FER_7);
        let mut probabilities = [0.0; 8];
        probabilities[1] = 0.3;
        probabilities[7] = 0.7;
        let seven = mapped(&probabilities, &mapping, 7);
        assert_eq!(seven[FER_7.index_of("happiness").unwrap()], 1.0);
        assert_eq!(seven.iter().sum::<f32>(), 1.0);
    }

    #[test]
    fn jitter_stays_within_its_limit_and_moves_all_points_alike() {
        let face = Face { rect: Rect::new(0.0, 0.0, 48.0, 48.0), score: 1.0, landmarks: None };
        for row in 0..200 {
            let moved = jittered(&face, 0.1, row);
            let (a, b) = (face.rect.center(), moved.rect.center());
            assert!((a.x - b.x).abs() <= 4.81 && (a.y - b.y).abs() <= 4.81);
            assert!((moved.rect.width / 48.0 - 1.0).abs() <= 0.101);
            assert_eq!(moved, jittered(&face, 0.1, row));
        }
        assert_ne!(jittered(&face, 0.1, 1), jittered(&face, 0.1, 2));
    }
}
