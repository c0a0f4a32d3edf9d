//! Bundles: the container, its manifest, its signature.

use arbitrary::Unstructured;
use emocue_models::bundle::detector::{
    HaarSettings, MtcnnSettings, Outputs, SingleShotSettings, YunetSettings,
};
use emocue_models::bundle::manifest::{ClassifierSpec, DetectorSpec, Form, Payload, RUNTIME};
use emocue_models::bundle::{Bundle, Manifest, SecretKey, Sha256};
use emocue_models::crop::Preprocess;
use emocue_models::decision::{Decision, Measure, Prior, SecondHead};
use emocue_models::failure::{self, Failure};

use crate::FuzzTarget;

/// Any file as a bundle.
pub const BUNDLE: FuzzTarget = FuzzTarget {
    name: "bundle",
    what: "a bundle's file, hashes and all: what is read packs again to the same",
    run: container,
    seeds: || (0..KINDS).flat_map(|kind| [small(kind), sealed(kind)]).collect(),
};

/// A manifest with the hashes that fit.
pub const MANIFEST: FuzzTarget = FuzzTarget {
    name: "manifest",
    what: "a manifest whose hashes are right: what passes the check packs and reads",
    run: manifest,
    seeds: || (0..KINDS).map(|kind| encoded(&described(kind))).collect(),
};

/// Changes to a signed bundle.
pub const SIGNATURE: FuzzTarget = FuzzTarget {
    name: "signature",
    what: "changes to a signed bundle: none passes as the signer's",
    run: signature,
    seeds: || vec![vec![1, 0, 0, 7], vec![60, 0, 1, 60, 0, 1, 9], vec![255; 40]],
};

const NAMES: [&str; 4] = ["pnet.onnx", "rnet.onnx", "onet.onnx", "classifier.onnx"];

/// Kinds of detectors.
const KINDS: u8 = 4;

fn described(kind: u8) -> Manifest {
    let [pnet, rnet, onet, network] = NAMES.map(str::to_owned);
    let entry = |name: &str| Payload { name: name.into(), bytes: 4, sha256: Sha256::of(b"data") };
    Manifest {
        min_runtime: RUNTIME,
        name: "small".into(),
        content_version: 3,
        detector: match kind {
            0 => {
                let settings = MtcnnSettings::default();
                DetectorSpec::Mtcnn { pnet, rnet, onet, settings }
            }
            1 => DetectorSpec::Yunet { network: pnet, settings: YunetSettings::default() },
            2 => DetectorSpec::Haar { cascade: pnet, settings: HaarSettings::default() },
            _ => {
                let settings = SingleShotSettings::default();
                let (outputs, onet) = (Outputs::Face, Some(onet));
                DetectorSpec::SingleShot { network: pnet, outputs, onet, settings }
            }
        },
        classifier: ClassifierSpec {
            network,
            labels: "ferplus-8".into(),
            preprocess: Preprocess::default(),
            form: Form::Int8,
            temperature: 1.25,
            threshold: 0.5,
            // The last kind has everything that came with runtime 5.
            decision: if kind == KINDS - 1 { decision() } else { Decision::default() },
        },
        payloads: NAMES.map(entry).to_vec(),
        metrics: [("accuracy".to_owned(), 0.5)].into(),
        provenance: [("seed".to_owned(), "1".to_owned())].into(),
        card: "# Small\n".into(),
    }
}

fn decision() -> Decision {
    let prior = |classes| Prior { strength: 0.5, shares: vec![0.25; classes] };
    let mut decision = Decision { prior: prior(8), energy_limit: Some(1.0), ..Decision::default() };
    decision.quality.light = Measure { good: 40.0, weight: 0.5 };
    decision.second = Some(SecondHead {
        output: 1,
        labels: "fer-7".into(),
        weight: 0.25,
        temperature: 1.5,
        prior: prior(7),
    });
    decision
}

fn encoded(manifest: &Manifest) -> Vec<u8> {
    manifest.encode().expect("a manifest can be encoded")
}

fn small(kind: u8) -> Vec<u8> {
    let payloads = NAMES.map(|name| (name, &b"data"[..]));
    Bundle::pack(described(kind), &payloads).expect("a good manifest")
}

fn sealed(kind: u8) -> Vec<u8> {
    Bundle::sign(&small(kind), &key()).expect("a good bundle")
}

fn key() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

fn container(data: &[u8]) {
    match Bundle::read(data) {
        Ok(bundle) => packs_again(&bundle),
        Err(error) => drop((failure::line(&error), error.help(), error.exit_code())),
    }
}

/// Floats that are not numbers differ from themselves, so bytes are compared.
fn packs_again(bundle: &Bundle<'_>) {
    let payloads: Vec<_> = bundle.payloads().collect();
    let packed = Bundle::pack(bundle.manifest().clone(), &payloads).expect("it was read");
    let again = Bundle::read(&packed).expect("it was packed");
    assert_eq!(encoded(again.manifest()), encoded(bundle.manifest()));
    assert_eq!(again.payloads().collect::<Vec<_>>(), payloads);
}

fn manifest(data: &[u8]) {
    let mut file = small(0)[..12].to_vec();
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(Sha256::of(data).0);
    file.extend(data);
    file.extend(b"datadatadatadata\0\0");
    container(&file);
    let Ok((manifest, _)) = Manifest::parse(data) else { return };
    let names: Vec<_> = manifest.payloads.iter().map(|it| it.name.clone()).collect();
    let payloads: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    match Bundle::pack(manifest, &payloads) {
        Ok(packed) => packs_again(&Bundle::read(&packed).expect("it was packed")),
        Err(error) => drop(failure::line(&error)),
    }
}

fn signature(data: &[u8]) {
    thread_local!(static SIGNED: Vec<u8> = sealed(0));
    SIGNED.with(|signed| {
        let mut bytes = signed.clone();
        let mut input = Unstructured::new(data);
        while !input.is_empty() {
            let (at, value) = input.arbitrary::<(u16, u8)>().unwrap_or_default();
            match bytes.get_mut(usize::from(at)) {
                Some(byte) => *byte ^= value,
                None if value < 128 => bytes.push(value),
                None => drop(bytes.pop()),
            }
        }
        if bytes == *signed {
            return;
        }
        let signer = Bundle::read(&bytes).map(|bundle| bundle.signer());
        assert_ne!(signer.ok().flatten(), Some(key().public()), "a changed bundle passes");
    });
}
