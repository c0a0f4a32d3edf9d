//! The wearer's own journal.

use std::time::Duration;

use emocue_journal::JournalKey;
use serde::{Deserialize, Serialize};

/// The key to which a journal is sealed, and how long it lasts. A key alone does not begin a journal: the wearer does,
/// on the badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalSettings {
    /// The wearer's public key; `None`, written `"none"`, for a badge without a journal.
    #[serde(with = "key")]
    pub key: Option<JournalKey>,
    /// How long a journal lasts once it is begun, min, `5..=720`.
    pub minutes: u32,
    /// Time without a break after which the wearer is reminded, min, `0..=720`; 0 for never.
    pub remind_after_min: u32,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { key: None, minutes: 60, remind_after_min: 60 }
    }
}

impl JournalSettings {
    /// How long a journal lasts.
    pub fn length(&self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * 60)
    }

    /// Time without a break after which the wearer is reminded; `None` for never.
    pub fn remind_after(&self) -> Option<Duration> {
        let length = Duration::from_secs(u64::from(self.remind_after_min) * 60);
        (!length.is_zero()).then_some(length)
    }
}

/// A key's digits, or `"none"`.
mod key {
    use emocue_journal::JournalKey;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(
        key: &Option<JournalKey>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match key {
            Some(key) => serializer.collect_str(key),
            None => serializer.serialize_str("none"),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<JournalKey>, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "none" => Ok(None),
            digits => digits.parse().map(Some).map_err(D::Error::custom),
        }
    }
}
