//! A training's whole state in one file. It is replaced by a rename, so that an interrupted write leaves the old file
//! or the new one. Its content is hashed, so that a damaged file is refused, and the previous checkpoint is kept.

pub(crate) mod file;
pub(crate) mod record;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, Device};
use serde::{Deserialize, Serialize};

use crate::build;
use crate::net::Network;
use crate::recipe::{Recipe, Schedule};
use crate::schedule::exhausted;
use emocue_models::failure::{Failure, exit};

pub use file::{FILE, PREVIOUS};

/// The metrics of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counts from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f32,
    /// Accuracy of the first head on the augmented training pictures, `0..=1`.
    pub accuracy: f32,
    /// The last step's learning rate.
    pub learning_rate: f64,
    /// Accuracy `0..=1` of every head on PublicTest with the averaged weights, in burn, by label set.
    pub validation: BTreeMap<String, f32>,
    /// Wall time of this epoch in this process, s.
    pub seconds: f32,
}

/// The state of a training without its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// Settings; a resumed training cannot change them.
    pub recipe: Recipe,
    /// Seed of order, augmentation, dropout and initial weights.
    pub seed: u64,
    /// Hash of the training examples; a resumed training must use the same.
    pub fingerprint: String,
    /// Optimiser steps done.
    pub step: usize,
    /// Sum of the losses of the examples seen in the current epoch.
    pub epoch_loss: f64,
    /// Examples of the current epoch that the first head classified correctly.
    pub epoch_right: usize,
    /// Finished epochs.
    pub metrics: Vec<EpochMetrics>,
    /// Share of each class in the targets of every head, by label set; empty in checkpoints of earlier programs.
    #[serde(default)]
    pub priors: BTreeMap<String, Vec<f32>>,
}

impl TrainingState {
    /// Reads the state of the training in `dir`, without its weights, from the newest checkpoint, or from the previous
    /// one if that is damaged; `None` without a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError`] when the file cannot be read, is damaged or of another version.
    pub fn peek(dir: &Path) -> Result<Option<Self>, CheckpointError> {
        match file::newest(dir, record::state) {
            Ok((state, _)) => Ok(Some(state)),
            Err(CheckpointError::Read(_, error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether both belong to the same training.
    fn is_of_training(&self, other: &Self) -> bool {
        self.recipe == other.recipe
            && self.seed == other.seed
            && self.fingerprint == other.fingerprint
    }

    /// The validation score of every finished epoch, `0..=1`, higher is better: the first head's accuracy.
    ///
    /// Without validation rows it is the accuracy on the training rows.
    pub fn scores(&self) -> Vec<f32> {
        let first = self.recipe.heads.first();
        let score = |metrics: &EpochMetrics| {
            let validation = first.and_then(|head| metrics.validation.get(&head.labels));
            validation.copied().unwrap_or(metrics.accuracy)
        };
        self.metrics.iter().map(score).collect()
    }

    /// Whether the training is complete: all epochs are done, or the recipe's patience is exhausted.
    pub fn finished(&self) -> bool {
        let Schedule { epochs, patience, .. } = self.recipe.schedule;
        self.metrics.len() >= epochs || exhausted(&self.scores(), patience)
    }
}

/// Everything that resuming a training needs.
pub struct Checkpoint {
    /// The state without weights.
    pub state: TrainingState,
    /// The weights being trained.
    pub net: Network,
    /// The averaged weights, which are exported.
    pub average: Network,
    /// The averaged weights of the best epoch, encoded, if the recipe has a patience.
    pub best: Option<Vec<u8>>,
    /// The optimiser with its moments.
    pub optimizer: ModuleOptimizer,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// JSON; see [`record::state`].
    state: String,
    net: Vec<u8>,
    average: Vec<u8>,
    best: Option<Vec<u8>>,
    optimizer: Vec<u8>,
}

/// A checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system refuses to read it.
    #[error("cannot read the checkpoint {path}: {source}", path = .0.display(), source = .1)]
    Read(PathBuf, std::io::Error),
    /// The file system refuses to write it.
    #[error("cannot write the checkpoint {path}: {source}", path = .0.display(), source = .1)]
    Write(PathBuf, std::io::Error),
    /// The content is damaged or of another version.
    #[error("checkpoint {path} cannot be used: {what}", path = .0.display(), what = .1)]
    Content(PathBuf, String),
}

impl Failure for CheckpointError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Read(..) => "Name the --run folder of a training that has begun.",
            Self::Write(..) => "Check that the folder exists, is writable and has space.",
            Self::Content(..) => {
                "Resume it: `emocue train --resume` continues from the checkpoint before it, where there is one. Else restore the file, or start again with --overwrite instead of --resume."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Read(..) | Self::Content(..) => exit::INPUT,
            Self::Write(..) => exit::FOLDER,
        }
    }
}

impl Checkpoint {
    /// Writes `dir/checkpoint.bin` through a temporary file, fsync and rename. The checkpoint before it becomes
    /// `dir/checkpoint.previous.bin`.
    ///
    /// # Errors
    /// [`CheckpointError::Write`]; the checkpoint before it is then unchanged.
    pub fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        let path = dir.join(FILE);
        let content = |what: String| CheckpointError::Content(path.clone(), what);
        let stored = Stored {
            state: serde_json::to_string(&self.state).map_err(|e| content(e.to_string()))?,
            net: record::weights(self.net.valid()).map_err(content)?,
            average: record::weights(self.average.clone()).map_err(content)?,
            best: self.best.clone(),
            optimizer: record::moments(&self.optimizer).map_err(content)?,
        };
        let bytes = postcard::to_stdvec(&stored).map_err(|error| content(error.to_string()))?;
        file::write(dir, &bytes, |before| {
            let before = record::state::<TrainingState>(&path, before);
            before.is_ok_and(|before| before.is_of_training(&self.state))
        })
    }

