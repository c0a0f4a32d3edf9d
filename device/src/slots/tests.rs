use std::fs;
use std::path::{Path, PathBuf};

use emocue_models::bundle::{Bundle, DEFAULT, Manifest, SecretKey};
use tempfile::TempDir;

use super::*;
use crate::bundle::{LoadedBundle, Origin};
use crate::slots::consent::ConsentError;

/// A badge's folder, and bundles for it.
pub(crate) struct Lab {
    folder: TempDir,
    key: SecretKey,
    pub(crate) store: Store,
    trust: Trust,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretKey::from_seed(&[1; 32]);
        let state = folder.path().join("state");
        let (store, trust) = (Store::new(&state), Trust::new(&[key.public()], &state));
        Self { folder, key, store, trust }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Writes the default bundle as release `version`, changed and signed.
    fn bundle(&self, version: u32, key: &SecretKey, change: impl FnOnce(&mut Manifest)) -> PathBuf {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut manifest = bundle.manifest().clone();
        manifest.content_version = version;
        change(&mut manifest);
        let payloads: Vec<_> = bundle.payloads().collect();
        let packed = Bundle::pack(manifest, &payloads).unwrap();
        let path = self.folder.path().join(format!("{version}.emocue"));
        fs::write(&path, Bundle::sign(&packed, key).unwrap()).unwrap();
        path
    }

    pub(crate) fn release(&self, version: u32) -> PathBuf {
        self.bundle(version, &self.key, |_| {})
    }

    pub(crate) fn install(&self, path: &Path) -> Result<Installed, SlotError> {
        self.install_with(path, false, &|_| Ok(()), &|_, _| Err(ConsentError::NobodyRuns))
    }

    fn install_with(
        &self,
        path: &Path,
        force: bool,
        test: &dyn Fn(&Path) -> Result<(), String>,
        ask: &AskForKey,
    ) -> Result<Installed, SlotError> {
        Install { store: &self.store, trust: &self.trust, test, ask, force }.take(path)
    }

    fn refusal(&self, path: &Path) -> String {
        let before = self.store.mark();
        let tested = |_: &Path| panic!("its networks ran before it was refused");
        let ask: &AskForKey = &|_, _| Err(ConsentError::NobodyRuns);
        let error = self.install_with(path, false, &tested, ask).unwrap_err();
        assert!(matches!(error, SlotError::Refused { .. }), "{error}");
        assert_eq!(self.store.mark(), before);
        error.to_string()
    }

    fn booted(&self) -> (LoadedBundle, Vec<String>) {
        let mut notes = Vec::new();
        let bundle = boot(&self.store, &self.trust, None, &mut notes).unwrap();
        (bundle, notes)
    }

    /// Slot and release that a start runs, and its notes.
    fn boot(&self) -> (Option<Slot>, u32, String) {
        let (bundle, notes) = self.booted();
        let slot = match bundle.origin {
            Origin::Slot { slot, .. } => Some(slot),
            _ => None,
        };
        (slot, bundle.content_version, notes.join("\n"))
    }

    /// Installs release `version` and confirms it.
    fn keep(&self, version: u32) {
        self.install(&self.release(version)).unwrap();
        self.store.confirm(None).unwrap();
    }
}

fn own_release() -> u32 {
    Bundle::read(DEFAULT).unwrap().manifest().content_version
}

#[test]
fn a_badge_to_which_nothing_came_runs_its_own_bundle_and_writes_nothing() {
    let lab = Lab::new();
    assert_eq!(lab.boot(), (None, own_release(), String::new()));
    assert!(!lab.state().exists());
    assert!(matches!(lab.store.rollback(), Err(SlotError::NothingBefore)));
    assert!(matches!(lab.store.confirm(None), Err(SlotError::NoTrial)));
}

