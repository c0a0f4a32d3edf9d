//! Why a bundle is not installed.

use std::io;
use std::path::{Path, PathBuf};

use emocue_models::bundle::{BundleError, PublicKey};
use emocue_models::failure::{Failure, exit, sentence};

use super::consent::ConsentError;

/// Slots cannot be changed or read.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// The bundle is refused; the slots are unchanged.
    #[error("{}: {reason}", path.display())]
    Refused {
        /// The bundle's file.
        path: PathBuf,
        /// Why.
        reason: Refusal,
    },
    /// The state folder cannot be used.
    #[error("cannot {what} {}: {source}", path.display())]
    Folder {
        /// The operation: write, read, lock.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another program is changing the slots.
    #[error("{} is locked: another installation is under way", .0.display())]
    Busy(PathBuf),
    /// There is nothing to confirm.
    #[error("no bundle is on trial")]
    NoTrial,
    /// There is no previous bundle.
    #[error("the embedded bundle runs already; there is no previous one")]
    NothingBefore,
}

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(io::Error),
    /// It is damaged, or needs a newer program.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It has no model card.
    #[error("it has no model card")]
    NoCard,
    /// It has no signature.
    #[error("it is not signed")]
    Unsigned,
    /// Its signer is not trusted.
    #[error("it is signed by {signer}, whom this badge does not trust")]
    Untrusted {
        /// The key that signed it.
        signer: PublicKey,
    },
    /// The badge trusts no key yet, and the wearer did not accept the signer.
    #[error("it is signed by {signer}, whom this badge does not know yet: {reason}")]
    NotAccepted {
        /// The key that signed it.
        signer: PublicKey,
        /// Why not.
        reason: ConsentError,
    },
    /// An older release than one that ran here.
    #[error("release {version} of {name} is older than {newest}, which ran here")]
    Downgrade {
        /// The bundle's name.
        name: String,
        /// Its release number.
        version: u32,
        /// The newest confirmed release number.
        newest: u32,
    },
    /// Its networks fail the self-test.
    #[error("it fails the self-test: {0}")]
    SelfTest(String),
}

impl Failure for SlotError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Refused { reason, .. } => reason.help(),
            Self::Folder { source, .. } => Some(sentence(advice(source))),
            Self::Busy(_) => Some("Try again when it is done.".to_owned()),
            Self::NoTrial => Some("`emocue-badge slot status` tells what there is.".to_owned()),
            Self::NothingBefore => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { reason, .. } => reason.exit_code(),
            Self::Folder { .. } | Self::Busy(_) => exit::FOLDER,
            Self::NoTrial | Self::NothingBefore => exit::FAILED,
        }
    }
}

impl Failure for Refusal {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unreadable(_) => "Name a bundle's file.",
            Self::Bundle(error) => return error.help(),
            Self::NoCard => "Pack it again with `emocue bundle pack --card`.",
            Self::Unsigned => "`emocue bundle sign` does that.",
            Self::Untrusted { .. } => "Add the key to [update] keys in its configuration.",
            Self::NotAccepted { reason, .. } => return reason.help(),
            Self::Downgrade { .. } => {
                "`emocue-badge slot install --force` on the badge itself installs it anyway."
            }
            Self::SelfTest(_) => "Pack it again with other networks.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::NotAccepted { reason, .. } => reason.exit_code(),
            _ => exit::NETWORK,
        }
    }
}

fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: make room, nothing was changed"
        }
        io::ErrorKind::PermissionDenied => {
            "run this as the badge's own user, or name another folder with --state"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount it writable, or name another folder with --state"
        }
        _ => "look at the disk, or name another folder with --state",
    }
}

impl SlotError {
    /// A refusal of the bundle in `path`.
    pub(super) fn refused(path: &Path, reason: impl Into<Refusal>) -> Self {
        Self::Refused { path: path.to_owned(), reason: reason.into() }
    }

    /// The system's error for `path`.
    pub(super) fn folder(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Folder { what, path: path.to_owned(), source }
    }
}
