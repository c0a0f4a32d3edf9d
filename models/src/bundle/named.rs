//! A bundle by the name of its file, and errors that say which bundle they are about.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::{BundleError, container};
use crate::failure::{Failure, exit};

/// The name of the embedded bundle.
pub const DEFAULT_NAME: &str = "default";

/// A bundle that cannot be used, and which one.
#[derive(Debug, thiserror::Error)]
pub enum NamedBundleError {
    /// Its file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is damaged or invalid.
    #[error("{bundle}: {source}")]
    Invalid {
        /// Its file or name.
        bundle: String,
        /// What is wrong.
        source: BundleError,
    },
}

impl Failure for NamedBundleError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Invalid { source, .. } => source.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Read { .. } => exit::INPUT,
            Self::Invalid { source, .. } => source.exit_code(),
        }
    }
}

/// The bytes of the bundle in the file `name`, not checked yet; with the feature `default-bundle`, [`DEFAULT_NAME`]
/// stands for the embedded one.
///
/// # Errors
/// [`NamedBundleError`] when the file cannot be read.
pub fn bytes_of(name: impl AsRef<Path>) -> Result<Cow<'static, [u8]>, NamedBundleError> {
    let name = name.as_ref();
    #[cfg(feature = "default-bundle")]
    if name == Path::new(DEFAULT_NAME) {
        return Ok(Cow::Borrowed(super::DEFAULT));
    }
    container::read_file(name).map(Cow::Owned).map_err(in_bundle(name))
}

/// Says which bundle an error is about.
pub fn in_bundle(bundle: impl AsRef<Path>) -> impl FnOnce(BundleError) -> NamedBundleError {
    move |source| match source {
        // Names its file already.
        BundleError::File { path, source } => NamedBundleError::Read { path, source },
        source => {
            NamedBundleError::Invalid { bundle: bundle.as_ref().display().to_string(), source }
        }
    }
}
