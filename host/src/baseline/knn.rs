//! k nearest neighbours (Cover and Hart 1967): the most frequent class among the nearest Training rows.

use std::thread;

use emocue_models::failure::{Failure, exit};
use ndarray::{ArrayView2, ShapeError};

use super::features::Matrix;
use super::threads;

/// Queries whose distances are in memory at the same time, for each thread; with 28,000 rows they take 28 MB.
const BLOCK: usize = 256;

/// The distance metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Euclidean distance.
    Euclidean,
    /// 1 minus the cosine of the angle, `0..=2`; a vector of zeros has distance 1 from all others.
    Cosine,
}

impl Metric {
    /// Its name: `"euclidean"` or `"cosine"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Euclidean => "euclidean",
            Self::Cosine => "cosine",
        }
    }
}

/// The neighbours cannot be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnnError {
    /// The number of neighbours is 0.
    #[error("k is 0")]
    ZeroK,
    /// There are fewer training rows than neighbours.
    #[error("k is {k}, but there are only {rows} training rows")]
    TooManyNeighbours {
        /// Number of neighbours.
        k: usize,
        /// Number of training rows.
        rows: usize,
    },
    /// The vectors have different widths.
    #[error("training rows have {training} features, but those to answer have {queries}")]
    Width {
        /// Features of a training row.
        training: usize,
        /// Features of a query.
        queries: usize,
    },
    /// A thread panicked.
    #[error("a thread stopped; its message is above")]
    Thread,
}

impl Failure for KnnError {
    fn help(&self) -> Option<String> {
        match self {
            Self::ZeroK => Some("Ask for at least one neighbour.".to_owned()),
            Self::TooManyNeighbours { rows, .. } => Some(format!("Choose a k of at most {rows}.")),
            Self::Width { .. } | Self::Thread => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::ZeroK | Self::TooManyNeighbours { .. } => exit::USAGE,
            Self::Width { .. } | Self::Thread => exit::FAILED,
        }
    }
}

/// A training row near a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its distance, `>= 0`.
    pub distance: f32,
    /// Its index among the training rows.
    pub row: usize,
}

/// Training rows, prepared for the search.
pub struct Knn {
    metric: Metric,
    /// Normalised to length 1 for the cosine.
    rows: Matrix,
    /// Squared length of each row.
    lengths: Vec<f32>,
}

impl Knn {
    /// Prepares the training rows.
    pub fn new(mut rows: Matrix, metric: Metric) -> Self {
        prepare(&mut rows, metric);
        let lengths = rows.rows().map(squared_length).collect();
        Self { metric, rows, lengths }
    }

    /// The `k` nearest training rows of every query, nearest first; of two at the same distance the earlier row first.
    /// The result includes that of every smaller `k`. `done` receives how many more queries are finished.
    ///
    /// All distances come from one matrix product, computed in blocks: `|a - b|² = |a|² - 2ab + |b|²`.
    ///
    /// # Errors
    /// [`KnnError`] when `k` or the width does not fit the training rows.
    pub fn nearest(
        &self,
        mut queries: Matrix,
        k: usize,
        mut done: impl FnMut(usize),
    ) -> Result<Vec<Vec<Neighbour>>, KnnError> {
        let rows = self.lengths.len();
        if k == 0 {
            return Err(KnnError::ZeroK);
        }
        if k > rows {
            return Err(KnnError::TooManyNeighbours { k, rows });
        }
        if queries.width() != self.rows.width() {
            let (training, queries) = (self.rows.width(), queries.width());
            return Err(KnnError::Width { training, queries });
        }
        prepare(&mut queries, self.metric);
        let width = queries.width();
        let mut found = Vec::with_capacity(queries.len());
        for block in queries.values().chunks(BLOCK * threads() * width) {
            let share = block.len().div_ceil(width).div_ceil(threads());
            let parts = thread::scope(|scope| {
                let handles: Vec<_> = block
                    .chunks(share * width)
                    .map(|queries| scope.spawn(move || self.select(queries, k)))
                    .collect();
                let parts = handles.into_iter().map(|handle| handle.join());
                parts.collect::<Result<Vec<_>, _>>().map_err(|_| KnnError::Thread)
            })?;
            done(block.len() / width);
            for part in parts {
                found.extend(part.map_err(|_| KnnError::Thread)?);
            }
        }
        Ok(found)
    }

