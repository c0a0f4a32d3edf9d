//! How long a session lasts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A time limit, after which the badge closes its camera until the wearer starts another session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// The length, min, `0..=240`; 0 for no limit.
    pub minutes: u32,
}

impl SessionSettings {
    /// The length; `None` for no limit.
    pub fn length(&self) -> Option<Duration> {
        (self.minutes > 0).then(|| Duration::from_secs(u64::from(self.minutes) * 60))
    }
}
