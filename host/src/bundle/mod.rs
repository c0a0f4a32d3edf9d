//! Packing, describing and unpacking bundles.

mod detector;
mod measured;
mod pack;
mod summary;
mod unpack;

pub use detector::DetectorParts;
pub use measured::{MeasuredError, MeasuredFigures};
pub use pack::{BundleParts, PackError, pack, pack_untested};
pub use summary::summary;
pub use unpack::{UnpackError, files, unpack};

/// A model card (Mitchell et al. 2019) to be filled in, Markdown.
pub const CARD_TEMPLATE: &str = include_str!("CARD.md");