    /// The nearest rows of each of a block of queries.
    fn select(&self, queries: &[f32], k: usize) -> Result<Vec<Vec<Neighbour>>, ShapeError> {
        let (width, rows) = (self.rows.width(), self.rows.len());
        let own = ArrayView2::from_shape((queries.len() / width, width), queries)?;
        let training = ArrayView2::from_shape((rows, width), self.rows.values())?;
        let products = own.dot(&training.t());
        let nearest = queries.chunks_exact(width).zip(products.outer_iter());
        Ok(nearest.map(|(query, products)| self.nearest_of(query, products.iter(), k)).collect())
    }

    fn nearest_of<'a>(
        &self,
        query: &[f32],
        products: impl Iterator<Item = &'a f32>,
        k: usize,
    ) -> Vec<Neighbour> {
        let own = squared_length(query);
        // `best` is sorted; rows come in order, so one at the same distance is inserted after the others.
        let mut best: Vec<Neighbour> = Vec::with_capacity(k + 1);
        for (row, (product, length)) in products.zip(&self.lengths).enumerate() {
            let distance = match self.metric {
                // Squared distances have the same order.
                Metric::Euclidean => (own - 2.0 * product + length).max(0.0),
                Metric::Cosine => (1.0 - product).clamp(0.0, 2.0),
            };
            if best.len() == k && best.last().is_some_and(|last| distance >= last.distance) {
                continue;
            }
            let at = best.partition_point(|other| other.distance <= distance);
            best.insert(at, Neighbour { distance, row });
            best.truncate(k);
        }
        if self.metric == Metric::Euclidean {
            best.iter_mut().for_each(|neighbour| neighbour.distance = neighbour.distance.sqrt());
        }
        best
    }
}

/// Each class's share of the votes of `neighbours`, sum 1 but for rounding. Of classes with equally many votes, the one
/// with the smaller sum of distances wins, then the one with the lower index; the winner's share is increased to the
/// next larger float, so that it is the only maximum.
///
/// # Panics
/// When a neighbour's row has no class below `count`: a defect of the caller.
pub fn vote(neighbours: &[Neighbour], classes: &[usize], count: usize) -> Vec<f32> {
    let mut votes = vec![(0usize, 0f64); count];
    for Neighbour { distance, row } in neighbours {
        let (votes, sum) = &mut votes[classes[*row]];
        *votes += 1;
        *sum += f64::from(*distance);
    }
    let total = neighbours.len().max(1) as f32;
    let mut shares: Vec<f32> = votes.iter().map(|(votes, _)| *votes as f32 / total).collect();
    let rank = |class: &usize| votes[*class];
    let winner = (0..count).min_by(|a, b| {
        let ((votes_a, sum_a), (votes_b, sum_b)) = (rank(a), rank(b));
        votes_b.cmp(&votes_a).then(sum_a.total_cmp(&sum_b))
    });
    if let Some(winner) = winner {
        shares[winner] = shares[winner].next_up();
    }
    shares
}

/// Normalises every vector to length 1 for the cosine.
fn prepare(rows: &mut Matrix, metric: Metric) {
    if metric == Metric::Cosine {
        for row in rows.rows_mut() {
            let length = squared_length(row).sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|value| *value /= length);
            }
        }
    }
}

/// Subtracts from every vector its mean, so that a picture's brightness has no effect. The cosine of such vectors is
/// their correlation.
pub fn remove_means(rows: &mut Matrix) {
    for row in rows.rows_mut() {
        let sum: f64 = row.iter().map(|value| f64::from(*value)).sum();
        let mean = (sum / row.len() as f64) as f32;
        row.iter_mut().for_each(|value| *value -= mean);
    }
}

