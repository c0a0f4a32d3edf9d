//! What leaves a training: ONNX graphs that say what they are.

use crate::net::Network;
use emocue_data::model::metadata::{LABELS, PREPROCESS};
use emocue_quantize::onnx::GraphError;

use super::recipe::Recipe;

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
