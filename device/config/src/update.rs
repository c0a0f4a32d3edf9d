//! New bundles: trusted keys, the state folder, and confirmation.

use std::path::PathBuf;
use std::time::Duration;

use emocue_models::bundle::PublicKey;
use serde::{Deserialize, Serialize};

use crate::path;

/// Which bundles a badge accepts from its host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateSettings {
    /// Bundles that one of these signed are accepted. While there is none, configured or learned, the badge asks its
    /// wearer before it trusts the first one.
    #[serde(with = "keys")]
    pub keys: Vec<PublicKey>,
    /// The folder that the badge may write to.
    #[serde(deserialize_with = "path::required")]
    pub state: PathBuf,
    /// Time after which a new bundle is confirmed, s, `1..=3600`, if frames were processed without a fault or a pause.
    pub healthy_s: u32,
}

impl Default for UpdateSettings {
    fn default() -> Self {
        Self { keys: Vec::new(), state: "/var/lib/emocue".into(), healthy_s: 60 }
    }
}

impl UpdateSettings {
    /// [`UpdateSettings::healthy_s`].
    pub fn healthy(&self) -> Duration {
        Duration::from_secs(u64::from(self.healthy_s))
    }
}

/// Keys as texts.
mod keys {
    use emocue_models::bundle::PublicKey;
    use emocue_models::bundle::signature::InvalidPublicKey;
    use emocue_models::failure;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(keys: &[PublicKey], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(keys.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<PublicKey>, D::Error> {
        let custom = |error: InvalidPublicKey| D::Error::custom(failure::line(&error));
        let texts = Vec::<String>::deserialize(from)?;
        texts.iter().map(|text| text.parse().map_err(custom)).collect()
    }
}
