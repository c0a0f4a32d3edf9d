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
        let spec = min_face.map_or(spec.clone(), |min_face| spec.looking_for(min_face));
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
}
