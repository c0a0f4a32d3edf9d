//! Which networks look at the frames.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::path;

/// The networks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookSettings {
    /// A bundle instead of the embedded one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "path::optional")]
    pub bundle: Option<PathBuf>,
    /// Smallest face, px of the frame, instead of the bundle's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_face: Option<f32>,
}
