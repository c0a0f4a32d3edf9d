//! Small bundles with everything that slots check: signature, hashes, card, release. Their networks are a few bytes,
//! which are never loaded here.

use ed25519_dalek::SigningKey;
use emocue_models::bundle::{Bundle, DEFAULT, PublicKey, SecretKey, Sha256};

use crate::Result;

/// Seed of the owner's keys.
const OWNER: [u8; 32] = [11; 32];

/// Seed of an untrusted key.
const STRANGER: [u8; 32] = [22; 32];

/// The release before the roll-out.
pub(super) const OLD: u32 = 900;

/// The release that is rolled out.
pub(super) const NEW: u32 = 901;

/// Keys and bundles of one fleet.
pub(super) struct Releases {
    /// The key that badges trust.
    pub(super) key: PublicKey,
    /// The key that signs the index.
    pub(super) index_key: SigningKey,
    /// The untrusted key for an index.
    pub(super) other_index_key: SigningKey,
    /// A bundle older than [`OLD`].
    pub(super) older: Vec<u8>,
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
    /// The new release signed with an untrusted key.
    pub(super) foreign: Vec<u8>,
    /// SHA-256 of the field `new`, hexadecimal.
    pub(super) sha256: String,
}

impl Releases {
    /// Packs and signs them.
    pub(super) fn make() -> Result<Self> {
        let [owner, stranger] = [OWNER, STRANGER].map(|seed| SecretKey::from_seed(&seed));
        let bundle = |version, key: &SecretKey| -> Result<Vec<u8>> {
            let default = Bundle::read(DEFAULT)?;
            let mut manifest = default.manifest().clone();
            manifest.content_version = version;
            manifest.card = "A bundle of a simulated fleet.".to_owned();
            let names: Vec<_> = default.payloads().map(|(name, _)| name).collect();
            let payloads: Vec<_> = names.into_iter().map(|name| (name, name.as_bytes())).collect();
            Ok(Bundle::sign(&Bundle::pack(manifest, &payloads)?, key)?)
        };
        let new = bundle(NEW, &owner)?;
        Ok(Self {
            key: owner.public(),
            index_key: SigningKey::from_bytes(&OWNER),
            other_index_key: SigningKey::from_bytes(&STRANGER),
            older: bundle(OLD - 1, &owner)?,
            old: bundle(OLD, &owner)?,
            foreign: bundle(NEW + 1, &stranger)?,
            sha256: Sha256::of(&new).to_string(),
            new,
        })
    }
}
