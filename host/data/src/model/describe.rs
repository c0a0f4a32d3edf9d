//! From an ONNX graph to its model description, with the defaults for missing metadata.

use emocue_models::bundle::manifest::ClassifierSpec;
use emocue_models::crop::Preprocess;
use emocue_models::label::LabelSet;

use super::calibration::Calibration;
use super::error::ModelError;
use super::metadata::{self, GraphMetadata};

/// The threshold of a graph without calibration.
const THRESHOLD: f32 = 0.5;

/// Model description: everything that running a graph as a classifier needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierDescription {
    /// Its settings, as in a manifest; `network` is the graph's name.
    pub spec: ClassifierSpec,
    /// Its label set.
    pub labels: LabelSet,
    /// How temperature and threshold were fitted, if the graph has it.
    pub calibration: Option<Calibration>,
}

/// Describes the graph `onnx`, which is called `name` in messages; `labels` is for a graph that does not name its
/// classes.
///
/// Without a calibration the temperature is 1 and the threshold 0.5; without a preprocessing FER2013's geometry is
/// scaled to the input's side.
///
/// # Errors
/// [`ModelError`] when it is not a graph, its metadata are invalid, its input is not a square of a known size, its
/// preprocessing is for another size, or nothing names its classes.
pub fn describe(
    name: &str,
    onnx: &[u8],
    labels: Option<LabelSet>,
) -> Result<ClassifierDescription, ModelError> {
    let metadata = read(name, onnx)?;
    let labels = metadata.labels.or(labels);
    let labels = labels.ok_or_else(|| ModelError::NoLabels { model: name.to_owned() })?;
    let preprocess = preprocess_of(name, &metadata, None)?;
    let calibration = metadata.calibration;
    let spec = ClassifierSpec {
        network: name.to_owned(),
        labels: labels.id.to_owned(),
        preprocess,
        form: metadata.form,
        temperature: calibration.as_ref().map_or(1.0, |found| found.temperature),
        threshold: calibration.as_ref().map_or(THRESHOLD, |found| found.threshold),
        decision: calibration.as_ref().map(|found| found.decision.clone()).unwrap_or_default(),
    };
    Ok(ClassifierDescription { spec, labels, calibration })
}

/// Only the preprocessing, for a graph whose classes do not matter; `open` is the side, px, of an input of dynamic
/// size.
///
/// # Errors
/// As [`describe`], except for the classes.
pub fn preprocess(name: &str, onnx: &[u8], open: Option<usize>) -> Result<Preprocess, ModelError> {
    preprocess_of(name, &read(name, onnx)?, open)
}

fn read(name: &str, onnx: &[u8]) -> Result<GraphMetadata, ModelError> {
    metadata::read(onnx).map_err(|source| ModelError::Metadata { model: name.to_owned(), source })
}

fn preprocess_of(
    name: &str,
    metadata: &GraphMetadata,
    open: Option<usize>,
) -> Result<Preprocess, ModelError> {
    let preprocess = metadata.preprocess_for(open);
    preprocess.map_err(|source| ModelError::Metadata { model: name.to_owned(), source })
}
