//! The manifest of a bundle.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::BundleError;
use super::detector::{HaarSettings, MtcnnSettings, Outputs, SingleShotSettings, YunetSettings};
pub use super::digest::Sha256;
use crate::crop::Preprocess;
use crate::decision::Decision;
use crate::label::LabelSet;

/// The runtime number of this program. Raised whenever a manifest may hold something that earlier programs do not know:
/// a program reads every bundle whose `min_runtime` is this number or less.
pub const RUNTIME: u32 = 5;

/// File name suffixes of payloads.
const SUFFIXES: [&str; 2] = [".onnx", ".haar"];

/// Most payloads of a bundle.
const MAX_PAYLOADS: usize = 64;

/// Sides of a classifier's input, px.
const SIZES: std::ops::RangeInclusive<usize> = 8..=256;

/// Everything in a bundle except its payloads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Lowest [`RUNTIME`] that can run this. Stands first, so that any program can read it.
    pub min_runtime: u32,
    /// What the bundle is called: `"default"`.
    pub name: String,
    /// Release number of the bundle of this name.
    pub content_version: u32,
    /// How faces are found.
    pub detector: DetectorSpec,
    /// How expressions are classified.
    pub classifier: ClassifierSpec,
    /// The files inside, in their order.
    pub payloads: Vec<Payload>,
    /// Measured before packing, by name: `"ferplus.private.plurality"`.
    pub metrics: BTreeMap<String, f64>,
    /// Where it comes from, by name: data, recipe, seed, commit.
    pub provenance: BTreeMap<String, String>,
    /// The model card (Mitchell et al. 2019), Markdown.
    pub card: String,
}

/// A kind of detector with its networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectorSpec {
    /// The three-network cascade of Zhang et al. 2016, folded to luma.
    Mtcnn {
        /// Payload of the proposal network.
        pnet: String,
        /// Payload of the refinement network.
        rnet: String,
        /// Payload of the output network.
        onet: String,
        /// Smallest face and thresholds.
        settings: MtcnnSettings,
    },
    /// One network over the whole frame (Wu et al. 2023), folded to luma. Since runtime 2.
    Yunet {
        /// Payload of the network.
        network: String,
        /// Smallest face and thresholds.
        settings: YunetSettings,
    },
    /// A Haar cascade, see [`super::haar`]. Since runtime 4.
    Haar {
        /// Payload of the cascade.
        cascade: String,
        /// Smallest face and thresholds.
        settings: HaarSettings,
    },
    /// One network over the whole frame, optionally with O-Net. Since runtime 4.
    #[serde(rename = "single_shot")]
    SingleShot {
        /// Payload of the network.
        network: String,
        /// Layout of its outputs.
        outputs: Outputs,
        /// Payload of MTCNN's output network, which confirms faces and gives landmarks.
        onet: Option<String>,
        /// Smallest face and thresholds.
        settings: SingleShotSettings,
    },
}

impl DetectorSpec {
    /// The lowest [`RUNTIME`] that knows it.
    pub fn runtime(&self) -> u32 {
        match self {
            Self::Mtcnn { .. } => 1,
            Self::Yunet { .. } => 2,
            Self::Haar { .. } | Self::SingleShot { .. } => 4,
        }
    }

    /// The payloads that it runs.
    pub fn payloads(&self) -> Vec<&str> {
        match self {
            Self::Mtcnn { pnet, rnet, onet, .. } => vec![pnet, rnet, onet],
            Self::Yunet { network, .. } => vec![network],
            Self::Haar { cascade, .. } => vec![cascade],
            Self::SingleShot { network, onet, .. } => {
                std::iter::once(network).chain(onet).map(String::as_str).collect()
            }
        }
    }

    /// What is wrong with the first invalid setting.
    pub fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Mtcnn { settings, .. } => settings.problem(),
            Self::Yunet { settings, .. } => settings.problem(),
            Self::Haar { settings, .. } => settings.problem(),
            Self::SingleShot { settings, .. } => settings.problem(),
        }
    }

    /// The smallest face that it looks for, px of the frame.
    pub fn min_face(&self) -> f32 {
        match self {
            Self::Mtcnn { settings, .. } => settings.min_face,
            Self::Yunet { settings, .. } => settings.min_face,
            Self::Haar { settings, .. } => settings.min_face,
            Self::SingleShot { settings, .. } => settings.min_face,
        }
    }
}

/// A classifier and how its logits become an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassifierSpec {
    /// Payload: one input `[1, 1, size, size]`, its first output the logits `[1, classes]`.
    pub network: String,
    /// Identifier of the [`LabelSet`] of the logits; a list of names since runtime 3.
    pub labels: String,
    /// From a face to the input.
    pub preprocess: Preprocess,
    /// Arithmetic of the network.
    pub form: Form,
    /// Logits are divided by it before the softmax (Guo et al. 2017), `0.01..=100`.
    pub temperature: f32,
    /// A probability below it means unsure, `0..=1`.
    pub threshold: f32,
    /// Further steps from the outputs to probabilities. Since runtime 5.
    #[serde(default, skip_serializing_if = "Decision::is_neutral")]
    pub decision: Decision,
}

