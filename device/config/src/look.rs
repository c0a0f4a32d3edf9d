//! Which networks run on the frames, how often, and on which face.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::path;

/// Which of several faces the badge shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The largest.
    #[default]
    Nearest,
    /// The one nearest to the centre of the frame.
    Centre,
}

/// The networks, and how often they run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LookSettings {
    /// A bundle instead of the embedded one.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "path::optional")]
    pub bundle: Option<PathBuf>,
    /// Smallest face, px of the frame, `12..=4096`, instead of the bundle's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_face: Option<f32>,
    /// Which of several faces to show.
    pub who: Who,
    /// Searches of the whole frame per second (Hz) while faces are followed, `0.1..=120`. Without a face, or after one
    /// was lost, it is searched more often.
    pub search_hz: f32,
    /// Classifications of the shown face per second (Hz), `0.5..=120`; other faces are classified less often.
    pub classify_hz: f32,
}

impl Default for LookSettings {
    fn default() -> Self {
        Self { bundle: None, min_face: None, who: Who::Nearest, search_hz: 2.0, classify_hz: 8.0 }
    }
}
