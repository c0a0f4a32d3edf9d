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
//! | 2 | length of the signature, 0; a later version signs everything before this field |
//!
//! So every byte is covered by a check: nothing can change unseen.

use std::io::Read as _;
use std::path::Path;

use super::BundleError;
use super::manifest::{Manifest, Payload, Sha256};

/// The first bytes of every bundle.
pub const MAGIC: [u8; 8] = *b"EMOCUE\r\n";

/// The one container version this program reads and writes.
pub const VERSION: u16 = 1;

/// Largest bundle, bytes.
pub const MAX_BYTES: usize = 64 << 20;

/// Largest manifest with its model card, bytes.
const MAX_MANIFEST: usize = 1 << 20;

/// A bundle whose every byte is checked; the payloads lie in the bytes it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle<'a> {
    manifest: Manifest,
    payloads: Vec<&'a [u8]>,
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
        reader.end()?;
        Ok(Self { manifest, payloads })
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

    fn end(mut self) -> Result<(), BundleError> {
        let offset = self.offset;
        let length = u16::from_le_bytes(self.array("the signature's length")?);
        if length != 0 {
            return Err(BundleError::Signature { offset, length });
        }
        match self.bytes.len() - self.offset {
            0 => Ok(()),
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

    #[test]
    fn every_flipped_bit_of_every_byte_is_noticed() {
        let whole = small();
        for offset in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[offset] ^= 1 << bit;
                assert!(Bundle::read(&bytes).is_err(), "bit {bit} of byte {offset}");
            }
        }
    }

    #[test]
    fn every_cut_and_every_addition_is_noticed() {
        let mut bytes = small();
        for length in 0..bytes.len() {
            let error = refusal(&bytes[..length]);
            assert!(length < 8 || error.contains("the file ends inside"), "{length}: {error}");
        }
        let end = bytes.len();
        bytes.push(0);
        assert!(refusal(&bytes).starts_with(&format!("byte {end}: 1 bytes follow")));
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