#[test]
fn a_new_bundle_is_on_trial_for_three_starts_and_then_the_one_before_returns() {
    let lab = Lab::new();
    lab.keep(900);
    lab.install(&lab.release(901)).unwrap();
    for left in [2, 1, 0] {
        let (bundle, _) = lab.booted();
        assert_eq!(bundle.origin, Origin::Slot { slot: Slot::B, trial: Some(left) });
        assert_eq!(bundle.content_version, 901);
    }
    let (slot, version, notes) = lab.boot();
    assert_eq!((slot, version), (Some(Slot::A), 900));
    assert!(notes.contains("slot b did not last"), "{notes}");
    assert_eq!(lab.boot(), (Some(Slot::A), 900, String::new()));
}

#[test]
fn what_is_confirmed_stays_and_the_next_one_goes_into_the_other_slot() {
    let lab = Lab::new();
    lab.keep(900);
    assert_eq!(lab.boot(), (Some(Slot::A), 900, String::new()));
    lab.keep(901);
    assert_eq!(lab.boot(), (Some(Slot::B), 901, String::new()));
    lab.install(&lab.release(902)).unwrap();
    assert_eq!(lab.boot().0, Some(Slot::A));
    // A bundle on trial is replaced by a newer one; the active one never is.
    lab.install(&lab.release(903)).unwrap();
    assert_eq!(lab.boot(), (Some(Slot::A), 903, String::new()));
    assert_eq!(lab.store.rollback().unwrap(), Some(Slot::B));
    assert_eq!(lab.boot(), (Some(Slot::B), 901, String::new()));
}

#[test]
fn rolling_back_leads_to_the_other_slot_and_then_to_the_program_s_own() {
    let lab = Lab::new();
    lab.keep(900);
    lab.keep(901);
    assert_eq!(lab.store.rollback().unwrap(), Some(Slot::A));
    assert_eq!(lab.boot().1, 900);
    assert_eq!(lab.store.rollback().unwrap(), None);
    assert_eq!(lab.boot(), (None, own_release(), String::new()));
    assert!(matches!(lab.store.rollback(), Err(SlotError::NothingBefore)));
    // The release after the rollback is older than the confirmed one.
    assert!(lab.refusal(&lab.release(900)).contains("older than 901"));
    lab.keep(901);
    assert_eq!(lab.boot().1, 901);
}