/// Computed in `f64`, since small differences between large lengths matter.
fn squared_length(row: &[f32]) -> f32 {
    row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(a: &[f32], b: &[f32], metric: Metric) -> f64 {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        match metric {
            Metric::Euclidean => (dot(a, a) - 2.0 * dot(a, b) + dot(b, b)).sqrt(),
            Metric::Cosine => {
                let lengths = (dot(a, a) * dot(b, b)).sqrt();
                if lengths > 0.0 { 1.0 - dot(a, b) / lengths } else { 1.0 }
            }
        }
    }

    fn matrices() -> impl Strategy<Value = (Matrix, Matrix)> {
        (1usize..8, 1usize..40, 1usize..20).prop_flat_map(|(width, rows, queries)| {
            // With integers, Euclidean distances are exact and ties are frequent.
            let values = |count| prop::collection::vec((-4i8..5).prop_map(f32::from), count);
            (values(rows * width), values(queries * width))
                .prop_map(move |(a, b)| (Matrix::new(a, width), Matrix::new(b, width)))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn finds_what_a_search_one_by_one_finds((rows, queries) in matrices(), part in 0.0f64..1.0) {
            let k = 1 + (part * rows.len() as f64) as usize;
            for metric in [Metric::Euclidean, Metric::Cosine] {
                let knn = Knn::new(rows.clone(), metric);
                let found = knn.nearest(queries.clone(), k, |_| ()).unwrap();
                for (query, found) in queries.rows().zip(&found) {
                    let mut expected: Vec<(f64, usize)> =
                        rows.rows().map(|row| naive(query, row, metric)).zip(0..).collect();
                    expected.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                    prop_assert_eq!(found.len(), k);
                    for (neighbour, (distance, row)) in found.iter().zip(&expected) {
                        let distance_found = f64::from(neighbour.distance);
                        prop_assert!((distance_found - distance).abs() < 1e-5);
                        // Rounding may swap two rows at the same angle.
                        prop_assert!(metric == Metric::Cosine || neighbour.row == *row);
                        let own = naive(query, rows.row(neighbour.row), metric);
                        prop_assert!((own - distance_found).abs() < 1e-5);
                    }
                }
            }
        }
    }

    #[test]
    fn more_queries_than_a_block_keep_their_order() {
        let rows = Matrix::new((0..50).map(|i| i as f32).collect(), 1);
        let queries = Matrix::new((0..1100).map(|i| (i % 50) as f32).collect(), 1);
        let mut counted = 0;
        let knn = Knn::new(rows, Metric::Euclidean);
        let found = knn.nearest(queries, 2, |count| counted += count).unwrap();
        assert_eq!((found.len(), counted), (1100, 1100));
        assert!(found.iter().enumerate().all(|(i, near)| near[0].row == i % 50));
    }

    #[test]
    fn ties_go_to_the_nearer_and_then_to_the_lower_class() {
        let near = |distance, row| Neighbour { distance, row };
        let best = |shares: Vec<f32>| {
            let top = shares.iter().copied().fold(0.0, f32::max);
            assert_eq!(shares.iter().filter(|share| **share == top).count(), 1, "{shares:?}");
            shares.iter().position(|share| *share == top).unwrap()
        };
        let classes = [2, 1, 0, 1, 2];
        // Two votes each for 1 and 2: class 2 has the smaller sum of distances, though 1 has the nearest row.
        let four = [near(0.1, 1), near(0.2, 0), near(0.3, 4), near(0.9, 3)];
        assert_eq!(best(vote(&four, &classes, 3)), 2);
        // Equal distances: the lower index.
        assert_eq!(best(vote(&[near(0.5, 0), near(0.5, 1)], &classes, 3)), 1);
        // Most votes, at any distance.
        assert_eq!(best(vote(&[near(0.1, 2), near(8.0, 0), near(9.0, 4)], &classes, 3)), 2);
        let shares = vote(&four, &classes, 3);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6 && shares[0] == 0.0);
    }

    #[test]
    fn a_picture_and_its_brighter_copy_correlate() {
        let mut rows = Matrix::new(vec![0.1, 0.2, 0.3, 0.9, 0.2, 0.9], 3);
        let mut queries = Matrix::new(vec![0.6, 0.7, 0.8], 3);
        remove_means(&mut rows);
        remove_means(&mut queries);
        let found = Knn::new(rows, Metric::Cosine).nearest(queries, 1, |_| ()).unwrap();
        assert_eq!(found[0][0].row, 0);
        assert!(found[0][0].distance < 1e-6);
    }

    #[test]
    fn bad_arguments_are_named() {
        let rows = Matrix::new(vec![1.0; 6], 2);
        let knn = Knn::new(rows.clone(), Metric::Euclidean);
        let error = |queries, k| knn.nearest(queries, k, |_| ()).unwrap_err();
        assert_eq!(error(rows.clone(), 0), KnnError::ZeroK);
        assert_eq!(error(rows.clone(), 4), KnnError::TooManyNeighbours { k: 4, rows: 3 });
        assert!(error(rows, 4).to_string().contains("only 3 training rows"));
        let wide = Matrix::new(vec![1.0; 3], 3);
        assert_eq!(error(wide, 1), KnnError::Width { training: 2, queries: 3 });
    }
}