/// Arithmetic of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// 32-bit weights and activations.
    Float32,
    /// 8-bit weights, float arithmetic. Since runtime 2.
    W8,
    /// 8-bit weights and activations, integer arithmetic. Since runtime 2.
    Int8,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float32 => "32-bit floats",
            Self::W8 => "floats with 8-bit weights",
            Self::Int8 => "8-bit integers",
        })
    }
}

impl Form {
    /// The lowest [`RUNTIME`] that knows it.
    pub fn runtime(self) -> u32 {
        match self {
            Self::Float32 => 1,
            Self::W8 | Self::Int8 => 2,
        }
    }
}

/// One file inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// File name: `"pnet.onnx"`.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Hash of its bytes.
    pub sha256: Sha256,
}

impl Manifest {
    /// Whether it has a model card, without which a badge refuses it.
    pub fn has_card(&self) -> bool {
        !self.card.trim().is_empty()
    }

    /// Decodes a manifest and checks its entries.
    ///
    /// # Errors
    /// As [`Manifest::check`], and [`BundleError::Manifest`] for bytes that are not a manifest.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        let undecodable = |e: postcard::Error| wrong("encoding", e.to_string());
        // The rest may have a later layout, so this must be checked first.
        let (min_runtime, _) = postcard::take_from_bytes::<u32>(bytes).map_err(undecodable)?;
        if min_runtime > RUNTIME {
            return Err(BundleError::Runtime { needed: min_runtime });
        }
        let (manifest, rest) = Self::parse(bytes).map_err(undecodable)?;
        if !rest.is_empty() {
            return Err(wrong("encoding", format!("{} bytes are left over", rest.len())));
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks every entry.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] for the first invalid entry, [`BundleError::Runtime`] when a later program is needed.
    pub fn check(&self) -> Result<(), BundleError> {
        if self.min_runtime > RUNTIME {
            return Err(BundleError::Runtime { needed: self.min_runtime });
        }
        if self.name.is_empty() || self.name.len() > 64 {
            return Err(wrong("name", "it has 1 to 64 bytes"));
        }
        if self.name.contains(['\n', '\t']) {
            // It could pass for another line of what is printed about the bundle.
            return Err(wrong("name", "it has more than one line, or a tab"));
        }
        let needed = self.detector.runtime().max(self.classifier.runtime());
        if self.min_runtime < needed {
            return Err(wrong("min_runtime", format!("its networks need {needed}")));
        }
        self.check_payloads()?;
        for name in self.detector.payloads() {
            self.check_reference("detector", name)?;
        }
        if let Some(problem) = self.detector.problem() {
            return Err(wrong("detector.settings", problem));
        }
        self.check_reference("classifier.network", &self.classifier.network)?;
        self.classifier.check()
    }

    fn check_payloads(&self) -> Result<(), BundleError> {
        if self.payloads.len() > MAX_PAYLOADS {
            return Err(wrong("payloads", format!("more than {MAX_PAYLOADS}")));
        }
        for (index, payload) in self.payloads.iter().enumerate() {
            let name = &payload.name;
            // Names become files when a bundle is unpacked, so none may leave the folder.
            let stem = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
            let stem = stem.unwrap_or_default();
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            if stem.is_empty() || name.len() > 64 || !stem.bytes().all(plain) {
                let rule = "is not a name like `classifier.onnx` or `cascade.haar` (a-z, 0-9, - and _, at most 64 bytes)";
                return Err(wrong("payloads", format!("{name:?} {rule}")));
            }
            if self.payloads[..index].iter().any(|earlier| earlier.name == *name) {
                return Err(wrong("payloads", format!("{name:?} is there twice")));
            }
        }
        Ok(())
    }

    fn check_reference(&self, field: &str, name: &str) -> Result<(), BundleError> {
        if self.payloads.iter().any(|payload| payload.name == name) {
            return Ok(());
        }
        Err(wrong(field, format!("there is no payload {name:?}")))
    }
}

impl ClassifierSpec {
    /// The lowest [`RUNTIME`] that knows its form, its classes, its preprocessing and its decision.
    pub fn runtime(&self) -> u32 {
        let labels = LabelSet::by_id(&self.labels).map_or(1, |set| set.runtime());
        let since_5 = self.preprocess.normalise.runtime().max(self.decision.runtime());
        self.form.runtime().max(labels).max(since_5)
    }

    /// The classes of the logits.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] when no such label set is known.
    pub fn label_set(&self) -> Result<LabelSet, BundleError> {
        LabelSet::by_id(&self.labels).ok_or_else(|| {
            wrong("classifier.labels", format!("unknown label set {:?}", self.labels))
        })
    }

