//! `--folds`: division of a dataset for cross-validation, the same for training and evaluation.

use clap::Args;

use emocue_data::dataset::Dataset;
use emocue_data::folds::{Folds, FoldsError};

/// How a dataset is divided for cross-validation.
#[derive(Args, Clone, Copy, Debug)]
pub struct FoldArgs {
    /// Divide all rows into this many folds, with no subject in two folds if subjects are known.
    #[arg(long, value_name = "N")]
    pub folds: Option<usize>,
    /// Only this fold, counted from 1.
    #[arg(long, value_name = "K", requires = "folds", value_parser = clap::value_parser!(u64).range(1..))]
    pub fold: Option<u64>,
    /// Seed of the division; use the same for training and evaluation.
    #[arg(long, value_name = "SEED", requires = "folds", default_value_t = 1)]
    pub fold_seed: u64,
}

impl FoldArgs {
    /// The requested division, if any.
    ///
    /// # Errors
    /// [`FoldsError`] when `data` cannot be divided in this way.
    pub fn divide(&self, data: &Dataset) -> Result<Option<Folds>, FoldsError> {
        self.folds.map(|count| Folds::new(data, count, self.fold_seed)).transpose()
    }

    /// The requested fold, counted from 0.
    pub fn index(&self) -> Option<usize> {
        self.fold.map(|fold| fold as usize - 1)
    }
}
