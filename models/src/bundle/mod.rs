//! One file with everything that a badge needs to classify faces: networks, preprocessing, calibration, model card.
//!
//! [`Bundle::pack`] writes it and [`Bundle::read`] checks every byte of it; see [`container`] for the byte layout and
//! [`manifest`] for the manifest's entries.

mod accept;
pub mod container;
pub mod detector;
mod digest;
pub mod haar;
pub mod manifest;
mod named;
pub mod signature;
mod wire;

use std::path::PathBuf;

use crate::failure::{Failure, exit};

pub use container::Bundle;
pub use manifest::{Manifest, Sha256};
pub use named::{DEFAULT_NAME, NamedBundleError, bytes_of, in_bundle};
pub use signature::{PublicKey, SecretKey};

/// The bundle that the default feature `default-bundle` embeds; its model card is the Markdown file next to it.
#[cfg(feature = "default-bundle")]
pub static DEFAULT: &[u8] = include_bytes!("../../bundles/default.emocue");

/// A file that is not a bundle, a damaged one, or one this program cannot run.
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
    #[error("byte 0: not an Emocue bundle")]
    NotABundle,
    /// A later container format.
    #[error("byte 8: container version {found}, but this program reads version 1")]
    Version {
        /// The value in the file.
        found: u16,
    },
    /// A flag that version 1 does not have.
    #[error("byte 10: unknown flags {found:#06x}")]
    Flags {
        /// The value in the file.
        found: u16,
    },
    /// The bundle needs a later program.
    #[error("the bundle needs runtime {needed} and this program has {has}", has = manifest::RUNTIME)]
    Runtime {
        /// The runtime number that the manifest needs.
        needed: u32,
    },
    /// The file ends early.
    #[error("byte {offset}: the file ends inside {what}, {missing} bytes early")]
    Truncated {
        /// Where the part starts.
        offset: usize,
        /// Which part.
        what: String,
        /// How much is missing.
        missing: u64,
    },
    /// Bytes follow the end.
    #[error("byte {offset}: {bytes} bytes follow the bundle's end")]
    Trailing {
        /// Where they start.
        offset: usize,
        /// How many.
        bytes: usize,
    },
    /// A part differs from its hash.
    #[error("byte {offset}: {what} is damaged, its SHA-256 differs")]
    Damaged {
        /// Where the part starts.
        offset: usize,
        /// Which part.
        what: String,
    },
    /// The signature is not valid for the key that it names.
    #[error("byte {offset}: the signature is not its signer's")]
    Forged {
        /// Where the signature's length is.
        offset: usize,
    },
    /// A signature of an unknown length, which cannot be verified.
    #[error("byte {offset}: a signature of {length} bytes, which this program cannot check")]
    Signature {
        /// Where the signature's length is.
        offset: usize,
        /// The length in the file.
        length: u16,
    },
    /// The manifest is undamaged and has an invalid entry.
    #[error("the bundle's manifest: {field}: {reason}")]
    Manifest {
        /// Which entry.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Failure for BundleError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::File { .. } | Self::TooLarge { .. } => return None,
            Self::NotABundle => "Make one with `emocue bundle pack`.",
            Self::Version { .. } | Self::Runtime { .. } | Self::Signature { .. } => {
                "Update the program."
            }
            Self::Flags { .. } => "Update the program, or copy the bundle again.",
            Self::Truncated { .. } | Self::Trailing { .. } | Self::Damaged { .. } => {
                "Copy the bundle again."
            }
            Self::Forged { .. } => "Get the bundle from its signer again.",
            Self::Manifest { .. } => "Pack the bundle again.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::NETWORK
    }
}
