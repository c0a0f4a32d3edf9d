//! A detector's training in one file; see [`crate::checkpoint`] for how it is kept.

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

/// Where a training stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceState {
    /// Settings; a resumed training cannot change them.
    pub recipe: FaceRecipe,
    /// Of frames and first weights.
    pub seed: u64,
    /// Of the pictures; a resumed training must see the same.
    pub fingerprint: String,
    /// Frames seen.
    pub frames: usize,
    /// Frames without a face in which the network saw one, the oldest first.
    pub hard: Vec<EmptyScene>,
    /// Looks at the averaged weights.
    pub metrics: Vec<FaceMetrics>,
}

/// Everything a training needs to continue.
pub struct FaceCheckpoint {
    /// Where it stands.
    pub state: FaceState,
    /// The weights that train.
    pub net: FaceNet,
    /// The averaged weights.
    pub average: FaceNet,
    /// The first weights, where some of them are kept.
    pub first: Option<FaceNet>,
    /// Its moments.
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

/// What follows it where first weights are kept.
type First = Vec<u8>;

impl FaceCheckpoint {
    /// A fresh start with weights drawn from `seed`.
    pub fn begin(recipe: FaceRecipe, seed: u64, fingerprint: String, device: &Device) -> Self {
        let guard = drawing();
        device.seed(seed);
        let net = FaceNet::new(&recipe.net, device);
        // Reads, and so draws, every weight.
        let average = net.valid();
        drop(guard);
        let optimizer = build::optimizer(&recipe.optimizer);
        let (hard, metrics) = (Vec::new(), Vec::new());
        let first = (recipe.net.keep > 0.0).then(|| average.clone());
        let state = FaceState { recipe, seed, fingerprint, frames: 0, hard, metrics };
        Self { state, net, average, first, optimizer }
    }

    /// The same, beginning with the weights of `net`.
    #[must_use]
    pub fn begun_with(mut self, net: FaceNet) -> Self {
        self.average = net.valid();
        self.first = self.first.map(|_| self.average.clone());
        Self { net, ..self }
    }

    /// The weights that are exported: the averaged ones, and the share of the first ones that is kept.
    pub fn exported(&self) -> FaceNet {
        let keep = self.state.recipe.net.keep;
        match &self.first {
            Some(first) => ema::update(first.clone(), &self.average, keep),
            None => self.average.clone(),
        }
    }

    /// Writes `dir/checkpoint.bin`; the one that was there is kept.
    ///
    /// # Errors
    /// [`CheckpointError::Write`]; the previous checkpoint then still stands.
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

    /// Reads `dir/checkpoint.bin`, or where that is damaged the one before it, and then says why; the net trains on
    /// `device`.
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
    /// Where the training in `dir` stands.
    ///
    /// # Errors
    /// [`CheckpointError`] when no checkpoint there can be used.
    pub fn peek(dir: &Path) -> Result<Self, CheckpointError> {
        file::newest(dir, record::state).map(|(state, _)| state)
    }
}
