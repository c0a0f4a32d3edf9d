//! The cable to a host.

use serde::{Deserialize, Serialize};

/// Where a host can connect to the badge, besides users who are logged in on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkSettings {
    /// A serial port, or `"none"`.
    pub port: String,
    /// Its baud rate, bits per second, one of [`emocue_link::BAUDS`]; it has no effect on a USB port.
    pub baud: u32,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self { port: "none".to_owned(), baud: 115_200 }
    }
}

impl LinkSettings {
    /// The port, where there is one.
    pub fn port(&self) -> Option<&str> {
        Some(self.port.as_str()).filter(|port| *port != "none")
    }
}
