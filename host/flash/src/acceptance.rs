//! The badge's own check of a bundle, before anything is signed or written.

use std::path::Path;

use emocue_models::bundle::Bundle;
use emocue_models::failure::Failure;
use emocue_run::acceptance::{self, Unacceptable};

/// A bundle that a badge would refuse.
#[derive(Debug, thiserror::Error)]
#[error("a badge refuses the bundle {bundle}: {reason}")]
pub struct RefusedBundle {
    /// Name of the bundle.
    bundle: String,
    /// The reason.
    #[source]
    pub reason: Unacceptable,
}

impl Failure for RefusedBundle {
    fn help(&self) -> Option<String> {
        self.reason.help()
    }

    fn exit_code(&self) -> u8 {
        self.reason.exit_code()
    }
}

/// Checks a bundle as a badge does: its model card, its networks and the self-test. `name` names the bundle in
/// messages.
///
/// # Errors
/// [`RefusedBundle`] when a badge would refuse it.
pub fn check(name: impl AsRef<Path>, bundle: &Bundle<'_>) -> Result<(), RefusedBundle> {
    let refused = |reason| RefusedBundle { bundle: name.as_ref().display().to_string(), reason };
    acceptance::check(bundle).map(drop).map_err(refused)
}
