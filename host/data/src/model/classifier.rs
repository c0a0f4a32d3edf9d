//! A classifier with its network, to evaluate, calibrate or pack it, or to use it as a teacher.

use emocue_models::bundle::Bundle;
use emocue_models::bundle::manifest::{ClassifierSpec, Sha256};
use emocue_models::decision::Decision;
use emocue_models::label::LabelSet;
use emocue_run::{ExpressionNet, RunError};

use super::calibration::Calibration;
use super::describe::{ClassifierDescription, describe};
use super::error::ModelError;
use super::logits::with_logits;
use super::metadata;

/// A classifier that can be loaded once for each thread.
#[derive(Clone, Debug)]
pub struct ClassifierModel {
    name: String,
    description: ClassifierDescription,
    onnx: Vec<u8>,
}

impl ClassifierModel {
    /// The classifier of a bundle, described by its manifest.
    ///
    /// # Errors
    /// [`RunError`] when its label set is unknown.
    pub fn from_bundle(name: &str, bundle: &Bundle<'_>) -> Result<Self, RunError> {
        let spec = bundle.manifest().classifier.clone();
        let labels = spec.label_set().map_err(|error| RunError {
            model: name.to_owned(),
            what: "cannot name the classes",
            reason: error.to_string(),
        })?;
        let onnx = bundle.payload(&spec.network).unwrap_or_default().to_vec();
        // The manifest has the calibration's values; how they were fitted is only in the graph.
        let calibration = metadata::read(&onnx).ok().and_then(|found| found.calibration);
        let description = ClassifierDescription { spec, labels, calibration };
        Ok(Self { name: name.to_owned(), description, onnx })
    }

    /// The graph in `onnx` with its [`describe()`]d settings; `labels` is for a graph that does not name its classes. A
    /// softmax at its end is removed.
    ///
    /// # Errors
    /// [`ModelError`] when it cannot be described, its weights are not finite or its output is not logits.
    pub fn from_onnx(
        name: &str,
        onnx: Vec<u8>,
        labels: Option<LabelSet>,
    ) -> Result<Self, ModelError> {
        let description = describe(name, &onnx, labels)?;
        let onnx = with_logits(name, &description.spec, onnx)?;
        Ok(Self { name: name.to_owned(), description, onnx })
    }

    /// The same without its calibration.
    #[must_use]
    pub fn uncalibrated(mut self) -> Self {
        self.description.spec.decision = Decision::default();
        self.with_calibration(Some(1.0), None)
    }

    /// The same with another decision; [`ClassifierModel::load`] refuses one that does not fit.
    #[must_use]
    pub fn with_decision(mut self, decision: Decision) -> Self {
        self.description.spec.decision = decision;
        self
    }

    /// The same with another temperature or threshold, if given.
    #[must_use]
    pub fn with_calibration(mut self, temperature: Option<f32>, threshold: Option<f32>) -> Self {
        let spec = &mut self.description.spec;
        spec.temperature = temperature.unwrap_or(spec.temperature);
        spec.threshold = threshold.unwrap_or(spec.threshold);
        self
    }

    /// Name of the file or bundle.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its label set.
    pub fn labels(&self) -> LabelSet {
        self.description.labels
    }

    /// An answer whose top probability is below this is unsure, `0..=1`.
    pub fn threshold(&self) -> f32 {
        self.description.spec.threshold
    }

    /// Its settings, as in a manifest.
    pub fn spec(&self) -> &ClassifierSpec {
        &self.description.spec
    }

    /// How temperature and threshold were fitted, if its graph has it.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.description.calibration.as_ref()
    }

    /// SHA-256 of the graph.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.onnx)
    }

    /// The graph, the content of an `.onnx` file.
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// Loads it for one thread.
    ///
    /// # Errors
    /// [`RunError`] when the graph does not run or does not fit.
    pub fn load(&self) -> Result<ExpressionNet, RunError> {
        ExpressionNet::load(self.spec(), &self.onnx)
    }
}
