//! What is wrong with a configuration.

use std::io;
use std::path::PathBuf;

use emocue_models::failure::{Failure, exit, sentence};

use crate::boards;
use crate::place::TextPlace;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// No profile has this name.
    #[error("no board is called {name:?}")]
    UnknownBoard {
        /// The requested name.
        name: String,
    },
    /// A key or a value is wrong.
    #[error("{place}: {what}\n{}", place.quote())]
    Wrong {
        /// Its position.
        place: Box<TextPlace>,
        /// What is wrong.
        what: String,
        /// What to write instead, as a part of a sentence.
        next: String,
    },
}

impl Failure for ConfigError {
    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { reason, .. } => sentence(advice(reason)),
            Self::UnknownBoard { .. } => format!("Boards: {}.", boards::names()),
            Self::Wrong { next, .. } => sentence(next),
        })
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}

fn advice(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::NotFound => "`emocue-badge config show` prints one to begin with",
        io::ErrorKind::PermissionDenied => "the user emocue must be able to read it: `chmod a+r`",
        _ => "name a TOML file",
    }
}
