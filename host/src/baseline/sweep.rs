//! Evaluates several numbers of neighbours with one search.

use emocue_models::label::LabelSet;

use super::knn::{Neighbour, vote};
use super::score;
use crate::eval::metrics::Scores;

/// Default numbers of neighbours, ascending.
pub const KS: [u32; 11] = [1, 3, 5, 7, 9, 11, 15, 21, 31, 41, 51];

/// Rows for evaluation, with their neighbours among the training rows.
#[derive(Clone, Copy, Debug)]
pub struct KnnSample<'a> {
    /// The label set of the answers.
    pub labels: LabelSet,
    /// Neighbours of each row, nearest first.
    pub nearest: &'a [Vec<Neighbour>],
    /// The class of each training row.
    pub known: &'a [usize],
    /// The class of each row.
    pub classes: &'a [usize],
}

impl KnnSample<'_> {
    /// Evaluates the answers of the `k` nearest neighbours.
    ///
    /// # Panics
    /// When fewer neighbours were found: a defect of the caller.
    pub fn judge(&self, k: usize) -> Scores {
        let Self { labels, nearest, known, classes } = *self;
        let votes = nearest.iter().flat_map(|near| vote(&near[..k], known, labels.len()));
        score(labels, classes, &votes.collect::<Vec<_>>())
    }

    /// Evaluates each of `ks`, in their order.
    ///
    /// # Panics
    /// As [`KnnSample::judge`].
    pub fn sweep(&self, ks: &[usize]) -> Vec<(usize, Scores)> {
        ks.iter().map(|k| (*k, self.judge(*k))).collect()
    }
}

/// The first of those with the highest accuracy.
pub fn best(tries: &[(usize, Scores)]) -> Option<&(usize, Scores)> {
    let mut best: Option<&(usize, Scores)> = None;
    for tried in tries {
        if best.is_none_or(|best| tried.1.accuracy() > best.1.accuracy()) {
            best = Some(tried);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use emocue_models::label::VALENCE_3;

    use super::*;

    #[test]
    fn the_smallest_of_the_best_is_chosen() {
        let near = |rows: [usize; 3]| rows.map(|row| Neighbour { distance: 1.0, row }).to_vec();
        let nearest = [near([0, 1, 2]), near([2, 0, 1])];
        let sample =
            KnnSample { labels: VALENCE_3, nearest: &nearest, known: &[0, 1, 1], classes: &[1, 1] };
        let tries = sample.sweep(&[1, 2, 3]);
        let accuracies: Vec<f64> = tries.iter().map(|(_, scores)| scores.accuracy()).collect();
        assert_eq!(accuracies, [0.5, 0.0, 1.0]);
        assert_eq!(best(&tries).unwrap().0, 3);
        let twice = [tries[2].clone(), tries[2].clone()];
        assert!(std::ptr::eq(best(&twice).unwrap(), &twice[0]));
        assert!(best(&[]).is_none());
    }
}
