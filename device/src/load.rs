//! From a bundle to a [`Vision`].

use std::path::Path;

use emocue_models::bundle::container::read_file;
use emocue_models::bundle::{self, Bundle, BundleError};
use emocue_run::{Networks, RunError};

use crate::vision::{UnshowableLabels, Vision};

/// A bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the bundle {name}: {reason}")]
pub struct LoadError {
    name: String,
    #[source]
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("{0}; pack it again with another network")]
    Network(#[from] RunError),
    #[error(transparent)]
    Labels(#[from] UnshowableLabels),
}

/// The eyes of the bundle in `file`, or of the one inside this program.
///
/// `min_face` (px of the frame) takes the place of the bundle's own.
///
/// # Errors
/// [`LoadError`] when the file cannot be read, is damaged, or its networks do not run.
pub fn load(file: Option<&Path>, min_face: Option<f32>) -> Result<Vision, LoadError> {
    let load = || -> Result<Vision, Reason> {
        let from_file = file.map(read_file).transpose()?;
        let bundle = Bundle::read(from_file.as_deref().unwrap_or(bundle::DEFAULT))?;
        vision(&bundle, min_face)
    };
    load().map_err(|reason| LoadError { name: called(file), reason })
}

/// The eyes of a bundle that was read already; the error is a text.
pub(crate) fn eyes(bundle: &Bundle<'_>, min_face: Option<f32>) -> Result<Vision, String> {
    vision(bundle, min_face).map_err(|reason| reason.to_string())
}

fn vision(bundle: &Bundle<'_>, min_face: Option<f32>) -> Result<Vision, Reason> {
    let threshold = bundle.manifest().classifier.threshold;
    let Networks { detector, classifier } = Networks::from_bundle(bundle, min_face)?;
    Ok(Vision::new(detector, Box::new(classifier), threshold)?)
}

/// One line about the bundle in `file`, or the one inside this program: what it is called, how it computes, its size.
///
/// # Errors
/// [`LoadError`] when the file cannot be read or is damaged.
pub fn describe(file: Option<&Path>) -> Result<String, LoadError> {
    let name = called(file);
    let describe = || -> Result<String, Reason> {
        let from_file = file.map(read_file).transpose()?;
        let bytes = from_file.as_deref().unwrap_or(bundle::DEFAULT);
        let bundle = Bundle::read(bytes)?;
        let manifest = bundle.manifest();
        Ok(format!(
            "bundle {} {}, {name}: classifier in {}, {:.2} MB",
            manifest.name,
            manifest.content_version,
            manifest.classifier.form,
            bytes.len() as f64 / 1e6
        ))
    };
    describe().map_err(|reason| LoadError { name: name.clone(), reason })
}

/// How messages call a bundle.
fn called(file: Option<&Path>) -> String {
    file.map_or_else(|| "inside this program".to_owned(), |file| file.display().to_string())
}
