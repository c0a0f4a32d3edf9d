//! Which networks look at the frames, how often, and at whom.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::path;

/// Whom of several faces the badge shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The largest.
    #[default]
    Nearest,
    /// The one in the middle of the frame.
    Centre,
}

/// The networks, and what they look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookSettings {
    /// A bundle instead of the embedded one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "path::optional")]
    pub bundle: Option<PathBuf>,
    /// Smallest face, px of the frame, instead of the bundle's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_face: Option<f32>,
    /// Whom of several faces to show.
    pub who: Who,
    /// How often a second the whole frame is searched while faces are followed, `0.1..=120`. Without a face, or with one
    /// that is lost, it is searched more often.
    pub search_hz: f32,
    /// How often a second the shown face is classified, `0.5..=120`; others less often.
    pub classify_hz: f32,
}

impl Default for LookSettings {
    fn default() -> Self {
        Self { bundle: None, min_face: None, who: Who::Nearest, search_hz: 2.0, classify_hz: 8.0 }
    }
}
