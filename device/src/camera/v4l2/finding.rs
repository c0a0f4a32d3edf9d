//! What is behind a video node.

use super::format::{Choice, Offer};

/// What is behind a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A camera: what it offers, and what would be taken of it.
    Camera {
        /// Formats with their sizes.
        offers: Vec<Offer>,
        /// Format and size for the default settings.
        choice: Choice,
    },
    /// Nothing that can be used as it is, and why.
    Unusable(String),
}
