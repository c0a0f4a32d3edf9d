//! The checkpoint of a detector's training; see [`crate::checkpoint`] for the file.

use std::path::Path;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, Device};
use serde::{Deserialize, Serialize};

use super::net::FaceNet;
use super::recipe::FaceRecipe;
use super::scene::EmptyScene;
use super::validate::FaceMetrics;
use crate::checkpoint::{CheckpointError, FILE, file, record};
use crate::net::drawing;
use crate::{build, ema};

/// The state of a training without its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceState {
    /// Settings; a resumed training cannot change them.
    pub recipe: FaceRecipe,
    /// Seed of frames and initial weights.
    pub seed: u64,
    /// Hash of the pictures; a resumed training must use the same.
    pub fingerprint: String,
    /// Frames seen.
    pub frames: usize,
    /// Hard negatives: frames without a face in which the network detected one, the oldest first.
    pub hard: Vec<EmptyScene>,
    /// Results of validations of the averaged weights.
    pub metrics: Vec<FaceMetrics>,
}

/// Everything that resuming a training needs.
pub struct FaceCheckpoint {
    /// The state without weights.
    pub state: FaceState,
    /// The weights being trained.
    pub net: FaceNet,
    /// The averaged weights.
    pub average: FaceNet,
    /// The initial weights, if the recipe averages them into the export
    /// ([`FaceNetSpec::keep`](super::net::FaceNetSpec::keep)).
    pub first: Option<FaceNet>,
    /// The optimiser with its moments.
    pub optimizer: ModuleOptimizer,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// JSON; see [`record::state`].
    state: String,
    net: Vec<u8>,
    average: Vec<u8>,
    optimizer: Vec<u8>,
}

/// The initial weights, encoded; they follow the content if the recipe keeps a share of them.
type First = Vec<u8>;

impl FaceCheckpoint {
    /// A fresh start with weights drawn from `seed`.
    pub fn begin(recipe: FaceRecipe, seed: u64, fingerprint: String, device: &Device) -> Self {
        let guard = drawing();
        device.seed(seed);
        let net = FaceNet::new(&recipe.net, device);
        // This reads every weight, and burn draws a weight when it is first read.
        let average = net.valid();
        drop(guard);
        let optimizer = build::optimizer(&recipe.optimizer);
        let (hard, metrics) = (Vec::new(), Vec::new());
        let first = (recipe.net.keep > 0.0).then(|| average.clone());
        let state = FaceState { recipe, seed, fingerprint, frames: 0, hard, metrics };
        Self { state, net, average, first, optimizer }
    }

    /// The same, starting from the weights of `net`.
    #[must_use]
    pub fn begun_with(mut self, net: FaceNet) -> Self {
        self.average = net.valid();
        self.first = self.first.map(|_| self.average.clone());
        Self { net, ..self }
    }

    /// The weights that are exported: a weighted mean of the averaged and the initial ones.
    pub fn exported(&self) -> FaceNet {
        let keep = self.state.recipe.net.keep;
        match &self.first {
            Some(first) => ema::update(first.clone(), &self.average, keep),
            None => self.average.clone(),
        }
    }

    /// Writes `dir/checkpoint.bin`; the old one is kept as the previous one.
    ///
    /// # Errors
    /// [`CheckpointError::Write`]; the old checkpoint is then unchanged.
    pub fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        let path = dir.join(FILE);
        let content = |what: String| CheckpointError::Content(path.clone(), what);
        let stored = Stored {
            state: serde_json::to_string(&self.state).map_err(|e| content(e.to_string()))?,
            net: record::weights(self.net.valid()).map_err(content)?,
            average: record::weights(self.average.clone()).map_err(content)?,
            optimizer: record::moments(&self.optimizer).map_err(content)?,
        };
        let mut bytes = postcard::to_stdvec(&stored).map_err(|e| content(e.to_string()))?;
        if let Some(first) = &self.first {
            let first: First = record::weights(first.clone()).map_err(content)?;
            bytes.extend(postcard::to_stdvec(&first).map_err(|e| content(e.to_string()))?);
        }
        file::write(dir, &bytes, |before| {
            record::state::<FaceState>(&path, before).is_ok_and(|before| {
                before.recipe == self.state.recipe
                    && before.seed == self.state.seed
                    && before.fingerprint == self.state.fingerprint
            })
        })
    }

    /// Reads `dir/checkpoint.bin`; the net trains on `device`. If it is damaged, reads the previous checkpoint and also
    /// returns the error of the newest.
    ///
    /// # Errors
    /// [`CheckpointError`] when neither can be used.
    pub fn resume(
        dir: &Path,
        device: &Device,
    ) -> Result<(Self, Option<CheckpointError>), CheckpointError> {
        file::newest(dir, |path, bytes| Self::of_content(path, bytes, device))
    }

    fn of_content(path: &Path, bytes: &[u8], device: &Device) -> Result<Self, CheckpointError> {
        let content = |what: String| CheckpointError::Content(path.to_owned(), what);
        let (stored, rest) =
            postcard::take_from_bytes::<Stored>(bytes).map_err(|e| content(e.to_string()))?;
        let state: FaceState =
            serde_json::from_str(&stored.state).map_err(|e| content(e.to_string()))?;
        let net = |bytes: Vec<u8>, device: &Device| {
            let fresh = || FaceNet::new(&state.recipe.net, device);
            record::module(fresh, bytes).map_err(content)
        };
        let average = net(stored.average, &device.clone().inner())?;
        let first = match rest {
            [] => None,
            rest => {
                let first: First =
                    postcard::from_bytes(rest).map_err(|e| content(e.to_string()))?;
                Some(net(first, &device.clone().inner())?)
            }
        };
        let net = net(stored.net, device)?;
        let optimizer = build::optimizer(&state.recipe.optimizer)
            .from_bytes(Bytes::from_bytes_vec(stored.optimizer))
            .map_err(|error| content(error.to_string()))?;
        Ok(Self { state, net, average, first, optimizer })
    }
}

impl FaceState {
    /// Reads the state of the training in `dir`.
    ///
    /// # Errors
    /// [`CheckpointError`] when no checkpoint there can be used.
    pub fn peek(dir: &Path) -> Result<Self, CheckpointError> {
        file::newest(dir, record::state).map(|(state, _)| state)
    }
}
