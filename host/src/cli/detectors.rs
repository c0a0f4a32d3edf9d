//! Detectors named on the command line: a folder with MTCNN's three networks, a bundle's file or `default`.

use std::borrow::Cow;
use std::path::Path;

use emocue_models::bundle::manifest::DetectorSpec;
use emocue_models::bundle::{Bundle, bytes_of, in_bundle};
use emocue_models::failure::Failure;
use emocue_run::mtcnn::{Mtcnn, MtcnnNets, MtcnnSettings};
use emocue_run::{Detector, RunError, networks};

use crate::import::mtcnn::nets_in;

/// A detector that can be opened several times, with different thresholds.
pub(super) struct NamedDetector {
    /// Its name on the command line.
    pub(super) name: String,
    source: Source,
}

enum Source {
    Folder(MtcnnNets, MtcnnSettings),
    Bundle(Cow<'static, [u8]>, DetectorSpec),
}

impl NamedDetector {
    /// Reads a detector's files; `min_face` (px) replaces its own setting.
    pub(super) fn read(name: &Path, min_face: Option<f32>) -> Result<Self, Box<dyn Failure>> {
        let source = if name.is_dir() {
            let usual = MtcnnSettings::default();
            let min_face = min_face.unwrap_or(usual.min_face);
            Source::Folder(nets_in(name)?, MtcnnSettings { min_face, ..usual })
        } else {
            let bytes = bytes_of(name)?;
            let bundle = Bundle::read(&bytes).map_err(in_bundle(name))?;
            let spec = bundle.manifest().detector.clone();
            let spec = min_face.map_or(spec.clone(), |min_face| spec.looking_for(min_face));
            Source::Bundle(bytes, spec)
        };
        Ok(Self { name: name.display().to_string(), source })
    }

    /// Its threshold, the lowest score of a face.
    pub(super) fn threshold(&self) -> f32 {
        match &self.source {
            Source::Folder(_, settings) => settings.thresholds[2],
            Source::Bundle(_, spec) => spec.threshold(),
        }
    }

    /// Opens the detector, with the threshold `score` if that is below its own.
    pub(super) fn open(&self, score: Option<f32>) -> Result<Box<dyn Detector + Send>, RunError> {
        match &self.source {
            Source::Folder(nets, settings) => {
                let settings = settings.accepting(score.unwrap_or(1.0));
                Ok(Box::new(Mtcnn::load(nets, settings)?))
            }
            Source::Bundle(bytes, spec) => {
                let invalid = |error: emocue_models::bundle::BundleError| RunError {
                    model: self.name.clone(),
                    what: "cannot read the bundle",
                    reason: error.to_string(),
                };
                let bundle = Bundle::read(bytes).map_err(invalid)?;
                networks::detector(&bundle, spec, score)
            }
        }
    }
}
