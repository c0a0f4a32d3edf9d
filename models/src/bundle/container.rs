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
//! Checks cover every byte: no change goes undetected, and only its signer can change a signed bundle.

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

/// A bundle that was checked completely. Its payloads borrow the bytes that it was read from.
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
        let encoded = manifest.encode().map_err(|error| BundleError::Manifest {
            field: "encoding".into(),
            reason: error.to_string(),
        })?;
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

    /// `bundle` with the signature of `key`, which replaces an earlier one.
    ///
    /// # Errors
    /// [`BundleError`] when `bundle` is invalid, or too large with the signature.
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

    /// The key whose signature it has; `None` without a signature. The signature was verified; whether the key is
    /// trusted is up to the caller.
    pub fn signer(&self) -> Option<PublicKey> {
        self.signer
    }

    /// The manifest.
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

/// The bytes of a bundle's file, not checked yet; at most [`MAX_BYTES`].
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
pub(super) mod tests;
