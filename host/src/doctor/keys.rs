//! The user's keys: their paths, and that other users cannot read them.

use std::fmt::Display;
use std::path::Path;

use emocue_flash::bundle::default_key;
use emocue_flash::key;
use emocue_journal::JournalSecretKey;
use emocue_models::failure::Failure;

use super::CheckOutcome;

/// The key that signs bundles.
pub(super) fn signing() -> CheckOutcome {
    let path = default_key();
    let how = format!("emocue key new -o {}", path.display());
    of(&path, "no key to sign bundles with", &how, key::read_secret(&path).map(|it| it.public()))
}

/// The key that opens journals.
pub(super) fn journal() -> CheckOutcome {
    let path = crate::journal::default_key();
    let public = JournalSecretKey::read_file(&path).map(|key| key.public());
    of(&path, "no key for journals", "emocue journal key", public)
}

fn of<F: Failure>(
    path: &Path,
    without: &str,
    how: &str,
    public: Result<impl Display, F>,
) -> CheckOutcome {
    let place = path.display();
    if !path.exists() {
        return CheckOutcome::missing(format!("{without} ({place})"), how);
    }
    match public {
        Ok(public) => {
            let alone = if cfg!(unix) { ", which only you can read" } else { "" };
            CheckOutcome::ok(format!("{place}{alone}; public key {public}"))
        }
        Err(error) => CheckOutcome::failure(&error, "move it away, and make a new one"),
    }
}
