//! Packing a bundle from its parts, and taking one apart.

mod detector;
mod pack;
mod unpack;

pub use detector::DetectorParts;
pub use pack::{BundleParts, PackError, pack};
pub use unpack::{UnpackError, unpack};
