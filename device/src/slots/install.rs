//! Installs a new bundle: checks it, writes it to the other slot, then changes the pointer.

use std::path::Path;

use emocue_models::bundle::{Bundle, PublicKey};

use super::TRIALS;
use super::consent::ConsentError;
use super::error::{Refusal, SlotError};
use super::files::Staged;
use super::pointer::{Held, series};
use super::store::{FORKED, Store};
use super::trust::Trust;
use crate::bundle::{Slot, built_in_release};

/// Asks the wearer whether to trust a key, which signed the bundle of these bytes.
pub type AskForKey<'a> = dyn Fn(PublicKey, &[u8]) -> Result<(), ConsentError> + 'a;

/// An installation of a bundle.
pub struct Install<'a> {
    /// The slots.
    pub store: &'a Store,
    /// The trusted keys.
    pub trust: &'a Trust,
    /// Runs the networks of a bundle's file on the portraits in a sandbox.
    pub test: &'a dyn Fn(&Path) -> Result<(), String>,
    /// Asks the wearer whether to trust a first key.
    pub ask: &'a AskForKey<'a>,
    /// Whether to accept an older release, too.
    pub force: bool,
}

/// The result of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It is on trial from the next start on.
    OnTrial {
        /// Its slot.
        slot: Slot,
        /// Its name and release number.
        release: String,
    },
    /// The same bundle is already installed.
    Already {
        /// Its slot.
        slot: Slot,
    },
}

impl Install<'_> {
    /// Installs the bundle in `path`. If anything fails, the bundle that the badge starts with is unchanged.
    ///
    /// # Errors
    /// [`SlotError`] when it is refused, or the slots cannot be changed.
    pub fn take(&self, path: &Path) -> Result<Installed, SlotError> {
        let refused = |reason: Refusal| SlotError::refused(path, reason);
        let bytes = Store::read(path).map_err(|error| refused(Refusal::Unreadable(error)))?;
        let bundle = Bundle::read(&bytes).map_err(|error| refused(error.into()))?;
        let manifest = bundle.manifest();
        let (name, version) = (manifest.name.clone(), manifest.content_version);
        if !manifest.has_card() {
            return Err(refused(Refusal::NoCard));
        }
        let signer = bundle.signer().ok_or_else(|| refused(Refusal::Unsigned))?;
        self.check_release(&name, version).map_err(|error| match error {
            Ok(reason) => refused(reason),
            Err(error) => error,
        })?;
        let keys = self.trust.keys();
        if !keys.is_empty() && !keys.contains(&signer) {
            return Err(refused(Refusal::Untrusted { signer }));
        }
        if let Some(slot) = self.there_already(&bytes)? {
            return Ok(Installed::Already { slot });
        }
        let is_new = keys.is_empty();
        if is_new {
            let not_accepted = |reason| refused(Refusal::NotAccepted { signer, reason });
            (self.ask)(signer, &bytes).map_err(not_accepted)?;
        }
        // Only after the signature check: networks of an untrusted signer are not run.
        (self.test)(path).map_err(|reason| refused(Refusal::SelfTest(reason)))?;
        if is_new {
            self.trust.learn(signer).map_err(SlotError::folder("write the keys of", path))?;
        }
        let slot = self.write(&bytes, &name, version)?;
        Ok(Installed::OnTrial { slot, release: format!("{name} {version}") })
    }

    /// Refuses an older release than the newest that was confirmed, or than the program's own.
    fn check_release(&self, name: &str, version: u32) -> Result<(), Result<Refusal, SlotError>> {
        if self.force {
            return Ok(());
        }
        let confirmed = self.store.pointer().map_err(Err)?.newest_of(name);
        let (own_name, own) = built_in_release();
        let own = (series(&own_name) == series(name)).then_some(own);
        match confirmed.max(own) {
            Some(newest) if version < newest => {
                Err(Ok(Refusal::Downgrade { name: name.to_owned(), version, newest }))
            }
            _ => Ok(()),
        }
    }

    /// The slot that has exactly these bytes and starts next.
    fn there_already(&self, bytes: &[u8]) -> Result<Option<Slot>, SlotError> {
        let pointer = self.store.pointer()?;
        let next = pointer.next().filter(|slot| {
            pointer.held(*slot) != Held::Trial { starts_left: 0 }
                && Store::read(&self.store.file(*slot)).is_ok_and(|there| there == bytes)
        });
        Ok(next)
    }

    fn write(&self, bytes: &[u8], name: &str, version: u32) -> Result<Slot, SlotError> {
        let store = self.store;
        store.make()?;
        let _lock = store.lock(FORKED)?;
        let mut pointer = store.pointer()?;
        let slot = pointer.spare();
        let target = store.file(slot);
        let cannot = |what| SlotError::folder(what, &target);
        let staged = Staged::write(&target, bytes).map_err(cannot("write"))?;
        let there = Store::read(staged.path()).map_err(cannot("read back"))?;
        if there != bytes {
            let differs = std::io::Error::other("it reads back otherwise than it was written");
            return Err(cannot("trust")(differs));
        }
        if pointer.held(slot) != Held::Empty {
            // While the slot's file changes, the pointer does not use it.
            pointer.set(slot, Held::Empty);
            store.write(&mut pointer)?;
        }
        staged.commit().map_err(cannot("put into its place"))?;
        pointer.set(slot, Held::Trial { starts_left: TRIALS });
        if self.force {
            // A forced release may be confirmed, and installed again.
            pointer.forced(name, version);
        }
        store.write(&mut pointer)?;
        Ok(slot)
    }
}
