//! Signs bundles: the signature covers the manifest, which has the hashes of all other content. A badge accepts a
//! bundle without asking when it knows the key.

use emocue_models::bundle::{Bundle, NamedBundleError, SecretKey, in_bundle};
use emocue_models::failure::Failure;

use crate::acceptance::{self, RefusedBundle};

/// A bundle cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is damaged or invalid.
    #[error(transparent)]
    Bundle(#[from] NamedBundleError),
    /// A badge would refuse it.
    #[error(transparent)]
    Refused(#[from] RefusedBundle),
}

impl Failure for SignError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Bundle(error) => error.help(),
            Self::Refused(error) => error.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Bundle(error) => error.exit_code(),
            Self::Refused(error) => error.exit_code(),
        }
    }
}

/// The manifest's provenance entry with the intended use.
pub const INTENDED_USE: &str = "intended-use";

/// Changes to the manifest before it is signed; `None` leaves an entry unchanged.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The intended use.
    pub intended_use: Option<String>,
    /// The content version, which counts the releases of this name.
    pub content_version: Option<u32>,
}

/// Signs a bundle; an earlier signature is replaced.
///
/// # Errors
/// [`SignError::Bundle`] when it is damaged, [`SignError::Refused`] when a badge would refuse it.
pub fn sign(bytes: &[u8], key: &SecretKey, changes: &Changes) -> Result<Vec<u8>, SignError> {
    let bundle = Bundle::read(bytes).map_err(in_bundle("the bundle to sign"))?;
    acceptance::check(&bundle.manifest().name, &bundle)?;
    Ok(sign_checked(&bundle, key, changes)?)
}

/// Signs a bundle that has been checked.
pub(crate) fn sign_checked(
    bundle: &Bundle<'_>,
    key: &SecretKey,
    changes: &Changes,
) -> Result<Vec<u8>, NamedBundleError> {
    let mut manifest = bundle.manifest().clone();
    let name = manifest.name.clone();
    if let Some(intended_use) = &changes.intended_use {
        manifest.provenance.insert(INTENDED_USE.to_owned(), intended_use.clone());
    }
    manifest.content_version = changes.content_version.unwrap_or(manifest.content_version);
    let payloads: Vec<_> = bundle.payloads().collect();
    let packed = Bundle::pack(manifest, &payloads).map_err(in_bundle(&name))?;
    Bundle::sign(&packed, key).map_err(in_bundle(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use emocue_models::bundle::DEFAULT;

    #[test]
    fn changes_only_what_is_asked_for() {
        let key = SecretKey::from_seed(&[3; 32]);
        let before = Bundle::read(DEFAULT).unwrap();
        let signed = sign(DEFAULT, &key, &Changes::default()).unwrap();
        let signed = Bundle::read(&signed).unwrap();
        assert_eq!(signed.manifest(), before.manifest());
        assert_eq!(signed.signer(), Some(key.public()));
        let changes =
            Changes { intended_use: Some("my own cue".into()), content_version: Some(900) };
        let changed = sign(DEFAULT, &key, &changes).unwrap();
        let changed = Bundle::read(&changed).unwrap();
        assert_eq!(changed.manifest().content_version, 900);
        assert_eq!(changed.manifest().provenance[INTENDED_USE], "my own cue");
        assert!(changed.payloads().eq(before.payloads()));
    }

    #[test]
    fn signs_nothing_without_a_model_card() {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut manifest = bundle.manifest().clone();
        manifest.card = " \n".into();
        let payloads: Vec<_> = bundle.payloads().collect();
        let bare = Bundle::pack(manifest, &payloads).unwrap();
        let error = sign(&bare, &SecretKey::from_seed(&[3; 32]), &Changes::default());
        assert!(error.unwrap_err().to_string().contains("no model card"));
    }
}
