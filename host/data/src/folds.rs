//! Cross-validation: every row is a test row once, and no person is in both training and test rows.

use std::collections::HashMap;

use emocue_models::failure::{Failure, exit};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::Split;
use super::dataset::Dataset;

/// Allowed numbers of folds; with fewer than three, nothing would be left to train on.
pub const FOLDS: std::ops::RangeInclusive<usize> = 3..=100;

/// A dataset cannot be divided into these folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldsError {
    /// The number of folds is out of range.
    #[error("{0} folds, expected 3 to 100: one tests, one chooses, the others train")]
    Count(usize),
    /// There are fewer groups than folds.
    #[error("{groups} groups of rows do not fill {folds} folds")]
    TooFewGroups {
        /// Groups that must stay together.
        groups: usize,
        /// The requested number of folds.
        folds: usize,
    },
    /// The fold does not exist.
    #[error("there is no fold {}: {folds} folds are counted from 1", fold + 1)]
    Fold {
        /// The requested fold.
        fold: usize,
        /// Number of folds.
        folds: usize,
    },
}

impl Failure for FoldsError {
    fn help(&self) -> Option<String> {
        match self {
            Self::TooFewGroups { groups, .. } => Some(format!(
                "Rows of one subject stay together, and so do identical pictures: ask for at most {groups} folds."
            )),
            Self::Count(_) | Self::Fold { .. } => None,
        }
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}

/// The fold in which each row of a dataset is a test row. The same dataset, count and seed give the same folds.
///
/// Rows of one [`super::dataset::Row::subject`] share a fold (Kohavi 1995 assumes independent examples, which pictures
/// of one person are not), and so do rows with identical pixels. Subject to that, every class is spread as evenly as
/// possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folds {
    count: usize,
    seed: u64,
    fold_of: Vec<usize>,
}

impl Folds {
    /// Divides `data` into `count` folds; `seed` breaks ties.
    ///
    /// # Errors
    /// [`FoldsError`] when the count is out of range or there are fewer groups than folds.
    pub fn new(data: &Dataset, count: usize, seed: u64) -> Result<Self, FoldsError> {
        if !FOLDS.contains(&count) {
            return Err(FoldsError::Count(count));
        }
        let mut groups = groups(data);
        if groups.len() < count {
            return Err(FoldsError::TooFewGroups { groups: groups.len(), folds: count });
        }
        // Large groups first, since later groups can still balance them; the seed orders groups of equal size.
        groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));

        let classes = data.labels().len();
        let mut totals = vec![0.0_f64; classes];
        (0..data.len()).for_each(|row| totals[data.label(row)] += 1.0);
        let mut filled = vec![Fill { classes: vec![0.0; classes], rows: 0 }; count];
        let mut fold_of = vec![0; data.len()];
        let (mut empty, mut left) = (count, groups.len());
        for group in groups {
            let mut adds = vec![0.0_f64; classes];
            group.iter().for_each(|row| adds[data.label(*row)] += 1.0);
            // When only as many groups are left as folds are empty, each of those gets one.
            let must_fill = left == empty;
            let best = (0..count)
                .filter(|fold| !must_fill || filled[*fold].rows == 0)
                .min_by(|a, b| {
                    filled[*a]
                        .cost(&adds, &totals)
                        .total_cmp(&filled[*b].cost(&adds, &totals))
                        .then(filled[*a].rows.cmp(&filled[*b].rows))
                })
                .unwrap_or(0);
            let fold = &mut filled[best];
            empty -= usize::from(fold.rows == 0);
            left -= 1;
            fold.rows += group.len();
            fold.classes.iter_mut().zip(&adds).for_each(|(has, more)| *has += more);
            group.into_iter().for_each(|row| fold_of[row] = best);
        }
        Ok(Self { count, seed, fold_of })
    }

    /// Number of folds.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The seed that broke ties.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The fold in which `row` is a test row, `0..count`.
    pub fn fold_of(&self, row: usize) -> usize {
        self.fold_of[row]
    }

    /// The test rows of fold `fold`, ascending.
    pub fn rows(&self, fold: usize) -> Vec<usize> {
        (0..self.fold_of.len()).filter(|row| self.fold_of[*row] == fold).collect()
    }
}

impl Dataset {
    /// The same rows for fold `fold` of `folds`, counted from 0: its rows are for testing (PrivateTest), those of the
    /// next fold for validation (PublicTest), all others for training.
    ///
    /// # Errors
    /// [`FoldsError::Fold`] when there is no such fold.
    ///
    /// # Panics
    /// When the folds were made for another dataset.
    pub fn with_fold(self, folds: &Folds, fold: usize) -> Result<Self, FoldsError> {
        if fold >= folds.count {
            return Err(FoldsError::Fold { fold, folds: folds.count });
        }
        let next = (fold + 1) % folds.count;
        let split = |tests: &usize| match *tests {
            tests if tests == fold => Split::PrivateTest,
            tests if tests == next => Split::PublicTest,
            _ => Split::Training,
        };
        let splits: Vec<Split> = folds.fold_of.iter().map(split).collect();
        Ok(self.with_splits(&splits))
    }
}

/// The rows that a fold has so far.
#[derive(Clone)]
struct Fill {
    /// Rows of each class.
    classes: Vec<f64>,
    rows: usize,
}

impl Fill {
    /// The increase of imbalance when rows are added: the growth of the sum of squared shares, which is smallest when
    /// all folds have the same share of every class.
    fn cost(&self, adds: &[f64], totals: &[f64]) -> f64 {
        let growth = |((has, more), total): ((&f64, &f64), &f64)| {
            if *more > 0.0 { (2.0 * has + more) * more / (total * total) } else { 0.0 }
        };
        self.classes.iter().zip(adds).zip(totals).map(growth).sum()
    }
}

