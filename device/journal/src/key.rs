//! The keys of journals.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use emocue_models::failure::{Failure, exit};
use emocue_models::hex;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem as _, Serializable as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::seal::{Kem, can_seal};

/// The public key: a badge seals to it and cannot open. An X25519 key, whose text is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalKey([u8; 32]);

/// A text that is not a journal's public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a journal's public key: expected 64 hexadecimal digits as `emocue journal key` prints them"
)]
pub struct InvalidJournalKey(String);

impl Failure for InvalidJournalKey {
    fn help(&self) -> Option<String> {
        Some("`emocue journal key` makes a key and prints it.".to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}

impl JournalKey {
    /// The key of these bytes. `None` for points of low order, whose journals anybody could open, and for encodings
    /// that are not canonical, whose journals nobody could open.
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let key = Self(bytes);
        (key.is_canonical() && can_seal(&key)).then_some(key)
    }

    /// Its bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    /// Its first eight digits, for display only: a check compares whole keys.
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }

    /// Whether its number is below 2^255 - 19.
    fn is_canonical(&self) -> bool {
        let [first, middle @ .., last] = &self.0;
        *last < 0x7f || *last == 0x7f && (*first < 0xed || middle.iter().any(|byte| *byte != 0xff))
    }
}

impl fmt::Display for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JournalKey({self})")
    }
}

impl FromStr for JournalKey {
    type Err = InvalidJournalKey;

    fn from_str(text: &str) -> Result<Self, InvalidJournalKey> {
        let key = hex::decode(text).and_then(Self::from_bytes);
        key.ok_or_else(|| InvalidJournalKey(text.chars().take(80).collect()))
    }
}

impl Serialize for JournalKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JournalKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The system has no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct RandomError(#[source] pub(crate) getrandom::Error);

impl Failure for RandomError {}

/// The secret key, which opens journals. It is zeroized when it is dropped, and never printed.
pub struct JournalSecretKey(pub(crate) <Kem as hpke::Kem>::PrivateKey);

impl JournalSecretKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn random() -> Result<Self, RandomError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(RandomError)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The key of 32 random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        match <Kem as hpke::Kem>::PrivateKey::from_bytes(bytes) {
            Ok(key) => Self(key),
            // 32 bytes are always a key: they are clamped.
            Err(_) => Self(Kem::derive_keypair(bytes).0),
        }
    }

    /// The key that is written in 64 hexadecimal digits.
    pub(crate) fn from_digits(text: &str) -> Option<Self> {
        hex::decode(text).map(|bytes| Self::from_bytes(&bytes))
    }

    /// Its hexadecimal digits, for the key file.
    pub(crate) fn digits(&self) -> String {
        hex::encode(&self.0.to_bytes())
    }

    /// The public key, to which a badge seals.
    pub fn public(&self) -> JournalKey {
        JournalKey(Kem::sk_to_pk(&self.0).to_bytes().into())
    }
}

impl fmt::Debug for JournalSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JournalSecretKey(of {})", self.public().short())
    }
}

/// The system's random numbers, for a library whose interface cannot report a failure: if `failed` is set, its result
/// must not be used.
#[derive(Debug, Default)]
pub(crate) struct SystemRandom {
    pub(crate) failed: Option<getrandom::Error>,
}

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if let Err(error) = getrandom::fill(bytes) {
            self.failed = Some(error);
        }
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_its_digits_in_text_and_json() {
        let key = JournalSecretKey::from_bytes(&[7; 32]).public();
        assert_eq!(key.to_string().len(), 64);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(key.to_string().to_uppercase().parse(), Ok(key));
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, format!("\"{key}\""));
        assert_eq!(serde_json::from_str::<JournalKey>(&json).unwrap(), key);
    }

    #[test]
    fn the_public_half_is_that_of_rfc_9180() {
        // Appendix A.2.1, the recipient's keys.
        let secret = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
        let public = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
        let secret = JournalSecretKey::from_digits(secret).unwrap();
        assert_eq!(secret.public().to_string(), public);
    }

    #[test]
    fn keys_to_which_everybody_or_nobody_could_open_are_refused() {
        // Points of low order, as RFC 7748 and libsodium list them, and their other encodings.
        for digits in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "",
            "none",
        ] {
            let error = digits.parse::<JournalKey>().unwrap_err();
            assert!(error.to_string().contains("64 hexadecimal digits"), "{error}");
        }
        // The same point as a good key in another encoding: records sealed to it could not be opened.
        let mut bytes = JournalSecretKey::from_bytes(&[7; 32]).public().to_bytes();
        bytes[31] |= 0x80;
        assert_eq!(JournalKey::from_bytes(bytes), None);
    }

    #[test]
    fn a_secret_key_is_not_printed() {
        let secret = JournalSecretKey::random().unwrap();
        assert!(!format!("{secret:?}").contains(&secret.digits()[..8]), "{secret:?}");
        assert_ne!(secret.digits(), JournalSecretKey::random().unwrap().digits());
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_a_key_or_refused(text in "[0-9a-fA-Fg]{60,66}|\\PC{0,80}") {
            if let Ok(key) = text.parse::<JournalKey>() {
                prop_assert_eq!(key.to_string(), text.to_lowercase());
            }
        }

        #[test]
        fn every_secret_key_has_a_public_one(bytes: [u8; 32]) {
            let public = JournalSecretKey::from_bytes(&bytes).public();
            prop_assert_eq!(JournalKey::from_bytes(public.to_bytes()), Some(public));
        }
    }
}
