//! A detector's parts for a bundle: its networks and their settings.

use emocue_models::bundle::Bundle;
use emocue_models::bundle::detector::YunetSettings;
use emocue_models::bundle::manifest::DetectorSpec;
use emocue_run::haar::HaarSettings;
use emocue_run::mtcnn::{MtcnnNets, MtcnnSettings};
use emocue_run::single_shot::{Outputs, SingleShotSettings};

use crate::import::mtcnn::FILES;

/// Payload names of detectors with one file.
const YUNET: &str = "yunet.onnx";
const HAAR: &str = "cascade.haar";
const FACE: &str = "face.onnx";

/// A detector's networks and their description.
#[derive(Clone, Debug)]
pub struct DetectorParts {
    /// Kind, payload names and settings.
    pub spec: DetectorSpec,
    /// Payload names and their content.
    pub networks: Vec<(String, Vec<u8>)>,
}

impl DetectorParts {
    /// MTCNN's three networks.
    pub fn mtcnn(nets: MtcnnNets, settings: MtcnnSettings) -> Self {
        let [pnet, rnet, onet] = FILES.map(str::to_owned);
        let networks =
            vec![(pnet.clone(), nets.pnet), (rnet.clone(), nets.rnet), (onet.clone(), nets.onet)];
        Self { spec: DetectorSpec::Mtcnn { pnet, rnet, onet, settings }, networks }
    }

    /// A single-shot network over the whole frame, with or without O-Net. A network that older badges support is
    /// described in their format.
    pub fn single_shot(
        onnx: Vec<u8>,
        outputs: Outputs,
        onet: Option<Vec<u8>>,
        settings: SingleShotSettings,
    ) -> Self {
        let SingleShotSettings { min_face, sure, overlap, .. } = settings;
        let simple = YunetSettings { min_face, threshold: sure, overlap };
        if outputs == Outputs::Yunet
            && onet.is_none()
            && SingleShotSettings::from(simple) == settings
        {
            return Self::yunet(onnx, simple);
        }
        let network = match outputs {
            Outputs::Yunet => YUNET,
            Outputs::Face => FACE,
        };
        let [_, _, name] = FILES;
        let spec = DetectorSpec::SingleShot {
            network: network.to_owned(),
            outputs,
            onet: onet.as_ref().map(|_| name.to_owned()),
            settings,
        };
        let onet = onet.map(|bytes| (name.to_owned(), bytes));
        Self { spec, networks: [(network.to_owned(), onnx)].into_iter().chain(onet).collect() }
    }

    /// YuNet's graph.
    pub fn yunet(onnx: Vec<u8>, settings: YunetSettings) -> Self {
        let spec = DetectorSpec::Yunet { network: YUNET.to_owned(), settings };
        Self { spec, networks: vec![(YUNET.to_owned(), onnx)] }
    }

    /// A Haar cascade, as `emocue import haar` writes it.
    pub fn haar(cascade: Vec<u8>, settings: HaarSettings) -> Self {
        let spec = DetectorSpec::Haar { cascade: HAAR.to_owned(), settings };
        Self { spec, networks: vec![(HAAR.to_owned(), cascade)] }
    }

    /// The detector of a bundle, with all its settings.
    pub fn of_bundle(bundle: &Bundle<'_>) -> Self {
        let spec = bundle.manifest().detector.clone();
        // A manifest that was read names only existing payloads.
        let bytes = |name: &str| bundle.payload(name).unwrap_or_default().to_vec();
        let names = spec.payloads().into_iter();
        let networks = names.map(|name| (name.to_owned(), bytes(name))).collect();
        Self { spec, networks }
    }
}
