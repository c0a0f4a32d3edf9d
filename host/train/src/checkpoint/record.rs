//! Encoding of weights and states in a checkpoint.

use std::path::Path;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::de::DeserializeOwned;

use super::CheckpointError;
use crate::net::drawing;

/// Encodes the weights of `module`.
///
/// # Errors
/// burn's message when it cannot encode them.
pub(crate) fn weights<M: Module>(module: M) -> Result<Vec<u8>, String> {
    let bytes = module.into_record().into_bytes().map_err(|error| error.to_string())?;
    Ok(bytes.to_vec())
}

/// The module from `fresh` with the weights in `bytes`.
///
/// # Errors
/// burn's message when they are damaged or of another module.
pub(crate) fn module<M: Module>(fresh: impl FnOnce() -> M, bytes: Vec<u8>) -> Result<M, String> {
    // Loading may draw weights before it replaces them.
    let _drawing = drawing();
    let module = fresh();
    ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))
        .and_then(|record| module.try_load_record(record))
        .map_err(|error| error.to_string())
}

/// Encodes the moments of `optimizer`.
///
/// # Errors
/// burn's message when it cannot encode them.
pub(crate) fn moments(optimizer: &ModuleOptimizer) -> Result<Vec<u8>, String> {
    let bytes = optimizer.into_bytes().map_err(|error| error.to_string())?;
    Ok(bytes.to_vec())
}

/// The state at the beginning of the content of the checkpoint `path`; the rest is not read.
///
/// # Errors
/// [`CheckpointError::Content`] where it is damaged.
pub(crate) fn state<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, CheckpointError> {
    let content = |what: String| CheckpointError::Content(path.to_owned(), what);
    // JSON, since postcard cannot read tagged enumerations.
    let (text, _) =
        postcard::take_from_bytes::<String>(bytes).map_err(|error| content(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| content(error.to_string()))
}
