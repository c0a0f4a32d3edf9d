use super::super::DEFAULT;
use super::super::manifest::{ClassifierSpec, DetectorSpec, Form, RUNTIME};
use super::*;
use crate::bundle::detector::MtcnnSettings;
use crate::crop::Preprocess;
use crate::decision::Decision;
use crate::failure;
use proptest::prelude::*;

const PAYLOADS: [(&str, &[u8]); 4] = [
    ("pnet.onnx", b"pnet"),
    ("rnet.onnx", b"r"),
    ("onet.onnx", b""),
    ("classifier.onnx", b"classifier"),
];

/// A manifest that describes [`PAYLOADS`].
pub(in super::super) fn manifest() -> Manifest {
    let entry = |(name, bytes): (&str, &[u8])| Payload {
        name: name.to_owned(),
        bytes: bytes.len() as u64,
        sha256: Sha256::of(bytes),
    };
    Manifest {
        min_runtime: RUNTIME,
        name: "small".into(),
        content_version: 3,
        detector: DetectorSpec::Mtcnn {
            pnet: "pnet.onnx".into(),
            rnet: "rnet.onnx".into(),
            onet: "onet.onnx".into(),
            settings: MtcnnSettings::default(),
        },
        classifier: ClassifierSpec {
            network: "classifier.onnx".into(),
            labels: "ferplus-8".into(),
            preprocess: Preprocess::default(),
            form: Form::Float32,
            temperature: 1.25,
            threshold: 0.5,
            decision: Decision::default(),
        },
        payloads: PAYLOADS.map(entry).to_vec(),
        metrics: [("ferplus.private.plurality".to_owned(), 0.79)].into(),
        provenance: [("seed".to_owned(), "1".to_owned())].into(),
        card: "# Small\n".into(),
    }
}

fn small() -> Vec<u8> {
    Bundle::pack(manifest(), &PAYLOADS).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    failure::line(&Bundle::read(bytes).unwrap_err())
}

#[test]
fn reads_what_was_packed() {
    let bytes = small();
    let bundle = Bundle::read(&bytes).unwrap();
    assert_eq!(*bundle.manifest(), manifest());
    assert_eq!(bundle.payloads().collect::<Vec<_>>(), PAYLOADS);
    assert_eq!(bundle.payload("classifier.onnx"), Some(&b"classifier"[..]));
    assert_eq!(bundle.payload("other.onnx"), None);
}

#[test]
fn the_default_bundle_is_whole_and_has_a_card() {
    let bundle = Bundle::read(DEFAULT).unwrap();
    assert!(!bundle.manifest().card.trim().is_empty());
}

#[test]
fn what_this_program_could_not_read_is_not_packed() {
    let later = Manifest { min_runtime: RUNTIME + 1, ..manifest() };
    let error = Bundle::pack(later, &PAYLOADS).unwrap_err();
    assert!(matches!(error, BundleError::Runtime { .. }), "{error}");
}

fn signed() -> Vec<u8> {
    Bundle::sign(&small(), &SecretKey::from_seed(&[1; 32])).unwrap()
}

#[test]
fn a_signature_tells_its_signer_and_the_last_one_counts() {
    assert_eq!(Bundle::read(&small()).unwrap().signer(), None);
    let signed = signed();
    let bundle = Bundle::read(&signed).unwrap();
    assert_eq!(bundle.signer(), Some(SecretKey::from_seed(&[1; 32]).public()));
    assert_eq!(*bundle.manifest(), manifest());
    let other = SecretKey::from_seed(&[2; 32]);
    let again = Bundle::sign(&signed, &other).unwrap();
    assert_eq!(Bundle::read(&again).unwrap().signer(), Some(other.public()));
    assert_eq!(again.len(), signed.len());
}

#[test]
fn another_manifest_under_an_old_signature_is_a_forgery() {
    let signed = signed();
    let seal = &signed[signed.len() - signature::LENGTH - 2..];
    let other = Manifest { content_version: 4, ..manifest() };
    let mut forged = Bundle::pack(other, &PAYLOADS).unwrap();
    forged.truncate(forged.len() - 2);
    forged.extend(seal);
    assert!(refusal(&forged).contains("the signature is not its signer's"));
}

#[test]
fn every_flipped_bit_of_every_byte_is_noticed() {
    for whole in [small(), signed()] {
        for offset in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[offset] ^= 1 << bit;
                assert!(Bundle::read(&bytes).is_err(), "bit {bit} of byte {offset}");
            }
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_noticed() {
    for mut bytes in [small(), signed()] {
        for length in 0..bytes.len() {
            let error = refusal(&bytes[..length]);
            assert!(length < 8 || error.contains("the file ends inside"), "{length}: {error}");
        }
        let end = bytes.len();
        bytes.push(0);
        assert!(refusal(&bytes).starts_with(&format!("byte {end}: 1 bytes follow")));
    }
}

#[test]
fn says_where_the_damage_is_and_what_to_do() {
    let whole = small();
    let length = whole.len();
    let cases: [(usize, u8, &str); 6] = [
        (0, b'P', "byte 0: not an Emocue bundle; make one with `emocue bundle pack`"),
        (8, 2, "byte 8: container version 2, but this program reads version 1; update"),
        (10, 1, "byte 10: unknown flags 0x0001; update"),
        (50, 0xff, "byte 48: the manifest is damaged, its SHA-256 differs; copy the bundle again"),
        (length - 3, b'R', "payload classifier.onnx is damaged"),
        (length - 2, 64, "a signature of 64 bytes, which this program cannot check; update"),
    ];
    for (offset, value, expected) in cases {
        let mut bytes = whole.clone();
        bytes[offset] = value;
        let error = refusal(&bytes);
        assert!(error.contains(expected), "{error}");
    }
    assert!(
        refusal(&whole[..length - 3]).contains("inside payload classifier.onnx, 1 bytes early")
    );
}

#[test]
fn refuses_to_pack_what_it_would_refuse_to_read() {
    assert!(Bundle::pack(manifest(), &PAYLOADS[..3]).is_err());
    let long = Manifest { card: "x".repeat(MAX_MANIFEST), ..manifest() };
    assert!(Bundle::pack(long, &PAYLOADS).unwrap_err().to_string().contains("card"));
}

#[test]
fn a_huge_claim_allocates_nothing() {
    // The hashes are right and the sizes are not: only the bounds checks prevent a huge allocation.
    let mut manifest = manifest();
    manifest.payloads[0].bytes = u64::MAX;
    let encoded = manifest.encode().unwrap();
    let mut bytes = small();
    bytes.truncate(12);
    bytes.extend((encoded.len() as u32).to_le_bytes());
    bytes.extend(Sha256::of(&encoded).0);
    bytes.extend(encoded);
    assert!(refusal(&bytes).contains("the file ends inside payload pnet.onnx"));
    bytes[12..16].fill(0xff);
    assert!(refusal(&bytes).contains("byte 12: the manifest's length is damaged"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_after_a_good_header_never_panic(
        manifest in prop::collection::vec(any::<u8>(), 0..400), rest: [u8; 8],
    ) {
        let mut bytes = small();
        bytes.truncate(12);
        bytes.extend((manifest.len() as u32).to_le_bytes());
        bytes.extend(Sha256::of(&manifest).0);
        bytes.extend(manifest);
        bytes.extend(rest);
        prop_assert!(Bundle::read(&bytes).is_err());
    }
}
