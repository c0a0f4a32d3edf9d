//! The result of probing a video node.

use super::format::{Choice, Offer};

/// The result of probing a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A camera: its formats, and the one that would be used.
    Camera {
        /// Formats with their sizes.
        offers: Vec<Offer>,
        /// Format and size for the default settings.
        choice: Choice,
    },
    /// Not usable as it is, and why.
    Unusable(String),
}
