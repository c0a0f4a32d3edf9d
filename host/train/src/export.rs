//! Export of a training as ONNX graphs with a model description.

use std::path::Path;

use burn::tensor::Device;
use emocue_data::model::metadata::{HEADS, LABELS, PREPROCESS, PRIORS};
use emocue_models::label::LabelSet;
use emocue_quantize::onnx::GraphError;

use crate::checkpoint::{Checkpoint, CheckpointError, TrainingState};
use crate::net::Network;

/// The content of the `.onnx` file of one of `net`'s heads. Its metadata has the classes, the preprocessing, the other
/// heads' label sets and the share of each class in the training targets.
///
/// # Errors
/// [`GraphError`] when there is no such head or the graph would be invalid.
pub fn onnx(state: &TrainingState, net: &Network, head: usize) -> Result<Vec<u8>, GraphError> {
    let model = net.export(head)?;
    let labels = net.labels().get(head).map_or("", |set| set.id);
    // Serializing numbers and strings to JSON cannot fail.
    let preprocess = serde_json::to_string(&state.recipe.preprocess()).unwrap_or_default();
    let heads: Vec<&str> = net.order(head).iter().map(|at| net.labels()[*at].id).collect();
    let heads = serde_json::to_string(&heads).unwrap_or_default();
    let priors = serde_json::to_string(&state.priors).unwrap_or_default();
    let mut entries = vec![(LABELS, labels), (PREPROCESS, preprocess.as_str())];
    if net.labels().len() > 1 {
        entries.push((HEADS, heads.as_str()));
    }
    if !state.priors.is_empty() {
        entries.push((PRIORS, priors.as_str()));
    }
    Ok(model.with_metadata(&entries).to_bytes())
}

/// The current network of a training: of its best epoch if the recipe has a patience, else the last.
#[derive(Debug)]
pub struct TrainedNetwork {
    state: TrainingState,
    net: Network,
}

impl TrainedNetwork {
    /// Loads it from the checkpoint in `folder`.
    ///
    /// # Errors
    /// [`CheckpointError`] when it is missing or damaged.
    pub fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let at = Checkpoint::load(folder, &Device::flex().autodiff())?;
        let net = at.exported(folder, &Device::flex())?;
        Ok(Self { state: at.state, net })
    }

    /// The state of its training.
    pub fn state(&self) -> &TrainingState {
        &self.state
    }

    /// Its heads' label sets.
    pub fn labels(&self) -> &[LabelSet] {
        self.net.labels()
    }

    /// The content of the `.onnx` file of head number `head`.
    ///
    /// # Errors
    /// [`GraphError`] when there is no such head.
    pub fn onnx(&self, head: usize) -> Result<Vec<u8>, GraphError> {
        onnx(&self.state, &self.net, head)
    }
}
