//! A random forest (Breiman 2001) on pixels or on a network's features.
//!
//! The trees are from the crate `rafor`: it sorts only a node's rows by the features tried there, so that a tree for
//! 28,000 rows of 2,304 pixels takes half a second, and all take 560 MB, on two cores. `smartcore` visits every row at
//! every node and keeps an order of all rows for every pixel, 516 MB per tree; `randomforest` counts all rows of a node
//! again at every threshold.

use emocue_models::failure::{Failure, exit};
use rafor::prelude::*;
use rafor::rf::Classifier;

use super::features::Matrix;
use super::threads;

/// `rafor` stores a feature's index in 16 bits.
const MAX_FEATURES: usize = 1 << 16;

/// Settings of a forest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ForestSettings {
    /// Number of trees, at least 1.
    pub trees: usize,
    /// Largest depth of a tree, at least 1; `None` grows trees until leaves are pure.
    pub max_depth: Option<usize>,
    /// Seed of the samples of rows and features.
    pub seed: u64,
}

impl Default for ForestSettings {
    /// The defaults of `emocue baseline forest`.
    fn default() -> Self {
        Self { trees: 100, max_depth: None, seed: 1 }
    }
}

/// A forest cannot be grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForestError {
    /// The number of trees is 0.
    #[error("--trees is 0")]
    NoTrees,
    /// The depth is 0.
    #[error("--max-depth is 0")]
    NoDepth,
    /// There is no training row.
    #[error("there is no training row")]
    NoRows,
    /// There are too many features.
    #[error("{0} features are more than the {MAX_FEATURES} that a forest can tell apart")]
    TooManyFeatures(usize),
}

impl Failure for ForestError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoTrees => "Grow at least one.",
            Self::NoDepth => "Allow at least one question, or leave it out for full trees.",
            Self::NoRows => return None,
            Self::TooManyFeatures(_) => "Use --features pixels-24 or network.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::NoTrees | Self::NoDepth | Self::TooManyFeatures(_) => exit::USAGE,
            Self::NoRows => exit::INPUT,
        }
    }
}

/// A grown forest.
pub struct Forest {
    trees: Classifier,
    classes: usize,
}

impl ForestSettings {
    /// Grows trees on `rows`, whose classes are below `count`, on all cores. Each node tries as many features as the
    /// square root of their number.
    ///
    /// # Errors
    /// [`ForestError`] for an invalid setting or too many features.
    ///
    /// # Panics
    /// When there is not one class for each row, below `count`: a defect of the caller.
    pub fn grow(
        &self,
        rows: &Matrix,
        classes: &[usize],
        count: usize,
    ) -> Result<Forest, ForestError> {
        assert_eq!(rows.len(), classes.len(), "one class a row");
        assert!(classes.iter().all(|class| *class < count), "a class of the set");
        match self {
            Self { trees: 0, .. } => return Err(ForestError::NoTrees),
            Self { max_depth: Some(0), .. } => return Err(ForestError::NoDepth),
            _ if rows.is_empty() => return Err(ForestError::NoRows),
            _ if rows.width() > MAX_FEATURES => {
                return Err(ForestError::TooManyFeatures(rows.width()));
            }
            _ => {}
        }
        let targets: Vec<i64> = classes.iter().map(|class| *class as i64).collect();
        let trees = Classifier::trainer()
            .with_trees(self.trees)
            .with_max_depth(self.max_depth.unwrap_or(usize::MAX))
            .with_seed(self.seed)
            .with_threads(threads())
            .train(rows.values(), &targets);
        Ok(Forest { trees, classes: count })
    }
}

impl Forest {
    /// Probabilities `[rows, classes]`, row-major: the mean of the trees' class shares.
    ///
    /// # Panics
    /// When the rows have another width than those it was grown on: a defect of the caller.
    pub fn probabilities(&self, rows: &Matrix) -> Vec<f32> {
        self.probabilities_on(rows, threads())
    }

