//! The bundle's bytes, format version 1. Integers are little-endian.
//!
//! | Bytes | What |
//! |---|---|
//! | 8 | magic `"EMOCUE\r\n"`; the line end shows a copy made in text mode |
//! | 2 | container version, 1 |
//! | 2 | flags, 0 |
//! | 4 | length of the manifest |
//! | 32 | SHA-256 of the manifest |
//! | ... | manifest, postcard |
//! | ... | payloads, one after the other in the manifest's order, each with its SHA-256 there |
//! | 2 | length of the signature: 0, or 96 |
//! | 96 | public key and ed25519 signature of the first 48 bytes, see [`super::signature`] |
//!
//! So every byte is covered by a check: nothing can change unseen, and with a signature nothing can be changed but by
//! its signer.

use std::io::Read as _;
use std::path::Path;

use super::BundleError;
use super::manifest::{Manifest, Payload, Sha256};
use super::signature::{self, PublicKey, SecretKey};

/// The first bytes of every bundle.
pub const MAGIC: [u8; 8] = *b"EMOCUE\r\n";

/// The one container version this program reads and writes.
pub const VERSION: u16 = 1;

/// Largest bundle, bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// Everything before the manifest, bytes.
const HEADER: usize = 48;

/// Largest manifest with its model card, bytes.
const MAX_MANIFEST: usize = 1 << 20;

/// A bundle whose every byte is checked; the payloads lie in the bytes it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle<'a> {
    manifest: Manifest,
    payloads: Vec<&'a [u8]>,
    signer: Option<PublicKey>,
}

impl<'a> Bundle<'a> {
    /// Reads and checks a whole bundle.
    ///
    /// # Errors
    /// [`BundleError`] for any difference from what was packed, naming the byte and the part.
    pub fn read(bytes: &'a [u8]) -> Result<Self, BundleError> {
        if bytes.len() > MAX_BYTES {
            return Err(BundleError::TooLarge { bytes: bytes.len() as u64 });
        }
        let mut reader = Reader { bytes, offset: 0 };
        let magic = reader.bytes.get(..MAGIC.len());
        if magic.is_none_or(|magic| magic != MAGIC) {
            return Err(BundleError::NotABundle);
        }
        reader.offset = MAGIC.len();
        let found = u16::from_le_bytes(reader.array("the header")?);
        if found != VERSION {
            return Err(BundleError::Version { found });
        }
        let found = u16::from_le_bytes(reader.array("the header")?);
        if found != 0 {
            return Err(BundleError::Flags { found });
        }
        let length = u32::from_le_bytes(reader.array("the header")?);
        if length as usize > MAX_MANIFEST {
            return Err(BundleError::Damaged { offset: 12, what: "the manifest's length".into() });
        }
        let digest = Sha256(reader.array("the header")?);
        let manifest = reader.hashed(u64::from(length), digest, "the manifest")?;
        let manifest = Manifest::decode(manifest)?;
        let mut payloads = Vec::with_capacity(manifest.payloads.len());
        for Payload { name, bytes, sha256 } in &manifest.payloads {
            payloads.push(reader.hashed(*bytes, *sha256, &format!("payload {name}"))?);
        }
        let signer = reader.end()?;
        Ok(Self { manifest, payloads, signer })
    }

    /// Packs payloads in the order of `manifest.payloads`, whose sizes and hashes are filled in here.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] when the manifest does not describe these payloads,
    /// [`BundleError::TooLarge`] when the bundle would be refused for its size.
    pub fn pack(
        mut manifest: Manifest,
        payloads: &[(&str, &[u8])],
    ) -> Result<Vec<u8>, BundleError> {
        let entry = |(name, bytes): &(&str, &[u8])| Payload {
            name: (*name).to_owned(),
            bytes: bytes.len() as u64,
            sha256: Sha256::of(bytes),
        };
        manifest.payloads = payloads.iter().map(entry).collect();
        manifest.check()?;
        let encoded = manifest.encode()?;
        if encoded.len() > MAX_MANIFEST {
            return Err(BundleError::Manifest {
                field: "card".into(),
                reason: format!("the manifest has more than {MAX_MANIFEST} bytes"),
            });
        }
        let mut bundle = MAGIC.to_vec();
        bundle.extend(VERSION.to_le_bytes());
        bundle.extend(0_u16.to_le_bytes());
        bundle.extend((encoded.len() as u32).to_le_bytes());
        bundle.extend(Sha256::of(&encoded).0);
        bundle.extend(encoded);
        for (_, bytes) in payloads {
            bundle.extend_from_slice(bytes);
        }
        bundle.extend(0_u16.to_le_bytes());
        if bundle.len() > MAX_BYTES {
            return Err(BundleError::TooLarge { bytes: bundle.len() as u64 });
        }
        Ok(bundle)
    }