/// Rows that must share a fold, in the order of their first rows.
fn groups(data: &Dataset) -> Vec<Vec<usize>> {
    // Each row points to an earlier one of its group, the first to itself.
    let mut leader: Vec<usize> = (0..data.len()).collect();
    let mut subjects: HashMap<&str, usize> = HashMap::new();
    for row in 0..data.len() {
        if let Some(subject) = data.row(row).subject.as_deref() {
            let first = *subjects.entry(subject).or_insert(row);
            join(&mut leader, first, row);
        }
    }
    for same in data.duplicates() {
        same.iter().for_each(|row| join(&mut leader, same[0], *row));
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); data.len()];
    for row in 0..data.len() {
        groups[find(&mut leader, row)].push(row);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn join(leader: &mut [usize], a: usize, b: usize) {
    let (a, b) = (find(leader, a), find(leader, b));
    leader[a.max(b)] = a.min(b);
}

fn find(leader: &mut [usize], row: usize) -> usize {
    let mut at = row;
    while leader[at] != at {
        leader[at] = leader[leader[at]]; // halves the way for the next one
        at = leader[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use emocue_models::label::FER_7;
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::Row;

    /// Rows of (label, subject, picture); subject 0 is unknown.
    fn dataset(rows: &[(usize, usize, u16)]) -> Dataset {
        let mut data = Dataset::new("test", FER_7, 2);
        for (label, subject, picture) in rows {
            let subject = (*subject > 0).then(|| format!("s{subject}"));
            let origin = String::new();
            let [a, b] = picture.to_le_bytes();
            data.push(
                Row { split: Split::Training, label: *label, subject, origin },
                &[a, b, 0, 0],
            );
        }
        data
    }

    fn counts(data: &Dataset, folds: &Folds, fold: usize) -> [usize; 7] {
        let mut counts = [0; 7];
        folds.rows(fold).into_iter().for_each(|row| counts[data.label(row)] += 1);
        counts
    }

    #[test]
    fn one_tests_one_chooses_the_rest_trains() {
        let rows: Vec<_> = (0..40).map(|row| (row % 4, 0, row as u16)).collect();
        let data = dataset(&rows);
        let folds = Folds::new(&data, 5, 1).unwrap();
        let data = data.with_fold(&folds, 4).unwrap();
        assert_eq!(data.rows(Split::PrivateTest), folds.rows(4));
        assert_eq!(data.rows(Split::PublicTest), folds.rows(0));
        assert_eq!(data.rows(Split::Training).len(), 24);
        assert_eq!(data.with_fold(&folds, 5).unwrap_err(), FoldsError::Fold { fold: 5, folds: 5 });
    }

    #[test]
    fn refuses_what_cannot_be_divided() {
        let data = dataset(&[(0, 1, 0), (1, 1, 1), (0, 2, 2), (1, 0, 3)]);
        assert_eq!(Folds::new(&data, 2, 1).unwrap_err(), FoldsError::Count(2));
        let error = Folds::new(&data, 4, 1).unwrap_err();
        assert_eq!(error, FoldsError::TooFewGroups { groups: 3, folds: 4 });
        assert!(crate::fixture::reported(error).contains("at most 3"), "{error}");
        let folds = Folds::new(&data, 3, 1).unwrap();
        assert!((0..3).all(|fold| !folds.rows(fold).is_empty()));
    }

    proptest! {
        #[test]
        fn nobody_and_no_picture_is_in_two_folds(
            rows in prop::collection::vec((0..7usize, 0..12usize, 0..200u16), 3..120),
            count in 3..8usize, seed: u64,
        ) {
            let data = dataset(&rows);
            let Ok(folds) = Folds::new(&data, count, seed) else { return Ok(()) };
            prop_assert_eq!(&folds, &Folds::new(&data, count, seed).unwrap());
            let mut seen = vec![0; rows.len()];
            for fold in 0..count {
                prop_assert!(!folds.rows(fold).is_empty());
                folds.rows(fold).into_iter().for_each(|row| seen[row] += 1);
            }
            prop_assert!(seen.iter().all(|times| *times == 1));
            for (key, unknown) in [(1, true), (2, false)] {
                let mut pairs = HashSet::new();
                for (row, (_, subject, picture)) in rows.iter().enumerate() {
                    let value = if key == 1 { *subject } else { usize::from(*picture) };
                    if !(unknown && value == 0) {
                        pairs.insert((value, folds.fold_of(row)));
                    }
                }
                let values: HashSet<usize> = pairs.iter().map(|(value, _)| *value).collect();
                prop_assert_eq!(values.len(), pairs.len());
            }
        }

        #[test]
        fn without_subjects_every_class_is_spread_evenly(
            labels in prop::collection::vec(0..7usize, 20..200), count in 3..8usize, seed: u64,
        ) {
            let rows: Vec<_> = labels.iter().enumerate().map(|(i, l)| (*l, 0, i as u16)).collect();
            let data = dataset(&rows);
            let folds = Folds::new(&data, count, seed).unwrap();
            let counts: Vec<_> = (0..count).map(|fold| counts(&data, &folds, fold)).collect();
            for class in 0..7 {
                let of = || counts.iter().map(|counts| counts[class]);
                prop_assert!(of().max().unwrap() - of().min().unwrap() <= 1, "{:?}", counts);
            }
        }
    }
}
