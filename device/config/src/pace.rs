//! The frame rate.

use serde::{Deserialize, Serialize};

/// The frame rate, and when to reduce it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaceSettings {
    /// Frames to process per second, `0.1..=240`.
    pub fps: f32,
    /// From this temperature on, °C, half as many; `0..hot_c`.
    pub warm_c: f32,
    /// From this temperature on, °C, a quarter; `0..=110`.
    pub hot_c: f32,
}

impl Default for PaceSettings {
    fn default() -> Self {
        Self { fps: 15.0, warm_c: 70.0, hot_c: 78.0 }
    }
}
