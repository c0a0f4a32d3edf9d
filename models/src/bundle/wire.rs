//! A manifest's bytes.
//!
//! Postcard is positional, so the fields of a later runtime follow those of runtime 1. A bundle for an earlier runtime
//! is written without them, byte for byte as the programs of that runtime write it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::manifest::{ClassifierSpec, DetectorSpec, Form, Manifest, Payload};
use crate::crop::Preprocess;
use crate::decision::Decision;
use crate::geometry::Landmarks;
use crate::normalise::Normalise;

/// The first runtime whose manifests have [`Since5`].
const SECOND: u32 = 5;

/// A manifest as of runtime 1. Detectors and forms that came later are at the ends of their enumerations.
#[derive(Serialize, Deserialize)]
struct Since1 {
    min_runtime: u32,
    name: String,
    content_version: u32,
    detector: DetectorSpec,
    classifier: Classifier,
    payloads: Vec<Payload>,
    metrics: BTreeMap<String, f64>,
    provenance: BTreeMap<String, String>,
    card: String,
}

#[derive(Serialize, Deserialize)]
struct Classifier {
    network: String,
    labels: String,
    preprocess: Crop,
    form: Form,
    temperature: f32,
    threshold: f32,
}

#[derive(Serialize, Deserialize)]
struct Crop {
    size: usize,
    landmarks: Landmarks,
    margin: f32,
    mean: f32,
    std: f32,
}

/// What came with runtime 5.
#[derive(Default, Serialize, Deserialize)]
struct Since5 {
    normalise: Normalise,
    decision: Decision,
}

impl Manifest {
    /// Encodes it for its own `min_runtime`, which must cover all its entries; [`Manifest::check`] verifies that.
    ///
    /// # Errors
    /// Postcard's, which a manifest does not cause.
    pub fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        let (first, since_5) = split(self.clone());
        let bytes = postcard::to_stdvec(&first)?;
        match self.min_runtime {
            ..SECOND => Ok(bytes),
            _ => postcard::to_extend(&since_5, bytes),
        }
    }

    /// Decodes a manifest without checking its entries; also returns the bytes that are left over.
    ///
    /// # Errors
    /// Postcard's, when the bytes are not a manifest.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), postcard::Error> {
        let (first, rest) = postcard::take_from_bytes::<Since1>(bytes)?;
        let (since_5, rest) = match first.min_runtime {
            ..SECOND => (Since5::default(), rest),
            _ => postcard::take_from_bytes(rest)?,
        };
        Ok((join(first, since_5), rest))
    }
}

fn split(manifest: Manifest) -> (Since1, Since5) {
    let Manifest { min_runtime, name, content_version, detector, classifier, .. } = manifest;
    let ClassifierSpec { network, labels, preprocess, form, temperature, threshold, decision } =
        classifier;
    let Preprocess { size, landmarks, margin, mean, std, normalise } = preprocess;
    let preprocess = Crop { size, landmarks, margin, mean, std };
    let first = Since1 {
        min_runtime,
        name,
        content_version,
        detector,
        classifier: Classifier { network, labels, preprocess, form, temperature, threshold },
        payloads: manifest.payloads,
        metrics: manifest.metrics,
        provenance: manifest.provenance,
        card: manifest.card,
    };
    (first, Since5 { normalise, decision })
}

fn join(first: Since1, Since5 { normalise, decision }: Since5) -> Manifest {
    let Since1 { min_runtime, name, content_version, detector, classifier, .. } = first;
    let Classifier { network, labels, preprocess, form, temperature, threshold } = classifier;
    let Crop { size, landmarks, margin, mean, std } = preprocess;
    let preprocess = Preprocess { size, landmarks, margin, mean, std, normalise };
    Manifest {
        min_runtime,
        name,
        content_version,
        detector,
        classifier: ClassifierSpec {
            network,
            labels,
            preprocess,
            form,
            temperature,
            threshold,
            decision,
        },
        payloads: first.payloads,
        metrics: first.metrics,
        provenance: first.provenance,
        card: first.card,
    }
}

#[cfg(test)]
mod tests {
    use super::super::container::tests::manifest;
    use super::super::{Bundle, DEFAULT};
    use super::*;
    use crate::bundle::manifest::RUNTIME;

    #[test]
    fn the_default_bundle_is_written_again_as_it_was() {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let payloads: Vec<_> = bundle.payloads().collect();
        let packed = Bundle::pack(bundle.manifest().clone(), &payloads).unwrap();
        assert!(packed == DEFAULT, "{} and {} bytes", packed.len(), DEFAULT.len());
    }

    #[test]
    fn what_an_earlier_runtime_does_not_know_needs_a_later_one() {
        let mut manifest = manifest();
        let bytes = |manifest: &Manifest| manifest.encode().unwrap().len();
        let later = bytes(&manifest);
        manifest.min_runtime = SECOND - 1;
        assert!(bytes(&manifest) < later);
        manifest.check().unwrap();
        assert_eq!(Manifest::decode(&manifest.encode().unwrap()).unwrap(), manifest);

        manifest.classifier.preprocess.normalise = Normalise::FACE;
        let error = manifest.check().unwrap_err().to_string();
        assert!(error.contains("min_runtime: its networks need 5"), "{error}");
        manifest.classifier.preprocess.normalise = Normalise::Fixed;
        manifest.classifier.decision.energy_limit = Some(3.0);
        let error = manifest.check().unwrap_err().to_string();
        assert!(error.contains("min_runtime: its networks need 5"), "{error}");
        manifest.min_runtime = RUNTIME;
        manifest.check().unwrap();
        assert_eq!(Manifest::decode(&manifest.encode().unwrap()).unwrap(), manifest);
    }
}
