//! Link settings with which no badge would answer at the port, though everything else works.

use emocue_link::BAUDS;

use crate::config::Config;
use crate::source::Source;

/// Why no badge answers at the port of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// The key to change, `"link.port"`.
    pub key: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to write instead, as a part of a sentence.
    pub next: String,
}

impl Config {
    /// Why a host would get no answer at `link.port`; `None` where it would get one, and where there is no port.
    pub fn unserved(&self) -> Option<Unserved> {
        let port = self.link.port()?;
        let source = &self.camera.source;
        if source.parse().is_ok_and(|source: Source| !source.is_live()) {
            return Some(Unserved {
                key: "link.port",
                what: format!(
                    "no badge answers at {port}: hosts are served while a live camera runs, and camera.source is \
                     {source:?}"
                ),
                next: "write \"none\", or name a live camera: v4l2:/dev/videoN or pipe:COMMAND"
                    .to_owned(),
            });
        }
        if !BAUDS.contains(&self.link.baud) {
            return Some(Unserved {
                key: "link.baud",
                what: format!(
                    "no badge answers at {port}: {} baud is not a standard rate",
                    self.link.baud
                ),
                next: format!("write one of {}", BAUDS.map(|baud| baud.to_string()).join(", ")),
            });
        }
        None
    }
}
