//! One record: sealed to a public key, opened with the secret one.

use hpke::aead::ChaCha20Poly1305;
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{
    Deserializable as _, OpModeR, OpModeS, Serializable as _, setup_sender_with_rng,
    single_shot_open_inout_detached, single_shot_seal_inout_detached_with_rng,
};

use crate::error::SealError;
use crate::header;
use crate::interval::{self, Interval};
use crate::key::{JournalKey, JournalSecretKey, RandomError, SystemRandom};

pub(crate) type Kem = X25519HkdfSha256;
type Kdf = HkdfSha256;
type Aead = ChaCha20Poly1305;

/// Bytes of an encapsulated key.
const ENC: usize = 32;

/// Bytes of a tag.
const TAG: usize = 16;

/// Bytes of a record.
pub(crate) const LENGTH: usize = ENC + interval::LENGTH + TAG;

/// Bytes of a header.
type HeaderBytes = [u8; header::LENGTH];

/// The HPKE key of a key's bytes; HPKE accepts any 32 bytes.
fn public(key: &JournalKey) -> Result<<Kem as hpke::Kem>::PublicKey, SealError> {
    <Kem as hpke::Kem>::PublicKey::from_bytes(&key.to_bytes()).map_err(SealError::Hpke)
}

/// Whether HPKE can seal to a key: it refuses a point of low order, whose shared secret would be known to anybody.
pub(crate) fn can_seal(key: &JournalKey) -> bool {
    let Ok(public) = public(key) else { return false };
    // Nothing is sealed, so the randomness need not be secret; without random numbers it is zeros.
    let mut random = SystemRandom::default();
    setup_sender_with_rng::<Aead, Kdf, Kem>(&OpModeS::Base, &public, &[], &mut random).is_ok()
}

/// The record of `interval` at `index` in the file of `header`.
pub(crate) fn seal(
    key: &JournalKey,
    header: &HeaderBytes,
    index: u32,
    interval: &Interval,
) -> Result<[u8; LENGTH], SealError> {
    let mut random = SystemRandom::default();
    let mut text = interval.encode();
    let (enc, tag) = single_shot_seal_inout_detached_with_rng::<Aead, Kdf, Kem>(
        &OpModeS::Base,
        &public(key)?,
        header,
        InOutBuf::from(&mut text[..]),
        &index.to_le_bytes(),
        &mut random,
    )
    .map_err(SealError::Hpke)?;
    if let Some(failed) = random.failed {
        return Err(RandomError(failed).into());
    }
    let mut record = [0; LENGTH];
    record[..ENC].copy_from_slice(&enc.to_bytes());
    record[ENC..LENGTH - TAG].copy_from_slice(&text);
    record[LENGTH - TAG..].copy_from_slice(&tag.to_bytes());
    Ok(record)
}

/// The interval of the record at `index`; `None` if it was changed, moved, or sealed to another key.
pub(crate) fn open(
    secret: &JournalSecretKey,
    header: &HeaderBytes,
    index: u32,
    record: &[u8; LENGTH],
) -> Option<Interval> {
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&record[..ENC]).ok()?;
    let tag = hpke::aead::AeadTag::<Aead>::from_bytes(&record[LENGTH - TAG..]).ok()?;
    let mut text = [0; interval::LENGTH];
    text.copy_from_slice(&record[ENC..LENGTH - TAG]);
    single_shot_open_inout_detached::<Aead, Kdf, Kem>(
        &OpModeR::Base,
        &secret.0,
        &enc,
        header,
        InOutBuf::from(&mut text[..]),
        &index.to_le_bytes(),
        &tag,
    )
    .ok()?;
    Interval::decode(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(digits: &str) -> Vec<u8> {
        let pairs = digits.as_bytes().chunks_exact(2);
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        pairs.map(byte).collect()
    }

    #[test]
    fn the_algorithms_are_those_of_rfc_9180() {
        // Appendix A.2.1.1: X25519, HKDF-SHA256, ChaCha20-Poly1305, base mode, sequence number 0.
        let secret = bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let enc = bytes("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
        let sealed = bytes(
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
        );
        let (text, tag) = sealed.split_at(sealed.len() - TAG);
        let mut text = text.to_vec();
        let secret = JournalSecretKey::from_bytes(&secret.try_into().unwrap());
        single_shot_open_inout_detached::<Aead, Kdf, Kem>(
            &OpModeR::Base,
            &secret.0,
            &<Kem as hpke::Kem>::EncappedKey::from_bytes(&enc).unwrap(),
            b"Ode on a Grecian Urn",
            InOutBuf::from(&mut text[..]),
            b"Count-0",
            &hpke::aead::AeadTag::<Aead>::from_bytes(tag).unwrap(),
        )
        .unwrap();
        assert_eq!(text, b"Beauty is truth, truth beauty");
    }

    #[test]
    fn a_record_opens_at_its_place_with_its_key_alone() {
        let [secret, other] = [1, 2].map(|seed| JournalSecretKey::from_bytes(&[seed; 32]));
        let (header, interval) =
            ([7; 60], Interval { slot: 9, streamed_s: 3, ..Default::default() });
        let record = seal(&secret.public(), &header, 4, &interval).unwrap();
        assert_eq!(open(&secret, &header, 4, &record), Some(interval));
        assert_eq!(open(&secret, &header, 5, &record), None);
        assert_eq!(open(&secret, &[8; 60], 4, &record), None);
        assert_eq!(open(&other, &header, 4, &record), None);
        for bit in 0..LENGTH * 8 {
            let mut changed = record;
            changed[bit / 8] ^= 1 << (bit % 8);
            // X25519 ignores the highest bit of a key, but HPKE does not.
            assert_eq!(open(&secret, &header, 4, &changed), None, "bit {bit}");
        }
        // Two records of the same interval have nothing in common.
        assert_ne!(seal(&secret.public(), &header, 4, &interval).unwrap(), record);
    }
}