    /// The same bundle, packed or read before, with the signature of `key` in place of any other.
    ///
    /// # Errors
    /// [`BundleError`] when `bundle` is not whole.
    pub fn sign(bundle: &[u8], key: &SecretKey) -> Result<Vec<u8>, BundleError> {
        let seal = Bundle::read(bundle)?.signer.map_or(0, |_| signature::LENGTH);
        let end = bundle.len() - seal - size_of::<u16>();
        let mut signed = bundle[..end].to_vec();
        signed.extend((signature::LENGTH as u16).to_le_bytes());
        signed.extend(key.sign(&bundle[..HEADER]));
        match signed.len() {
            0..=MAX_BYTES => Ok(signed),
            bytes => Err(BundleError::TooLarge { bytes: bytes as u64 }),
        }
    }

    /// Whose signature it has. That it is genuine was checked; whether to trust that key is another question.
    pub fn signer(&self) -> Option<PublicKey> {
        self.signer
    }

    /// What the bundle says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every payload with its name, in order.
    pub fn payloads(&self) -> impl Iterator<Item = (&str, &'a [u8])> {
        self.manifest
            .payloads
            .iter()
            .zip(&self.payloads)
            .map(|(p, bytes)| (p.name.as_str(), *bytes))
    }

    /// The payload called `name`.
    pub fn payload(&self, name: &str) -> Option<&'a [u8]> {
        self.payloads().find(|(n, _)| *n == name).map(|(_, bytes)| bytes)
    }
}

/// The bytes of a bundle's file, still unchecked; never more than a bundle may have.
///
/// # Errors
/// [`BundleError::File`] or [`BundleError::TooLarge`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, BundleError> {
    let failed = |source| BundleError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_BYTES {
        return Err(BundleError::TooLarge { bytes: bytes.len() as u64 });
    }
    Ok(bytes)
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64, what: &str) -> Result<&'a [u8], BundleError> {
        let rest = &self.bytes[self.offset..];
        let part = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let part = part.ok_or_else(|| BundleError::Truncated {
            offset: self.offset,
            what: what.to_owned(),
            missing: length - rest.len() as u64,
        })?;
        self.offset += part.len();
        Ok(part)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], BundleError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    fn hashed(&mut self, length: u64, digest: Sha256, what: &str) -> Result<&'a [u8], BundleError> {
        let offset = self.offset;
        let part = self.take(length, what)?;
        if Sha256::of(part) != digest {
            return Err(BundleError::Damaged { offset, what: what.to_owned() });
        }
        Ok(part)
    }

    fn end(mut self) -> Result<Option<PublicKey>, BundleError> {
        let offset = self.offset;
        let length = u16::from_le_bytes(self.array("the signature's length")?);
        let signer = match usize::from(length) {
            0 => None,
            signature::LENGTH => {
                let seal = self.array("the signature")?;
                let signer = signature::signer(&self.bytes[..HEADER], &seal);
                Some(signer.ok_or(BundleError::Forged { offset })?)
            }
            _ => return Err(BundleError::Signature { offset, length }),
        };
        match self.bytes.len() - self.offset {
            0 => Ok(signer),
            bytes => Err(BundleError::Trailing { offset: self.offset, bytes }),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::DEFAULT;
    use super::super::manifest::{ClassifierSpec, DetectorSpec, Form, RUNTIME};
    use super::*;
    use crate::crop::Preprocess;
    use crate::luma::Luma;
    use crate::run::Networks;
    use crate::run::mtcnn::MtcnnSettings;
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
        Bundle::read(bytes).unwrap_err().to_string()
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
    fn the_default_bundle_is_whole_and_runs() {
        let bundle = Bundle::read(DEFAULT).unwrap();
        assert!(!bundle.manifest().card.trim().is_empty());
        let mut networks = Networks::from_bundle(&bundle, Some(60.0)).unwrap();
        let mut faces = Vec::new();
        networks.detector.detect(&Luma::new(160, 120), &mut faces).unwrap();
        assert_eq!(faces, []);
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
            (0, b'P', "byte 0: this is no Emocue bundle; make one with `emocue bundle pack`"),
            (8, 2, "byte 8: container version 2, but this program reads version 1; update"),
            (10, 1, "byte 10: unknown flags 0x0001; update"),
            (
                50,
                0xff,
                "byte 48: the manifest is damaged, its SHA-256 differs; copy the bundle again",
            ),
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
        // Hashes that fit, sizes that do not: only the bounds stand between this and the allocator.
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
}
