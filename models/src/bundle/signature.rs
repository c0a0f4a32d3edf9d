//! Signatures of bundles: ed25519 (RFC 8032) over the header, which holds the manifest's hash, which holds the
//! payloads' hashes.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::failure::{Failure, exit};
use crate::hex;

/// Bytes of a signer's key and signature at a bundle's end.
pub(super) const LENGTH: usize = 32 + 64;

/// Domain separation: the signature of a bundle's header is valid for nothing else.
const CONTEXT: &[u8] = b"emocue bundle 1\0";

/// The public key of a signer. Its text is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

/// A text that is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a public key: expected 64 hexadecimal digits")]
pub struct InvalidPublicKey(String);

impl Failure for InvalidPublicKey {
    fn help(&self) -> Option<String> {
        Some("`emocue key show` prints it.".to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}

impl PublicKey {
    /// Its bytes, as a bundle's end holds them.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Its first eight digits, for display only: a check compares whole keys.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        let key = hex::decode(text).filter(|key| VerifyingKey::from_bytes(key).is_ok());
        key.map(Self).ok_or_else(|| InvalidPublicKey(text.chars().take(80).collect()))
    }
}

/// The secret key of a signer. It is zeroized when it is dropped, and never printed.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of a seed of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The key whose seed is written in 64 hexadecimal digits.
    pub fn from_digits(text: &str) -> Option<Self> {
        hex::decode(text).map(|seed| Self::from_seed(&seed))
    }

    /// The public key that verifies its signatures.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The plain ed25519 signature (RFC 8032, no prefix) of a file that is not a bundle, which other programs can
    /// verify. `None` for bytes whose signature would also be valid at a bundle's end.
    pub fn sign_file(&self, bytes: &[u8]) -> Option<[u8; 64]> {
        (!bytes.starts_with(CONTEXT)).then(|| self.0.sign(bytes).to_bytes())
    }

    /// Key and signature, as a bundle's end holds them.
    pub(super) fn sign(&self, header: &[u8]) -> [u8; LENGTH] {
        let mut seal = [0; LENGTH];
        seal[..32].copy_from_slice(&self.public().0);
        seal[32..].copy_from_slice(&self.0.sign(&[CONTEXT, header].concat()).to_bytes());
        seal
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public().short())
    }
}

/// The key that signed `header`, if the signature in `seal` is valid.
pub(super) fn signer(header: &[u8], seal: &[u8; LENGTH]) -> Option<PublicKey> {
    let (key, signature) = seal.split_first_chunk::<32>()?;
    let signature = Signature::from_slice(signature).ok()?;
    let verifying = VerifyingKey::from_bytes(key).ok()?;
    verifying.verify_strict(&[CONTEXT, header].concat(), &signature).ok()?;
    Some(PublicKey(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_header_alone() {
        let key = SecretKey::from_seed(&[7; 32]);
        let seal = key.sign(b"header");
        assert_eq!(signer(b"header", &seal), Some(key.public()));
        assert_eq!(signer(b"Header", &seal), None);
        for bit in 0..LENGTH * 8 {
            let mut other = seal;
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(signer(b"header", &other), None, "bit {bit}");
        }
    }

    #[test]
    fn a_files_signature_is_the_standards_and_never_a_bundles() {
        // RFC 8032, section 7.1, test 2.
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let signature = SecretKey::from_digits(seed).unwrap().sign_file(&[0x72]).unwrap();
        assert_eq!(signature[..4], [0x92, 0xa0, 0x09, 0xa9]);
        assert_eq!(signature[60..], [0x12, 0xbb, 0x0c, 0x00]);
        let key = SecretKey::from_seed(&[7; 32]);
        assert_eq!(key.sign_file(&[CONTEXT, b"header"].concat()), None);
        assert!(key.sign_file(b"header").unwrap() != key.sign(b"header")[32..]);
    }

    #[test]
    fn keys_have_one_text() {
        let key = SecretKey::from_seed(&[7; 32]).public();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.short().len(), 8);
        let long = "7".repeat(65);
        for text in ["", "abc", &long, &"é".repeat(32)] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
        // RFC 8032, section 7.1, test 1.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(SecretKey::from_digits(seed).unwrap().public().to_string(), public);
    }

    #[test]
    fn a_secret_key_does_not_print_itself() {
        let key = SecretKey::from_seed(&[0xab; 32]);
        assert!(!format!("{key:?}").contains("abab"));
    }
}
