//! What the cascade can be told.

use serde::{Deserialize, Serialize};

/// How far the cascade looks and what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MtcnnSettings {
    /// Smallest face to look for, px of the frame; 40 at 640 wide is about 2 m with a 62 degree lens.
    pub min_face: f32,
    /// Step between the pyramid's levels, `0..1`.
    pub factor: f32,
    /// Scores that a candidate of P-, R- and O-Net must reach, `0..=1`.
    pub thresholds: [f32; 3],
}

impl Default for MtcnnSettings {
    /// The authors' thresholds and factor, a face of 40 px.
    fn default() -> Self {
        Self { min_face: 40.0, factor: 0.709, thresholds: [0.6, 0.7, 0.7] }
    }
}

impl MtcnnSettings {
    /// The first setting that no cascade can run with.
    pub fn problem(&self) -> Option<&'static str> {
        let share = 0.0..=1.0;
        if !(12.0..=4096.0).contains(&self.min_face) {
            Some("min_face is not in 12..=4096 px (P-Net's window has 12 px)")
        } else if !(0.1..=0.95).contains(&self.factor) {
            Some("factor is not in 0.1..=0.95")
        } else if !self.thresholds.iter().all(|threshold| share.contains(threshold)) {
            Some("a threshold is not in 0..=1")
        } else {
            None
        }
    }
}
