//! The choice of the bundle at a start, and the notes about bundles that are not run.

use std::io;
use std::time::Duration;

use emocue_models::bundle::{Bundle, BundleError};
use emocue_models::failure::line;

use super::error::Refusal;
use super::pointer::{Held, Pointer};
use super::store::{Found, Store};
use super::trust::Trust;
use crate::bundle::{LoadError, LoadedBundle, Origin, Slot};

/// How long a start waits for a running installation.
const PATIENCE: Duration = Duration::from_secs(10);

/// Loads the bundle to run: the one on trial, of whose starts this uses one, else the active one, else the other one,
/// else the embedded one. A slot that cannot be used is skipped, and never tried again if that would not help. The time
/// of day is not used. `notes` gets a line for each bundle that is not run.
///
/// # Errors
/// [`LoadError`] when not even the embedded bundle runs.
pub fn boot(
    store: &Store,
    trust: &Trust,
    min_face: Option<f32>,
    notes: &mut Vec<String>,
) -> Result<LoadedBundle, LoadError> {
    let chosen = choose(store, trust, notes, |bytes, start| {
        let origin = Origin::Slot { slot: start.slot, trial: start.trial };
        let load = |min_face| {
            LoadedBundle::read(bytes, origin.clone(), min_face).map_err(|error| line(&error.reason))
        };
        if start.test {
            // The portraits' faces may be smaller than those that the configuration looks for.
            load(None)?.self_test().map_err(|error| line(&error))?;
        }
        load(min_face)
    });
    match chosen {
        Some(bundle) => Ok(bundle),
        None => LoadedBundle::load(None, min_face),
    }
}

/// A slot that a start would run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotStart {
    /// Which.
    pub slot: Slot,
    /// Starts that are left after this one; `None` where it is not on trial.
    pub trial: Option<u8>,
    /// Whether it needs a self-test before it runs.
    pub test: bool,
}

/// Decides as [`boot`] does, and calls `load` to load and test a bundle of a trusted signer from its bytes. If `load`
/// fails, the bundle is at fault and never runs again. Returns `None` for the embedded bundle.
pub fn choose<T>(
    store: &Store,
    trust: &Trust,
    notes: &mut Vec<String>,
    mut load: impl FnMut(&[u8], SlotStart) -> Result<T, String>,
) -> Option<T> {
    if !store.exists() {
        return None;
    }
    // Without the lock nothing may be written, so a bundle on trial may not run.
    let lock = store.lock(PATIENCE).map_err(|error| notes.push(line(&error))).ok();
    let (mut pointer, rebuilt) = match store.found() {
        Ok(Found::Pointer(pointer)) => (pointer, false),
        Ok(Found::Nothing) => return None,
        Ok(Found::Damaged) => {
            notes.push(
                "the slots' state is damaged, so it is rebuilt from the slots themselves".into(),
            );
            (rebuild(store, trust), true)
        }
        Err(error) => {
            notes.push(line(&error));
            return None;
        }
    };
    let mut on_disk = (!rebuilt).then(|| pointer.clone());
    let mut chosen = None;
    // Whether a slot that comes first may work at a later start.
    let mut one_waits = false;
    for slot in order(&pointer) {
        let trial = match pointer.held(slot) {
            Held::Trial { starts_left: 0 } => {
                notes.push(format!("slot {slot} did not last a minute in any of its starts"));
                pointer.set(slot, Held::Failed);
                continue;
            }
            Held::Trial { starts_left } => {
                let left = starts_left - 1;
                pointer.set(slot, Held::Trial { starts_left: left });
                // The start is counted first, since it may end in a crash.
                let written = match &lock {
                    Some(_) => store.write(&mut pointer).map_err(|error| line(&error)),
                    None => Err("another program changes the slots".to_owned()),
                };
                on_disk = Some(pointer.clone());
                if let Err(reason) = written {
                    notes.push(format!("slot {slot} waits, its trial cannot be noted: {reason}"));
                    pointer.set(slot, Held::Trial { starts_left });
                    on_disk = Some(pointer.clone());
                    continue;
                }
                Some(left)
            }
            _ => None,
        };
        let start = SlotStart { slot, trial, test: trial.is_some() || rebuilt };
        let loaded = read(store, trust, slot)
            .and_then(|bytes| load(&bytes, start).map_err(Unusable::lasting));
        match loaded {
            Ok(bundle) => {
                if trial.is_none() && !one_waits {
                    pointer.active = Some(slot);
                }
                chosen = Some(bundle);
                break;
            }
            Err(Unusable { reason, lasting }) => {
                notes.push(format!("slot {slot} cannot be used: {reason}"));
                match lasting {
                    true => pointer.set(slot, Held::Failed),
                    false => one_waits = true,
                }
            }
        }
    }
    if lock.is_some()
        && on_disk.as_ref() != Some(&pointer)
        && let Err(error) = store.write(&mut pointer)
    {
        notes.push(line(&error));
    }
    chosen
}

/// Slots that may run, in order of preference.
fn order(pointer: &Pointer) -> Vec<Slot> {
    let active = pointer.active;
    // If the embedded bundle was chosen, only a trial precedes it.
    let other = active.map(Slot::other).filter(|slot| pointer.held(*slot) == Held::Good);
    let mut order: Vec<Slot> = pointer.trial().into_iter().chain(active).collect();
    order.extend(other.filter(|slot| !order.contains(slot)));
    order
}

/// Rebuilds the pointer from the slots: every undamaged bundle of a trusted signer, the newest release first.
fn rebuild(store: &Store, trust: &Trust) -> Pointer {
    let mut pointer = Pointer::default();
    let mut best = None;
    for slot in Slot::BOTH {
        let Ok(bytes) = Store::read(&store.file(slot)) else { continue };
        let Ok((name, version)) = trusted(&bytes, trust) else { continue };
        pointer.set(slot, Held::Good);
        pointer.confirmed(&name, version);
        if best.is_none_or(|best| best < version) {
            best = Some(version);
            pointer.active = Some(slot);
        }
    }
    pointer
}

fn trusted(bytes: &[u8], trust: &Trust) -> Result<(String, u32), Refusal> {
    let bundle = Bundle::read(bytes)?;
    let signer = bundle.signer().ok_or(Refusal::Unsigned)?;
    if !trust.keys().contains(&signer) {
        return Err(Refusal::Untrusted { signer });
    }
    Ok((bundle.manifest().name.clone(), bundle.manifest().content_version))
}

/// A slot that is skipped.
struct Unusable {
    reason: String,
    /// Whether the bundle is at fault, so that another start would not help.
    lasting: bool,
}

impl Unusable {
    fn lasting(reason: String) -> Self {
        Self { reason, lasting: true }
    }
}

/// The bytes of the bundle in `slot`, if it is undamaged and of a trusted signer.
fn read(store: &Store, trust: &Trust, slot: Slot) -> Result<Vec<u8>, Unusable> {
    let bytes = Store::read(&store.file(slot)).map_err(|error| Unusable {
        // A disk that cannot be read now may be readable at the next start.
        lasting: matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge
        ),
        reason: error.to_string(),
    })?;
    trusted(&bytes, trust).map_err(|refusal| Unusable {
        reason: line(&refusal),
        // A key may be trusted again, and a newer program may read it.
        lasting: !matches!(
            refusal,
            Refusal::Untrusted { .. }
                | Refusal::Bundle(BundleError::Runtime { .. } | BundleError::Version { .. })
        ),
    })?;
    Ok(bytes)
}
