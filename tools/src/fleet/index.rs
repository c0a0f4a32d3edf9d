//! The index of a channel: the bundle, and the part of the fleet that may install it, signed by the owner
//! (docs/fleet.md).

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use emocue_models::bundle::Sha256;
use serde::{Deserialize, Serialize};

/// Domain separation: prefix of the signed message.
const CONTEXT: &[u8] = b"emocue index 1\0";

/// Number of parts of a fleet.
const PARTS: u64 = 10_000;

/// The contents of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    /// Increases with every change; a badge refuses a smaller number than it has seen.
    pub(super) sequence: u64,
    /// Release of the bundle.
    pub(super) release: u32,
    /// SHA-256 of the bundle's file.
    pub(super) sha256: String,
    /// Share of the fleet that may install it, ten-thousandths.
    pub(super) stage: u64,
    /// No badge installs it for now.
    pub(super) paused: bool,
}

/// Why a badge refuses an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum IndexError {
    /// It is truncated, changed, or signed with another key.
    #[error("the index is not signed by the owner")]
    Signature,
    /// The signature is valid, but the contents cannot be parsed.
    #[error("the index cannot be read")]
    Form,
    /// Its sequence number is smaller than one seen before.
    #[error("the index is older than the one before")]
    Replayed,
}

impl Index {
    /// The file: 64 bytes of signature, then JSON.
    pub(super) fn sign(&self, key: &SigningKey) -> Vec<u8> {
        // Serialisation of numbers and texts does not fail.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut file = key.sign(&[CONTEXT, &json].concat()).to_bytes().to_vec();
        file.extend(json);
        file
    }

    /// Reads an index as a badge that trusts `key` and has seen the sequence number `seen`.
    ///
    /// # Errors
    /// [`IndexError`]; the badge then keeps its previous state.
    pub(super) fn read(file: &[u8], key: &VerifyingKey, seen: u64) -> Result<Self, IndexError> {
        let (signature, json) = file.split_first_chunk::<64>().ok_or(IndexError::Signature)?;
        let signature = Signature::from_bytes(signature);
        key.verify_strict(&[CONTEXT, json].concat(), &signature)
            .map_err(|_| IndexError::Signature)?;
        let index: Self = serde_json::from_slice(json).map_err(|_| IndexError::Form)?;
        if index.sequence < seen { Err(IndexError::Replayed) } else { Ok(index) }
    }

    /// Whether the badge with this id belongs to the part that may install the bundle. The order of badges differs for
    /// every bundle.
    pub(super) fn is_for(&self, badge: &str) -> bool {
        !self.paused && part_of(badge, &self.sha256) < self.stage
    }
}

/// A badge's place in the fleet for one bundle, below [`PARTS`].
fn part_of(badge: &str, sha256: &str) -> u64 {
    let digits = Sha256::of(format!("{sha256} {badge}").as_bytes()).to_string();
    u64::from_str_radix(&digits[..15], 16).unwrap_or_default() % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        Index { sequence: 7, release: 3, sha256: "ab".repeat(32), stage: 1000, paused: false }
    }

    #[test]
    fn only_the_owners_index_is_believed_and_none_from_before() {
        let [owner, other] = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
        let trusted = owner.verifying_key();
        let file = index().sign(&owner);
        assert_eq!(Index::read(&file, &trusted, 7), Ok(index()));
        assert_eq!(Index::read(&file, &trusted, 8), Err(IndexError::Replayed));
        assert_eq!(Index::read(&index().sign(&other), &trusted, 0), Err(IndexError::Signature));
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert_eq!(Index::read(&changed, &trusted, 0), Err(IndexError::Signature), "{at}");
            assert!(Index::read(&file[..at], &trusted, 0).is_err(), "{at}");
        }
    }

    #[test]
    fn a_stage_has_its_share_of_the_badges_and_keeps_them() {
        let small = index();
        let large = Index { stage: 5000, ..index() };
        let other = Index { sha256: "cd".repeat(32), ..index() };
        let ids: Vec<_> = (0..10_000).map(|id| format!("badge-{id}")).collect();
        let of = |index: &Index| ids.iter().filter(|id| index.is_for(id)).count();
        assert!((900..1100).contains(&of(&small)), "{}", of(&small));
        assert!((4800..5200).contains(&of(&large)), "{}", of(&large));
        assert!(ids.iter().all(|id| large.is_for(id) || !small.is_for(id)));
        let both = ids.iter().filter(|id| small.is_for(id) && other.is_for(id)).count();
        assert!(both < 200, "the same badges do not go first every time: {both}");
        assert_eq!(of(&Index { stage: 10_000, ..index() }), 10_000);
        assert_eq!(of(&Index { stage: 10_000, paused: true, ..index() }), 0);
    }
}
