//! What leaves a training: ONNX graphs that say what they are.

use std::path::Path;

use burn::tensor::Device;
use emocue_data::model::metadata::{LABELS, PREPROCESS};
use emocue_models::label::LabelSet;
use emocue_quantize::onnx::GraphError;

use crate::checkpoint::{Checkpoint, CheckpointError, TrainingState};
use crate::net::Network;
use crate::recipe::Recipe;

/// The content of the `.onnx` file of one of `net`'s heads, with its classes and the preprocessing that
/// `recipe` trained it for.
///
/// # Errors
/// [`GraphError`] when there is no such head or the graph would be wrong.
pub fn onnx(recipe: &Recipe, net: &Network, head: usize) -> Result<Vec<u8>, GraphError> {
    let model = net.export(head)?;
    let labels = net.labels().get(head).map_or("", |set| set.id);
    // A struct of numbers always becomes JSON.
    let preprocess = serde_json::to_string(&recipe.preprocess()).unwrap_or_default();
    Ok(model.with_metadata(&[(LABELS, labels), (PREPROCESS, &preprocess)]).to_bytes())
}

/// The network that a training has so far: of its best epoch where the recipe has a patience, else the last.
#[derive(Debug)]
pub struct TrainedNetwork {
    state: TrainingState,
    net: Network,
}

impl TrainedNetwork {
    /// From the checkpoint in `folder`.
    ///
    /// # Errors
    /// [`CheckpointError`] when it is missing or damaged.
    pub fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let at = Checkpoint::load(folder, &Device::flex().autodiff())?;
        let net = at.exported(folder, &Device::flex())?;
        Ok(Self { state: at.state, net })
    }

    /// Where its training stands.
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
        onnx(&self.state.recipe, &self.net, head)
    }
}
