//! The networks of a bundle.

use super::haar::Haar;
use super::mtcnn::{Mtcnn, MtcnnNets};
use super::single_shot::{Outputs, SingleShot};
use super::{Detector, ExpressionNet, RunError};
use emocue_models::bundle::Bundle;
use emocue_models::bundle::manifest::DetectorSpec;

/// A bundle's networks, ready to run. The bundle's bytes are no longer needed.
pub struct Networks {
    /// Finds faces.
    pub detector: Box<dyn Detector + Send>,
    /// Classifies expressions.
    pub classifier: ExpressionNet,
}

impl Networks {
    /// Loads the networks; `min_face` (px of the frame) replaces the bundle's own where it is given.
    ///
    /// # Errors
    /// [`RunError`] when a network does not run or the minimum face is out of range.
    pub fn from_bundle(bundle: &Bundle<'_>, min_face: Option<f32>) -> Result<Self, RunError> {
        let spec = bundle.manifest().detector.clone();
        let spec = match min_face {
            Some(min_face) => with_min_face(spec, min_face)?,
            None => spec,
        };
        let detector = detector(bundle, &spec, None)?;
        Ok(Self { detector, classifier: ExpressionNet::from_bundle(bundle)? })
    }

    /// Integer parts of the networks that the integer engine does not run, and why: a line each.
    pub fn left_to_tract(&self) -> Vec<String> {
        let regions = self.detector.regions().into_iter().chain(self.classifier.regions());
        let left = regions.filter(|(_, region)| region.engine.is_err());
        left.map(|(network, region)| format!("{network}: {region}")).collect()
    }
}

/// [`RunError::what`] of a minimum face that the bundle's detector cannot have.
pub(crate) const MIN_FACE: &str = "cannot search for faces of that size";

fn with_min_face(spec: DetectorSpec, min_face: f32) -> Result<DetectorSpec, RunError> {
    let spec = spec.looking_for(min_face);
    match spec.problem() {
        Some(problem) => Err(RunError {
            model: "detector".to_owned(),
            what: MIN_FACE,
            reason: format!("{min_face} px: {problem}"),
        }),
        None => Ok(spec),
    }
}

/// A bundle's detector as described by `spec`, which is the manifest's own or one with other settings. If `from`
/// (`0..=1`) is given and lower than its own threshold, it reports all faces with that score or more.
///
/// # Errors
/// [`RunError`] when a network does not run or a setting is out of range.
pub fn detector(
    bundle: &Bundle<'_>,
    spec: &DetectorSpec,
    from: Option<f32>,
) -> Result<Box<dyn Detector + Send>, RunError> {
    // A manifest that was read names only payloads that are there.
    let payload = |name: &str| bundle.payload(name).unwrap_or_default();
    let from = from.unwrap_or(f32::INFINITY);
    let single_shot = |network: &str, outputs, onet: Option<&str>, settings| {
        let net = SingleShot::load(payload(network), outputs, onet.map(payload), settings)?;
        Ok(Box::new(net.reporting_from(from)))
    };
    Ok(match spec {
        DetectorSpec::Mtcnn { pnet, rnet, onet, settings } => {
            let nets = MtcnnNets { pnet: payload(pnet), rnet: payload(rnet), onet: payload(onet) };
            Box::new(Mtcnn::load(&nets, settings.accepting(from))?)
        }
        DetectorSpec::Yunet { network, settings } => {
            single_shot(network, Outputs::Yunet, None, (*settings).into())?
        }
        DetectorSpec::Haar { cascade, settings } => {
            Box::new(Haar::load(payload(cascade), settings.accepting(from))?)
        }
        DetectorSpec::SingleShot { network, outputs, onet, settings } => {
            single_shot(network, *outputs, onet.as_deref(), *settings)?
        }
    })
}

#[cfg(test)]
mod tests {
    use emocue_models::bundle::DEFAULT;
    use emocue_models::failure::{Failure as _, exit};
    use emocue_models::luma::Luma;

    use super::*;

    #[test]
    fn the_default_bundle_runs() {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut networks = Networks::from_bundle(&bundle, Some(60.0)).unwrap();
        let regions = networks.detector.regions().len() + networks.classifier.regions().count();
        assert_eq!(regions, 3, "the detector, O-Net and the classifier");
        if emocue_kernels::Isa::best() != emocue_kernels::Isa::PORTABLE {
            assert_eq!(networks.left_to_tract(), Vec::<String>::new());
        }
        let mut faces = Vec::new();
        networks.detector.detect(&Luma::new(160, 120), &mut faces).unwrap();
        assert_eq!(faces, []);
    }

    /// A network's input is padded: without a limit, a line of 50 megapixels would take gigabytes.
    #[test]
    fn frames_that_are_long_and_thin_take_no_more_than_others() {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut detector = Networks::from_bundle(&bundle, None).unwrap().detector;
        let mut faces = Vec::new();
        for (width, height) in [(50_000_000, 1), (1, 50_000_000), (19, 600_000), (0, 5)] {
            detector.detect(&Luma::new(width, height), &mut faces).unwrap();
            assert_eq!(faces, [], "{width}x{height}");
        }
    }

    #[test]
    fn a_smallest_face_that_the_detector_cannot_have_is_the_users_mistake() {
        let bundle = Bundle::read(DEFAULT).unwrap();
        for min_face in [12.0, 5000.0, f32::NAN] {
            let Err(error) = Networks::from_bundle(&bundle, Some(min_face)) else {
                panic!("{min_face}")
            };
            assert_eq!(error.exit_code(), exit::USAGE);
            assert!(error.help().unwrap().contains("--min-face"), "{error}");
        }
    }
}
