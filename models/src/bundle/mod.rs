//! One file with everything a badge needs to answer: networks, preprocessing, calibration, model card.
//!
//! [`Bundle::pack`] writes it and [`Bundle::read`] checks every byte of it; see [`container`] for the
//! layout and [`manifest`] for what it says about itself.

pub mod container;
pub mod detector;
pub mod manifest;
mod named;
pub mod signature;

use std::path::PathBuf;

pub use container::Bundle;
pub use manifest::{Manifest, Sha256};
pub use named::{DEFAULT_NAME, NamedBundleError, bytes_of, in_bundle};
pub use signature::{PublicKey, SecretKey};

/// The bundle that the default feature `default-bundle` embeds; its model card stands beside its file.
#[cfg(feature = "default-bundle")]
pub static DEFAULT: &[u8] = include_bytes!("../../bundles/default.emocue");

/// A file that is no bundle, a damaged one, or one this program cannot run.
///
/// Offsets count bytes from the start of the bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Larger than a bundle may be.
    #[error("{bytes} bytes are too many for a bundle (at most {})", container::MAX_BYTES)]
    TooLarge {
        /// The size, or a lower bound of it.
        bytes: u64,
    },
    /// The first eight bytes are not a bundle's.
    #[error("byte 0: this is no Emocue bundle; make one with `emocue bundle pack`")]
    NotABundle,
    /// A later container format.
    #[error(
        "byte 8: container version {found}, but this program reads version 1; update the program"
    )]
    Version {
        /// What the file says.
        found: u16,
    },
    /// A flag that version 1 does not have.
    #[error("byte 10: unknown flags {found:#06x}; update the program, or copy the bundle again")]
    Flags {
        /// What the file says.
        found: u16,
    },
    /// The manifest asks for a later program.
    #[error("the bundle needs runtime {needed} and this program has {has}; update the program", has = manifest::RUNTIME)]
    Runtime {
        /// What the manifest asks for.
        needed: u32,
    },
    /// The file ends early.
    #[error(
        "byte {offset}: the file ends inside {what}, {missing} bytes early; copy the bundle again"
    )]
    Truncated {
        /// Where the part starts.
        offset: usize,
        /// Which part.
        what: String,
        /// How much is missing.
        missing: u64,
    },
    /// Bytes follow the end.
    #[error("byte {offset}: {bytes} bytes follow the bundle's end; copy the bundle again")]
    Trailing {
        /// Where they start.
        offset: usize,
        /// How many.
        bytes: usize,
    },
    /// A part differs from its hash.
    #[error("byte {offset}: {what} is damaged, its SHA-256 differs; copy the bundle again")]
    Damaged {
        /// Where the part starts.
        offset: usize,
        /// Which part.
        what: String,
    },
    /// Whoever made it does not hold the key that it names.
    #[error(
        "byte {offset}: the signature is not its signer's; take the bundle from whoever signed it"
    )]
    Forged {
        /// Where the signature's length stands.
        offset: usize,
    },
    /// An unknown kind of signature must not pass as checked.
    #[error(
        "byte {offset}: a signature of {length} bytes, which this program cannot check; update the program"
    )]
    Signature {
        /// Where the signature's length stands.
        offset: usize,
        /// What it says.
        length: u16,
    },
    /// The manifest is whole but says something impossible.
    #[error("the bundle's manifest: {field}: {reason}; pack the bundle again")]
    Manifest {
        /// Which entry.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}