    /// As [`Forest::probabilities`], on `threads` threads.
    ///
    /// # Panics
    /// As [`Forest::probabilities`].
    pub fn probabilities_on(&self, rows: &Matrix, threads: usize) -> Vec<f32> {
        assert_eq!(rows.width(), self.trees.num_features(), "features as in training");
        // Only classes that occurred in training, ascending.
        let known = self.trees.get_decode_table();
        let shares = self.trees.proba(rows.values(), threads);
        let mut probabilities = vec![0.0; rows.len() * self.classes];
        let rows = probabilities.chunks_exact_mut(self.classes);
        for (row, shares) in rows.zip(shares.chunks_exact(known.len())) {
            for (class, share) in known.iter().zip(shares) {
                // The order in which threads finish changes the rounding of sums; rounding to 1/65536 makes nearly all
                // results reproducible.
                row[*class as usize] = (share * 65536.0).round() / 65536.0;
            }
        }
        probabilities
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use emocue_data::random::generator;

    const SETTINGS: ForestSettings = ForestSettings { trees: 20, max_depth: None, seed: 1 };

    /// Clusters around three points, of the classes 0, 2 and 3 of four.
    fn clouds(seed: u64) -> (Matrix, Vec<usize>) {
        let mut rng = generator(seed, 0, 0);
        let (mut values, mut classes) = (Vec::new(), Vec::new());
        for row in 0..300 {
            let (class, x, y) = [(0, 0.0, 0.0), (2, 1.0, 0.2), (3, 0.3, 1.0f32)][row % 3];
            let mut near = |centre: f32| centre + rng.random_range(-0.35..0.35f32);
            values.extend([near(x), near(y), near(0.0), near(0.0)]);
            classes.push(class);
        }
        (Matrix::new(values, 4), classes)
    }

    fn accuracy(probabilities: &[f32], classes: &[usize]) -> f32 {
        let top = |row: &[f32]| (0..4).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
        let right = probabilities.chunks_exact(4).zip(classes);
        right.filter(|(row, class)| top(row) == **class).count() as f32 / classes.len() as f32
    }

    #[test]
    fn learns_clouds_and_repeats_itself() {
        let ((rows, classes), (new, truth)) = (clouds(1), clouds(2));
        let answers = |settings: &ForestSettings| {
            settings.grow(&rows, &classes, 4).unwrap().probabilities(&new)
        };
        let full = answers(&SETTINGS);
        assert!(accuracy(&full, &truth) > 0.95);
        assert!(full.chunks_exact(4).all(|row| row[1] == 0.0));
        assert!(full.chunks_exact(4).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-3));
        let shallow = ForestSettings { max_depth: Some(3), ..SETTINGS };
        // The same trees; their votes are added in the order in which threads finish, so that a sum may be rounded to
        // either of two neighbouring multiples of 1/65536.
        let (once, again) = (answers(&shallow), answers(&shallow));
        assert!(once.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1.5 / 65536.0));
        assert_ne!(answers(&shallow), full);
        assert_ne!(answers(&ForestSettings { seed: 2, ..SETTINGS }), full);
    }

    #[test]
    fn one_class_is_learned_as_well() {
        let rows = Matrix::new(vec![1.0, 2.0, 3.0], 1);
        let forest = SETTINGS.grow(&rows, &[1, 1, 1], 2).unwrap();
        assert_eq!(forest.probabilities(&rows), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn bad_settings_are_named() {
        let rows = Matrix::new(vec![1.0, 2.0], 1);
        let error = |settings: ForestSettings| settings.grow(&rows, &[0, 1], 2).err();
        let no_trees = ForestSettings { trees: 0, ..SETTINGS };
        assert_eq!(error(no_trees), Some(ForestError::NoTrees));
        let no_depth = ForestSettings { max_depth: Some(0), ..SETTINGS };
        assert_eq!(error(no_depth), Some(ForestError::NoDepth));
        let none = SETTINGS.grow(&Matrix::new(vec![], 1), &[], 2).err();
        assert_eq!(none, Some(ForestError::NoRows));
        let wide = SETTINGS.grow(&Matrix::new(vec![0.0; 65537], 65537), &[0], 2).err();
        assert_eq!(wide, Some(ForestError::TooManyFeatures(65537)));
    }
}