    /// Reads `dir/checkpoint.bin`; the net trains on `device`.
    ///
    /// # Errors
    /// [`CheckpointError`] when the file is missing, damaged or of another version.
    pub fn load(dir: &Path, device: &Device) -> Result<Self, CheckpointError> {
        let path = dir.join(FILE);
        Self::of_content(&path, file::content(&path, &file::read(&path)?)?, device)
    }

    /// Reads `dir/checkpoint.bin` as [`Checkpoint::load`] does. If it is damaged, reads the previous checkpoint and
    /// also returns the error of the newest.
    ///
    /// # Errors
    /// [`CheckpointError`] when neither can be used.
    pub fn resume(
        dir: &Path,
        device: &Device,
    ) -> Result<(Self, Option<CheckpointError>), CheckpointError> {
        file::newest(dir, |path, content| Self::of_content(path, content, device))
    }

    fn of_content(path: &Path, bytes: &[u8], device: &Device) -> Result<Self, CheckpointError> {
        let content = |what: String| CheckpointError::Content(path.to_owned(), what);
        let stored: Stored =
            postcard::from_bytes(bytes).map_err(|error| content(error.to_string()))?;
        let state: TrainingState =
            serde_json::from_str(&stored.state).map_err(|e| content(e.to_string()))?;
        let recipe = &state.recipe;
        recipe.check("inside").map_err(|error| content(error.to_string()))?;
        let net = from_bytes(recipe, stored.net, device).map_err(content)?;
        let inner = device.clone().inner();
        let average = from_bytes(recipe, stored.average, &inner).map_err(content)?;
        let optimizer = build::optimizer(&recipe.optimizer)
            .from_bytes(Bytes::from_bytes_vec(stored.optimizer))
            .map_err(|error| content(error.to_string()))?;
        Ok(Self { state, net, average, best: stored.best, optimizer })
    }

    /// The validation score of every finished epoch (see [`TrainingState::scores`]).
    pub fn scores(&self) -> Vec<f32> {
        self.state.scores()
    }

    /// The weights to export: the best epoch's if the recipe has a patience, else the last averaged weights.
    ///
    /// # Errors
    /// [`CheckpointError::Content`], naming `dir`, when the best weights are damaged.
    pub fn exported(&self, dir: &Path, device: &Device) -> Result<Network, CheckpointError> {
        let Some(best) = &self.best else { return Ok(self.average.clone()) };
        from_bytes(&self.state.recipe, best.clone(), device)
            .map_err(|what| CheckpointError::Content(dir.join(FILE), what))
    }

    /// Stores the averaged weights as the best.
    ///
    /// # Errors
    /// [`CheckpointError::Content`] when they cannot be encoded.
    pub fn keep_best(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        let bytes = record::weights(self.average.clone());
        self.best = Some(bytes.map_err(|e| CheckpointError::Content(dir.join(FILE), e))?);
        Ok(())
    }
}

fn from_bytes(recipe: &Recipe, bytes: Vec<u8>, device: &Device) -> Result<Network, String> {
    record::module(|| build::network(recipe, device), bytes)
}
