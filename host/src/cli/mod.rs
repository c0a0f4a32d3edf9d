//! The verbs, one file each: arguments and what they do.

pub mod baseline;
pub mod bundle;
pub mod data;
pub mod eval;
pub mod export;
pub mod folds;
pub mod gather;
pub mod import;
pub mod infer;
mod judge;
pub mod plan;
pub mod report;
pub mod train;
mod train_view;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::data::dataset::Dataset;
use crate::data::{DataError, fer2013, ferplus};

/// Where FER2013 and FER+ lie.
#[derive(Args, Debug)]
pub struct FerArgs {
    /// fer2013.csv, plain or gzipped, in Kaggle's layout.
    #[arg(long, value_name = "CSV")]
    pub fer2013: PathBuf,
    /// fer2013new.csv, the FER+ votes for the same rows.
    #[arg(long, value_name = "CSV")]
    pub ferplus: PathBuf,
}

impl FerArgs {
    /// Reads both.
    ///
    /// # Errors
    /// [`DataError`] naming file and row.
    pub fn read(&self) -> Result<Dataset, DataError> {
        ferplus::read(&self.ferplus, fer2013::read(&self.fer2013)?)
    }
}

/// Creates a folder that results go to.
fn create_dir(path: &Path) -> Result<(), String> {
    std::fs::create_dir_all(path)
        .map_err(|error| format!("cannot create the folder {}: {error}", path.display()))
}
