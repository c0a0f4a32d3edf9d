//! Pictures of faces that a wearer may store, to train a network of their own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether the badge offers to store pictures, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PictureSettings {
    /// The badge's menu has an entry for it.
    pub enabled: bool,
    /// How long the wearer's consent lasts, min, `1..=15`.
    pub minutes: u32,
}

impl Default for PictureSettings {
    fn default() -> Self {
        Self { enabled: false, minutes: 5 }
    }
}

impl PictureSettings {
    /// How long the wearer's consent lasts.
    pub fn length(&self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * 60)
    }
}