#[test]
fn a_damaged_slot_is_passed_by_and_both_damaged_lead_to_the_program_s_own() {
    let lab = Lab::new();
    lab.keep(900);
    lab.keep(901);
    let damage = |slot| {
        let mut bytes = fs::read(lab.store.file(slot)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(lab.store.file(slot), bytes).unwrap();
    };
    damage(Slot::B);
    let (slot, version, notes) = lab.boot();
    assert_eq!((slot, version), (Some(Slot::A), 900));
    assert!(notes.contains("slot b cannot be used") && notes.contains("damaged"), "{notes}");
    assert_eq!(lab.boot(), (Some(Slot::A), 900, String::new()));
    damage(Slot::A);
    let (slot, version, notes) = lab.boot();
    assert_eq!((slot, version), (None, own_release()));
    assert!(notes.contains("slot a cannot be used"), "{notes}");
    lab.keep(902);
    assert_eq!(lab.boot().1, 902);
}

#[test]
fn a_damaged_pointer_is_rebuilt_from_the_slots() {
    let lab = Lab::new();
    lab.keep(900);
    lab.keep(901);
    let pointer = lab.state().join("slots").join("state");
    for damage in [&b""[..], b"00000000\n{}\n", &[0; 200], &[0xff; 3]] {
        fs::write(&pointer, damage).unwrap();
        let (slot, version, notes) = lab.boot();
        assert_eq!((slot, version), (Some(Slot::B), 901));
        assert!(notes.contains("damaged"), "{notes}");
        assert_eq!(lab.boot(), (Some(Slot::B), 901, String::new()));
    }
    fs::remove_file(&pointer).unwrap();
    fs::create_dir(&pointer).unwrap();
    assert_eq!(lab.boot().1, 901);
}

#[test]
fn refuses_what_nobody_should_run() {
    let lab = Lab::new();
    lab.keep(900);
    let other = SecretKey::from_seed(&[2; 32]);
    let said = lab.refusal(&lab.bundle(901, &other, |_| {}));
    assert!(
        said.contains("does not trust") && said.contains(&other.public().to_string()),
        "{said}"
    );
    assert!(lab.refusal(&lab.bundle(901, &lab.key, |m| m.card.clear())).contains("no model card"));
    assert!(lab.refusal(&lab.release(899)).contains("release 899 of default is older than 900"));
    let plain = lab.folder.path().join("plain.emocue");
    fs::write(&plain, DEFAULT).unwrap();
    assert!(lab.refusal(&plain).contains("not signed"));
    let mut bytes = fs::read(lab.release(901)).unwrap();
    bytes[60] ^= 1;
    fs::write(&plain, &bytes).unwrap();
    assert!(lab.refusal(&plain).contains("manifest is damaged"));
    assert!(lab.refusal(&lab.folder.path().join("missing")).contains("No such file"));
    assert!(lab.refusal(lab.folder.path()).contains("not a regular file"));
    let sick = |_: &Path| Err("astronaut.jpg: 3 faces found instead of one".to_owned());
    let error = lab.install_with(&lab.release(902), false, &sick, &|_, _| Ok(())).unwrap_err();
    assert!(error.to_string().contains("fails the self-test: astronaut.jpg"), "{error}");
    assert_eq!(lab.boot(), (Some(Slot::A), 900, String::new()));
}

#[test]
fn an_older_release_can_be_forced_and_then_counts() {
    let lab = Lab::new();
    lab.keep(905);
    let ask = |_, _: &[u8]| Err(ConsentError::NobodyRuns);
    lab.install_with(&lab.release(903), true, &|_| Ok(()), &ask).unwrap();
    lab.store.confirm(None).unwrap();
    assert_eq!(lab.boot().1, 903);
    lab.keep(904);
    assert_eq!(lab.boot().1, 904);
}

#[test]
fn another_form_of_the_name_does_not_bring_an_older_release_back() {
    let lab = Lab::new();
    lab.keep(905);
    let other_form = lab.bundle(904, &lab.key, |m| m.name = "Default 1".into());
    assert!(lab.refusal(&other_form).contains("older than 905"));
    let newer = lab.bundle(906, &lab.key, |m| m.name = "DEFAULT".into());
    lab.install(&newer).unwrap();
    lab.store.confirm(None).unwrap();
    assert!(lab.refusal(&lab.release(905)).contains("older than 906"));
}

#[test]
fn the_program_s_own_release_counts_as_well() {
    let lab = Lab::new();
    let older = own_release() - 1;
    assert!(lab.refusal(&lab.release(older)).contains("is older than"));
    let other_form = lab.bundle(older, &lab.key, |m| m.name = "Default 1".into());
    assert!(lab.refusal(&other_form).contains("is older than"));
    // Of another name, any number is new.
    lab.install(&lab.bundle(0, &lab.key, |m| m.name = "mine".into())).unwrap();
}

#[test]
fn the_same_bundle_again_changes_nothing() {
    let lab = Lab::new();
    lab.keep(900);
    let before = lab.store.mark();
    let again = lab.install(&lab.release(900)).unwrap();
    assert_eq!(again, Installed::Already { slot: Slot::A });
    assert_eq!(lab.store.mark(), before);
}

#[test]
fn a_fresh_badge_asks_before_it_trusts_a_first_key_and_only_then() {
    let mut lab = Lab::new();
    lab.trust = Trust::new(&[], &lab.state());
    let path = lab.release(900);
    // Networks of an untrusted signer are not even run.
    let never = |_: &Path| panic!("it is tested before the wearer agreed");
    let declined = lab.install_with(&path, false, &never, &|_, _| Err(ConsentError::Declined));
    assert!(declined.unwrap_err().to_string().contains("refused by a short press"));
    assert_eq!(lab.trust.keys(), []);
    assert_eq!(lab.boot().0, None);
    let asked = std::cell::Cell::new(0);
    let ask = |key, bytes: &[u8]| {
        assert_eq!((key, bytes), (lab.key.public(), &*fs::read(&path).unwrap()));
        asked.set(asked.get() + 1);
        Ok(())
    };
    let sick = |_: &Path| Err("it sees nobody".to_owned());
    assert!(lab.install_with(&path, false, &sick, &ask).is_err());
    assert_eq!(lab.trust.keys(), []);
    lab.install_with(&path, false, &|_| Ok(()), &ask).unwrap();
    lab.install_with(&lab.release(901), false, &|_| Ok(()), &ask).unwrap();
    assert_eq!(asked.get(), 2);
    assert_eq!(lab.boot().1, 901);
    let other = lab.bundle(902, &SecretKey::from_seed(&[2; 32]), |_| {});
    assert!(lab.refusal(&other).contains("does not trust"));
}

#[test]
fn a_key_that_is_trusted_no_more_takes_its_bundles_along_until_it_is_back() {
    let mut lab = Lab::new();
    lab.keep(900);
    let known = lab.trust.clone();
    lab.trust = Trust::new(&[SecretKey::from_seed(&[2; 32]).public()], &lab.state());
    let (slot, _, notes) = lab.boot();
    assert_eq!(slot, None);
    assert!(notes.contains("does not trust"), "{notes}");
    lab.trust = known;
    assert_eq!(lab.boot(), (Some(Slot::A), 900, String::new()));
}

#[test]
fn networks_that_fail_are_given_up_at_once_on_trial() {
    let lab = Lab::new();
    lab.keep(900);
    // It never gives an answer, so it fails on the smile, too.
    let blind = lab.bundle(901, &lab.key, |m| m.classifier.threshold = 1.0);
    lab.install(&blind).unwrap();
    let (slot, version, notes) = lab.boot();
    assert_eq!((slot, version), (Some(Slot::A), 900));
    assert!(notes.contains("slot b cannot be used: astronaut.jpg"), "{notes}");
    assert_eq!(lab.store.pointer().unwrap().b, Held::Failed);
}

#[cfg(unix)]
#[test]
fn nothing_runs_on_trial_while_somebody_else_changes_the_slots() {
    let lab = Lab::new();
    lab.keep(900);
    let lock = lab.store.lock(std::time::Duration::ZERO).unwrap();
    let error = lab.install(&lab.release(901)).unwrap_err();
    assert!(matches!(error, SlotError::Busy(_)), "{error}");
    drop(lock);
    assert_eq!(lab.boot(), (Some(Slot::A), 900, String::new()));
}

#[test]
fn status_tells_without_changing_anything() {
    let lab = Lab::new();
    let status = |lab: &Lab| serde_json::to_value(SlotsStatus::of(&lab.store).unwrap()).unwrap();
    assert_eq!(status(&lab)["next"]["slot"], "embedded");
    lab.keep(900);
    lab.install(&lab.release(901)).unwrap();
    let told = status(&lab);
    assert_eq!(told["next"]["content_version"], 901);
    assert_eq!(told["slots"]["a"]["state"], "good");
    assert_eq!(told["slots"]["b"]["starts_left"], 3);
    fs::write(lab.store.file(Slot::B), b"x").unwrap();
    assert_eq!(status(&lab)["slots"]["b"]["state"], "damaged");
    let text = SlotsStatus::of(&lab.store).unwrap().to_string();
    assert!(text.contains("slot a  good: default 900\n"), "{text}");
    assert_eq!(status(&lab)["slots"]["b"]["starts_left"], 3);
}