    /// Checks every entry.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] naming the first invalid entry.
    pub fn check(&self) -> Result<(), BundleError> {
        let labels = self.label_set()?;
        let Preprocess { size, landmarks, margin, mean, std, normalise } = &self.preprocess;
        let finite = |v: &f32| v.is_finite();
        let points = landmarks.points();
        let tests = [
            ("preprocess.size", "not in 8..=256 px", SIZES.contains(size)),
            (
                "preprocess.landmarks",
                "not finite",
                points.iter().all(|p| finite(&p.x) && finite(&p.y)),
            ),
            ("preprocess.margin", "not in -0.4..=2", (-0.4..=2.0).contains(margin)),
            ("preprocess.mean", "not in 0..=1", (0.0..=1.0).contains(mean)),
            ("preprocess.std", "not in 0.001..=10", (0.001..=10.0).contains(std)),
            ("temperature", "not in 0.01..=100", (0.01..=100.0).contains(&self.temperature)),
            ("threshold", "not in 0..=1", (0.0..=1.0).contains(&self.threshold)),
        ];
        if let Some((field, reason, _)) = tests.into_iter().find(|(_, _, holds)| !holds) {
            return Err(wrong(&format!("classifier.{field}"), reason));
        }
        if let Some((field, reason)) = normalise.problem() {
            return Err(wrong(&format!("classifier.preprocess.normalise.{field}"), reason));
        }
        let decision = self.decision.check(&labels);
        decision
            .map_err(|error| wrong(&format!("classifier.decision.{}", error.field), error.reason))
    }
}

fn wrong(field: &str, reason: impl Into<String>) -> BundleError {
    BundleError::Manifest { field: field.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::super::container::tests::manifest;
    use super::*;
    use crate::failure::Failure as _;
    use crate::normalise::Normalise;

    #[test]
    fn json_and_postcard_give_the_manifest_back() {
        let manifest = manifest();
        let json = serde_json::to_string(&manifest).unwrap();
        assert!(json.contains(&Sha256::of(b"pnet").to_string()), "{json}");
        assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
        assert_eq!(Manifest::decode(&manifest.encode().unwrap()).unwrap(), manifest);
    }

    #[test]
    fn asks_for_a_newer_program_even_when_the_rest_is_unreadable() {
        let bytes = postcard::to_stdvec(&(RUNTIME + 1)).unwrap();
        let error = Manifest::decode(&bytes).unwrap_err();
        let needed = format!("needs runtime {}", RUNTIME + 1);
        assert!(error.to_string().contains(&needed), "{error}");
        assert!(error.help().unwrap().contains("Update the program"));
    }

    #[test]
    fn a_bundle_may_not_promise_less_than_its_form_needs() {
        let mut manifest = manifest();
        manifest.classifier.form = Form::W8;
        manifest.min_runtime = 1;
        let error = manifest.check().unwrap_err().to_string();
        assert!(error.contains("min_runtime"), "{error}");
        manifest.min_runtime = Form::W8.runtime();
        manifest.check().unwrap();
        manifest.classifier.labels = "anger,neutral".to_owned();
        let error = manifest.check().unwrap_err().to_string();
        assert!(error.contains("its networks need 3"), "{error}");
    }

    #[test]
    fn names_the_entry_that_cannot_be() {
        type Change = fn(&mut Manifest);
        let changes: [(&str, Change); 13] = [
            ("name", |m| m.name.clear()),
            ("name", |m| m.name = "default 9\nsigned by".into()),
            ("payloads", |m| m.payloads[0].name = "../pnet.onnx".into()),
            ("payloads", |m| m.payloads[1].name = "pnet.onnx".into()),
            ("payloads", |m| m.payloads[0].name = "manifest.json".into()),
            ("classifier.network", |m| m.classifier.network = "other.onnx".into()),
            ("classifier.labels", |m| m.classifier.labels = "fer-9".into()),
            ("classifier.preprocess.size", |m| m.classifier.preprocess.size = usize::MAX),
            ("classifier.preprocess.std", |m| m.classifier.preprocess.std = 0.0),
            ("classifier.preprocess.normalise.floor", |m| {
                m.classifier.preprocess.normalise = Normalise::Face { floor: 0.0, gain: 1.0 };
            }),
            ("classifier.decision.prior.shares", |m| m.classifier.decision.prior.strength = 0.5),
            ("classifier.temperature", |m| m.classifier.temperature = f32::NAN),
            ("detector.settings", |m| {
                let DetectorSpec::Mtcnn { settings, .. } = &mut m.detector else { return };
                settings.min_face = 0.0;
            }),
        ];
        for (field, change) in changes {
            let mut manifest = manifest();
            change(&mut manifest);
            let error = manifest.check().unwrap_err().to_string();
            assert!(error.contains(&format!(" {field}: ")), "{field}: {error}");
        }
        manifest().check().unwrap();
    }
}
