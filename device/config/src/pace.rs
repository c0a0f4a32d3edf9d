//! How often to look.

use serde::{Deserialize, Serialize};

/// How often to look, and when to slow down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaceSettings {
    /// Frames to look at in a second, `0.1..=120`.
    pub fps: f32,
    /// From this temperature on, °C, half as many; below `hot_c`.
    pub warm_c: f32,
    /// From this temperature on, °C, a quarter; at most 110.
    pub hot_c: f32,
}

impl Default for PaceSettings {
    fn default() -> Self {
        Self { fps: 15.0, warm_c: 70.0, hot_c: 78.0 }
    }
}
