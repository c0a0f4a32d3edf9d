//! Reading of the files named on the command line.

use std::path::Path;

use emocue_models::bundle::{Bundle, bytes_of, in_bundle};
use emocue_models::failure::{Problem, exit};
use emocue_models::files;
use emocue_models::label::LabelSet;

use emocue_data::model::{ClassifierModel, ModelError};

/// A classifier by name: a file that ends in `.onnx`, else a bundle's file or `default`. `labels` is for a graph that
/// does not name its classes.
///
/// # Errors
/// [`ModelError`] when it cannot be read or described.
pub fn open_model(
    path: impl AsRef<Path>,
    labels: Option<LabelSet>,
) -> Result<ClassifierModel, ModelError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    if !is_onnx(path) {
        let bytes = bytes_of(path)?;
        let bundle = Bundle::read(&bytes).map_err(in_bundle(path))?;
        return Ok(ClassifierModel::from_bundle(&name, &bundle)?);
    }
    let onnx = files::read_at_most(path, files::MAX_BINARY)
        .map_err(|source| ModelError::Read { model: name.clone(), source })?;
    ClassifierModel::from_onnx(&name, onnx, labels)
}

/// Whether a file has the extension of a graph.
pub(super) fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

/// A file's bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    files::read_at_most(path, files::MAX_BINARY).map_err(|error| unreadable(path, &error))
}

/// A file's text.
pub(super) fn read_text(path: &Path) -> Result<String, Problem> {
    files::read_text(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(format!("cannot read {}: {error}", path.display())).code(exit::INPUT)
}
