//! What is judged: a bundle's classifier or an ONNX graph, as the badge would run it.

use std::path::Path;

use emocue_models::bundle::manifest::{ClassifierSpec, Sha256};
use emocue_models::bundle::{Bundle, bytes_of, in_bundle};
use emocue_models::crop::Preprocess;
use emocue_models::geometry::{Landmarks, Point};
use emocue_models::label::LabelSet;
use emocue_run::{ExpressionNet, RunError};

use super::{ModelError, metadata};

/// An answer of a bare graph below this counts as unsure, as `bundle pack` presets it.
const THRESHOLD: f32 = 0.5;

/// A classifier that can be loaded as often as there are threads.
#[derive(Clone, Debug)]
pub struct Candidate {
    name: String,
    spec: ClassifierSpec,
    labels: LabelSet,
    onnx: Vec<u8>,
}

impl Candidate {
    /// By name: a file that ends in `.onnx`, else a bundle's file or `default`.
    ///
    /// `labels` is for a graph that does not tell its own.
    ///
    /// # Errors
    /// [`ModelError`] when it cannot be read or does not tell its classes.
    pub fn open(name: &str, labels: Option<LabelSet>) -> Result<Self, ModelError> {
        if !name.to_ascii_lowercase().ends_with(".onnx") {
            let bytes = bytes_of(name)?;
            return Ok(Self::from_bundle(name, &Bundle::read(&bytes).map_err(in_bundle(name))?)?);
        }
        let onnx = std::fs::read(Path::new(name))
            .map_err(|source| ModelError::Read { path: name.into(), source })?;
        Self::from_onnx(name, onnx, labels)
    }

    /// The classifier of a bundle.
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
        Ok(Self { name: name.to_owned(), spec, labels, onnx })
    }

    /// A graph with what it says about itself; `labels` where it says nothing. Without a word about
    /// preprocessing, FER2013's geometry is scaled to the input's side.
    ///
    /// # Errors
    /// [`ModelError`] when it is no graph or nobody tells its classes.
    pub fn from_onnx(
        name: &str,
        onnx: Vec<u8>,
        labels: Option<LabelSet>,
    ) -> Result<Self, ModelError> {
        let told = metadata::read(&onnx)
            .map_err(|source| ModelError::Metadata { model: name.to_owned(), source })?;
        let labels = told
            .labels
            .or(labels)
            .ok_or_else(|| ModelError::NoLabels { model: name.to_owned() })?;
        let preprocess = told.preprocess.unwrap_or_else(|| {
            told.side.map_or_else(Preprocess::default, |side| scaled(&Preprocess::default(), side))
        });
        let spec = ClassifierSpec {
            network: name.to_owned(),
            labels: labels.id.to_owned(),
            preprocess,
            form: told.form,
            temperature: told.calibration.as_ref().map_or(1.0, |found| found.temperature),
            threshold: told.calibration.as_ref().map_or(THRESHOLD, |found| found.threshold),
        };
        Ok(Self { name: name.to_owned(), spec, labels, onnx })
    }

    /// The same with plain logits, whatever was fitted before.
    #[must_use]
    pub fn uncalibrated(mut self) -> Self {
        self.spec.temperature = 1.0;
        self
    }

    /// File or bundle.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Classes of its answers.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// Below it an answer is unsure.
    pub fn threshold(&self) -> f32 {
        self.spec.threshold
    }

    /// How it is run.
    pub fn spec(&self) -> &ClassifierSpec {
        &self.spec
    }

    /// Hash of the graph.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.onnx)
    }

    /// The graph, the content of an `.onnx` file.
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// Ready to run on one thread.
    ///
    /// # Errors
    /// [`RunError`] when the graph does not run or does not fit.
    pub fn load(&self) -> Result<ExpressionNet, RunError> {
        ExpressionNet::load(&self.spec, &self.onnx)
    }
}

/// The classes in which several candidates can be averaged: those of the first whose every class all the
/// others know too.
///
/// # Errors
/// [`ModelError::NoCommonLabels`] where there are none.
pub fn common_labels(candidates: &[Candidate]) -> Result<LabelSet, ModelError> {
    let sets: Vec<LabelSet> = candidates.iter().map(Candidate::labels).collect();
    let known_to_all = |set: &&LabelSet| {
        sets.iter().all(|other| set.names.iter().all(|name| other.index_of(name).is_some()))
    };
    sets.iter().find(known_to_all).copied().ok_or_else(|| ModelError::NoCommonLabels {
        sets: sets.iter().map(|set| set.id).collect::<Vec<_>>().join(", "),
    })
}

/// One candidate's place in an average.
pub(crate) struct Member {
    net: ExpressionNet,
    mapping: Option<Vec<Option<usize>>>,
}

impl Member {
    /// Loads `candidate`, whose answers become `labels`.
    pub(crate) fn load(candidate: &Candidate, labels: LabelSet) -> Result<Self, RunError> {
        let own = candidate.labels();
        let mapping = (own != labels).then(|| own.mapping_to(&labels));
        Ok(Self { net: candidate.load()?, mapping })
    }

    /// The network, and from its classes to the shared ones where they differ.
    pub(crate) fn parts(&mut self) -> (&mut ExpressionNet, Option<&[Option<usize>]>) {
        (&mut self.net, self.mapping.as_deref())
    }

    /// Adds `weight` times the network's `probabilities` to `sum`.
    pub(crate) fn add(
        mapping: Option<&[Option<usize>]>,
        probabilities: &[f32],
        weight: f32,
        sum: &mut [f32],
    ) {
        let common = mapping.map(|mapping| mapped(probabilities, mapping, sum.len()));
        for (sum, probability) in sum.iter_mut().zip(common.as_deref().unwrap_or(probabilities)) {
            *sum += weight * probability;
        }
    }
}

fn scaled(preprocess: &Preprocess, side: usize) -> Preprocess {
    let scale = side as f32 / preprocess.size as f32;
    let points = preprocess.landmarks.points().map(|p| Point::new(p.x * scale, p.y * scale));
    Preprocess { size: side, landmarks: Landmarks::from_points(points), ..preprocess.clone() }
}

/// Probabilities over another label set: summed by name, then scaled to sum 1. All even where no
/// probability is left.
pub fn mapped(probabilities: &[f32], mapping: &[Option<usize>], classes: usize) -> Vec<f32> {
    let mut target = vec![0.0; classes];
    for (probability, class) in probabilities.iter().zip(mapping) {
        if let Some(class) = class {
            target[*class] += probability;
        }
    }
    let sum: f32 = target.iter().sum();
    if sum >= f32::MIN_POSITIVE {
        target.iter_mut().for_each(|value| *value /= sum);
    } else {
        target.fill(1.0 / classes as f32);
    }
    target
}
