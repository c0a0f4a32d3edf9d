//! Packs networks, model card and metrics into a bundle.

use std::collections::BTreeMap;

use emocue_data::model::{Calibration, ClassifierModel};
use emocue_flash::acceptance::{self, RefusedBundle};
use emocue_models::bundle::haar::HaarCascade;
use emocue_models::bundle::manifest::ClassifierSpec;
use emocue_models::bundle::{Bundle, Manifest, NamedBundleError, in_bundle};
use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::{GraphReadError, check_finite};

use super::detector::DetectorParts;

/// Payload name of the classifier.
const CLASSIFIER: &str = "classifier.onnx";

/// The parts of a bundle.
#[derive(Clone, Debug)]
pub struct BundleParts {
    /// The face detector.
    pub detector: DetectorParts,
    /// The expression classifier.
    pub classifier: ClassifierModel,
    /// The model card, Markdown.
    pub card: String,
    /// Measurements by name.
    pub metrics: BTreeMap<String, f64>,
    /// The bundle's name.
    pub name: String,
    /// The content version, which counts the releases of this name.
    pub content_version: u32,
    /// The origin of the parts.
    pub provenance: BTreeMap<String, String>,
}

/// The parts cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A value that is invalid in a manifest, or a bundle that is too large.
    #[error(transparent)]
    Bundle(#[from] NamedBundleError),
    /// A detector's network with weights that are not finite.
    #[error("{network}: {source}")]
    Weights {
        /// Name of its payload.
        network: String,
        /// The error, which names the tensor.
        source: GraphReadError,
    },
    /// The bundle is valid, but a badge would refuse it.
    #[error(transparent)]
    Refused(#[from] RefusedBundle),
}

impl Failure for PackError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Bundle(error) => error.help(),
            Self::Weights { source, .. } => source.help(),
            Self::Refused(error) => {
                let help = error.help().map(|help| help + " ").unwrap_or_default();
                Some(help + "To try it on this computer, pack it with --untested.")
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Bundle(error) => error.exit_code(),
            Self::Weights { .. } => exit::NETWORK,
            Self::Refused(error) => error.exit_code(),
        }
    }
}

/// Packs the parts, and checks the result as a badge does.
///
/// # Errors
/// [`PackError`] when a part is invalid, or a badge would refuse the result.
pub fn pack(parts: BundleParts) -> Result<Vec<u8>, PackError> {
    let name = parts.name.clone();
    let bytes = pack_untested(parts)?;
    acceptance::check(&name, &Bundle::read(&bytes).map_err(in_bundle(&name))?)?;
    Ok(bytes)
}

/// Packs the parts into a valid bundle, which a badge may refuse.
///
/// # Errors
/// [`PackError`] when a part is invalid.
pub fn pack_untested(parts: BundleParts) -> Result<Vec<u8>, PackError> {
    let BundleParts { detector, classifier, card, mut metrics, name, content_version, provenance } =
        parts;
    metrics.extend(classifier.calibration().map(Calibration::figures).unwrap_or_default());
    let spec = ClassifierSpec { network: CLASSIFIER.to_owned(), ..classifier.spec().clone() };
    // The classifier's weights were checked when it was opened. Bytes that are not a graph are refused below, by tract.
    let graphs = detector.networks.iter().filter(|(_, bytes)| !HaarCascade::begins(bytes));
    for (network, onnx) in graphs {
        if let Err(source @ (GraphReadError::NotFinite { .. } | GraphReadError::TooLarge { .. })) =
            check_finite(onnx)
        {
            return Err(PackError::Weights { network: network.clone(), source });
        }
    }
    let networks = detector.networks.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let payloads: Vec<_> = networks.chain([(CLASSIFIER, classifier.onnx())]).collect();
    let manifest = Manifest {
        min_runtime: detector.spec.runtime().max(spec.runtime()),
        name: name.clone(),
        content_version,
        detector: detector.spec,
        classifier: spec,
        payloads: Vec::new(),
        metrics,
        provenance,
        card,
    };
    Ok(Bundle::pack(manifest, &payloads).map_err(in_bundle(&name))?)
}
