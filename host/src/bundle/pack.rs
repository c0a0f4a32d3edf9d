//! From networks, card and metrics to one file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use emocue_models::bundle::manifest::{ClassifierSpec, DetectorSpec};
use emocue_models::bundle::{Bundle, Manifest};
use emocue_models::luma::Luma;
use emocue_run::Networks;
use emocue_run::mtcnn::MtcnnSettings;
use emocue_run::yunet::YunetSettings;

use super::HostBundleError;
use crate::import::mtcnn::FILES;
use emocue_data::model::Calibration;
use emocue_data::model::metadata;
use emocue_models::bundle::in_bundle;

/// Payload of a detector of one network.
const YUNET: &str = "yunet.onnx";

/// What a bundle is made from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Folder with MTCNN's `pnet.onnx`, `rnet.onnx` and `onet.onnx`, or YuNet's ONNX graph.
    pub detector: PathBuf,
    /// The classifier's ONNX graph.
    pub classifier: PathBuf,
    /// The model card, Markdown.
    pub card: PathBuf,
    /// JSON object of numbers, where there are measurements.
    pub metrics: Option<PathBuf>,
    /// What the bundle is called.
    pub name: String,
    /// Counts the releases of this name.
    pub content_version: u32,
    /// Label set of the classifier's logits, where its graph does not tell.
    pub labels: Option<String>,
    /// Smallest face to look for, px.
    pub min_face: f32,
    /// Softens (> 1) or sharpens the probabilities; where it is not given, as the classifier's graph says, else 1.
    pub temperature: Option<f32>,
    /// Below this probability an answer is unsure; where it is not given, as the graph says, else 0.5.
    pub threshold: Option<f32>,
    /// Where it all comes from.
    pub provenance: BTreeMap<String, String>,
}

/// Packs the parts and runs the result once, so that what is written also runs.
///
/// # Errors
/// [`HostBundleError`] when a part is missing, impossible or does not run.
pub fn pack(parts: &Parts) -> Result<Vec<u8>, HostBundleError> {
    let classifier = read(&parts.classifier)?;
    let told = metadata::read(&classifier)
        .map_err(|source| HostBundleError::Graph { path: parts.classifier.clone(), source })?;
    let labels = told.labels.map(|set| set.id.to_owned()).or_else(|| parts.labels.clone());
    let labels = labels.ok_or_else(|| HostBundleError::NoLabels(parts.classifier.clone()))?;
    let mut networks = detector(&parts.detector)?;
    networks.push(("classifier.onnx", classifier));
    let named = |(name, _): &(&str, Vec<u8>)| (*name).to_owned();
    let names: Vec<String> = networks.iter().map(named).collect();
    let detector = match names.as_slice() {
        [pnet, rnet, onet, _] => DetectorSpec::Mtcnn {
            pnet: pnet.clone(),
            rnet: rnet.clone(),
            onet: onet.clone(),
            settings: MtcnnSettings { min_face: parts.min_face, ..MtcnnSettings::default() },
        },
        _ => DetectorSpec::Yunet {
            network: YUNET.to_owned(),
            settings: YunetSettings { min_face: parts.min_face, ..YunetSettings::default() },
        },
    };
    let fitted = told.calibration.as_ref();
    let mut metrics = parts.metrics.as_deref().map(read_metrics).transpose()?.unwrap_or_default();
    metrics.extend(fitted.map(Calibration::figures).unwrap_or_default());
    let manifest = Manifest {
        min_runtime: detector.runtime().max(told.form.runtime()),
        name: parts.name.clone(),
        content_version: parts.content_version,
        detector,
        classifier: ClassifierSpec {
            network: "classifier.onnx".to_owned(),
            labels,
            preprocess: told.preprocess.unwrap_or_default(),
            form: told.form,
            temperature: parts.temperature.or(fitted.map(|c| c.temperature)).unwrap_or(1.0),
            threshold: parts.threshold.or(fitted.map(|c| c.threshold)).unwrap_or(0.5),
        },
        payloads: Vec::new(),
        metrics,
        provenance: parts.provenance.clone(),
        card: read_text(&parts.card)?,
    };
    let payloads: Vec<_> = networks.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let bytes = Bundle::pack(manifest, &payloads).map_err(in_bundle(&parts.name))?;
    let bundle = Bundle::read(&bytes).map_err(in_bundle(&parts.name))?;
    let mut networks = Networks::from_bundle(&bundle, None)?;
    // The first search builds the networks that depend on the frame's size.
    networks.detector.detect(&Luma::new(64, 64), &mut Vec::new())?;
    Ok(bytes)
}

/// The detector's payloads: three of MTCNN's in a folder, or one of YuNet's.
fn detector(path: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, HostBundleError> {
    if path.is_dir() {
        return FILES.into_iter().map(|name| Ok((name, read(&path.join(name))?))).collect();
    }
    Ok(vec![(YUNET, read(path)?)])
}

fn read(path: &Path) -> Result<Vec<u8>, HostBundleError> {
    std::fs::read(path).map_err(|source| HostBundleError::Read { path: path.to_owned(), source })
}

fn read_text(path: &Path) -> Result<String, HostBundleError> {
    std::fs::read_to_string(path)
        .map_err(|source| HostBundleError::Read { path: path.to_owned(), source })
}

fn read_metrics(path: &Path) -> Result<BTreeMap<String, f64>, HostBundleError> {
    serde_json::from_str(&read_text(path)?)
        .map_err(|source| HostBundleError::Metrics { path: path.to_owned(), source })
}
