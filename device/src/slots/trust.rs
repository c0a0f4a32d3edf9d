//! The keys whose bundles this badge accepts.

use std::io;
use std::path::{Path, PathBuf};

use emocue_models::bundle::PublicKey;

use super::files;

/// Longest file of keys that is read, bytes.
const LONGEST: u64 = 64 << 10;

/// Trusted keys: those of the configuration, and those that were accepted by a press of the button.
#[derive(Clone, Debug)]
pub struct Trust {
    configured: Vec<PublicKey>,
    file: PathBuf,
}

impl Trust {
    /// The `configured` keys, and those that are stored in `state`.
    pub fn new(configured: &[PublicKey], state: &Path) -> Self {
        Self { configured: configured.to_vec(), file: state.join("keys") }
    }

    /// All of them. A line that is not a key is skipped.
    pub fn keys(&self) -> Vec<PublicKey> {
        let learned = files::read(&self.file, LONGEST).unwrap_or_default();
        let learned = String::from_utf8_lossy(&learned);
        let learned = learned.lines().filter_map(|line| line.parse().ok());
        self.configured.iter().copied().chain(learned).collect()
    }

    /// Stores `key` durably.
    ///
    /// # Errors
    /// The system's error; keys that were stored before stay.
    pub fn learn(&self, key: PublicKey) -> io::Result<()> {
        let mut keys = self.keys();
        if keys.contains(&key) {
            return Ok(());
        }
        keys.retain(|key| !self.configured.contains(key));
        keys.push(key);
        let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
        if let Some(state) = self.file.parent() {
            files::make_folder(state)?;
        }
        files::replace(&self.file, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::bundle::SecretKey;

    use super::*;

    #[test]
    fn learned_keys_are_remembered_beside_those_of_the_configuration() {
        let state = tempfile::tempdir().unwrap();
        let [one, two] = [1, 2].map(|seed| SecretKey::from_seed(&[seed; 32]).public());
        let trust = Trust::new(&[one], state.path());
        assert_eq!(trust.keys(), [one]);
        trust.learn(one).unwrap();
        assert!(!state.path().join("keys").exists());
        trust.learn(two).unwrap();
        trust.learn(two).unwrap();
        assert_eq!(trust.keys(), [one, two]);
        assert_eq!(Trust::new(&[], state.path()).keys(), [two]);
    }

    #[test]
    fn damage_trusts_nobody() {
        let state = tempfile::tempdir().unwrap();
        let key = SecretKey::from_seed(&[1; 32]).public();
        std::fs::write(state.path().join("keys"), format!("{key}x\n\0\n{}", &key.to_string()[1..]))
            .unwrap();
        assert_eq!(Trust::new(&[], state.path()).keys(), []);
    }
}
