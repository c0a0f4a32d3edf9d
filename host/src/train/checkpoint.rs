//! A training's whole state in one file, replaced by rename, so that a cut leaves the old or the new.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Device};
use serde::{Deserialize, Serialize};

use super::HEADS;
use super::recipe::Recipe;
use crate::files::write_atomically;
use crate::net::Network;

const MAGIC: [u8; 8] = *b"EMOTRN\0\x02";

/// File name inside a run's folder.
pub const FILE: &str = "checkpoint.bin";

/// What one epoch achieved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counts from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f32,
    /// The last step's learning rate.
    pub learning_rate: f64,
    /// Accuracy by plurality on FER+ PublicTest with the averaged weights, `0..=1`, in burn.
    pub ferplus_public: f32,
    /// Accuracy on FER2013 PublicTest with the averaged weights, `0..=1`, in burn.
    pub fer_public: f32,
    /// Wall time of this epoch in this process, s.
    pub seconds: f32,
}

/// Where a training stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Settings; a resumed training cannot change them.
    #[serde(with = "as_toml")]
    pub recipe: Recipe,
    /// Seed of order, augmentation, dropout and first weights.
    pub seed: u64,
    /// Training examples; a resumed training must see the same.
    pub examples: usize,
    /// Optimiser steps done.
    pub step: usize,
    /// Sum of the losses of the steps done in the current epoch.
    pub epoch_loss: f64,
    /// Finished epochs.
    pub metrics: Vec<EpochMetrics>,
}

/// Everything a training needs to go on.
pub struct Checkpoint {
    /// Where it stands.
    pub state: State,
    /// The weights that train.
    pub net: Network,
    /// The averaged weights, which are exported.
    pub average: Network,
    /// Momentum.
    pub optimizer: ModuleOptimizer,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    state: State,
    net: Vec<u8>,
    average: Vec<u8>,
    optimizer: Vec<u8>,
}

/// A recipe's text: postcard cannot read a table whose `kind` tells its other keys.
mod as_toml {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Recipe;

    pub(super) fn serialize<S: Serializer>(recipe: &Recipe, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&toml::to_string(recipe).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Recipe, D::Error> {
        toml::from_str(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system refuses.
    #[error("checkpoint {path}: {source}\n  Check that the folder exists, is writable and has space.", path = .0.display(), source = .1)]
    Io(PathBuf, std::io::Error),
    /// The content is damaged or of another version.
    #[error("checkpoint {path} cannot be used: {what}\n  Start again without --resume, or restore the file.", path = .0.display(), what = .1)]
    Content(PathBuf, String),
}

impl Checkpoint {
    /// Writes `dir/checkpoint.bin`: a temporary file, fsync, rename.
    ///
    /// # Errors
    /// [`CheckpointError::Io`]; the previous checkpoint then still stands.
    pub fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        let path = dir.join(FILE);
        let content = |what: String| CheckpointError::Content(path.clone(), what);
        let record = |bytes: Result<Bytes, RecordError>| match bytes {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(error) => Err(content(error.to_string())),
        };
        let stored = Stored {
            state: self.state.clone(),
            net: record(self.net.valid().into_record().into_bytes())?,
            average: record(self.average.clone().into_record().into_bytes())?,
            optimizer: record(self.optimizer.into_bytes())?,
        };
        let bytes = postcard::to_extend(&stored, MAGIC.to_vec())
            .map_err(|error| content(error.to_string()))?;
        write_atomically(&path, &bytes).map_err(|source| CheckpointError::Io(path.clone(), source))
    }

    /// Reads `dir/checkpoint.bin`; the net trains on `device`.
    ///
    /// # Errors
    /// [`CheckpointError`] when the file is missing, damaged or of another version.
    pub fn load(
        dir: &Path,
        device: &Device,
        optimizer: impl FnOnce(&Recipe) -> ModuleOptimizer,
    ) -> Result<Self, CheckpointError> {
        let path = dir.join(FILE);
        let bytes = std::fs::read(&path).map_err(|e| CheckpointError::Io(path.clone(), e))?;
        let content = |what: String| CheckpointError::Content(path.clone(), what);
        let body = bytes
            .strip_prefix(&MAGIC)
            .ok_or_else(|| content("it does not begin like a checkpoint of this version".into()))?;
        let stored: Stored = postcard::from_bytes(body).map_err(|e| content(e.to_string()))?;
        let load = |bytes: Vec<u8>, device: &Device| {
            ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))
                .and_then(|record| {
                    Network::new(&stored.state.recipe.net, &HEADS, device).try_load_record(record)
                })
                .map_err(|error| content(error.to_string()))
        };
        let net = load(stored.net, device)?;
        let average = load(stored.average, &device.clone().inner())?;
        let optimizer = optimizer(&stored.state.recipe)
            .from_bytes(Bytes::from_bytes_vec(stored.optimizer))
            .map_err(|error| content(error.to_string()))?;
        Ok(Self { state: stored.state, net, average, optimizer })
    }
}
