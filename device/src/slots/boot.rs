//! What a start runs, and what it says about everything that it does not.

use std::io;
use std::time::Duration;

use emocue_models::bundle::{Bundle, BundleError};

use super::error::Refusal;
use super::pointer::{Held, Pointer, Slot};
use super::store::{Found, Store};
use super::trust::Trust;
use crate::doctor::self_test;
use crate::load::{LoadError, eyes, load};
use crate::vision::Vision;

/// For how long a start waits for an installation that is under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a start found.
pub struct Booted {
    /// Looks at frames.
    pub vision: Vision,
    /// The slot that it comes from; `None` for the bundle inside the program.
    pub slot: Option<Slot>,
    /// What the bundle is called.
    pub name: String,
    /// Its release.
    pub content_version: u32,
    /// Starts that it has left where it is on trial.
    pub trial: Option<u8>,
    /// Why something else does not run, a line each.
    pub notes: Vec<String>,
    /// The pointer as this start left it ([`Store::mark`]).
    pub mark: Vec<u8>,
}

/// Chooses the bundle that runs: the one on trial, which this start uses up one start of, else the active one, else
/// the other one, else the one inside the program. A slot that cannot be used is passed by, and never tried again
/// where that would not help. The time of day plays no part.
///
/// # Errors
/// [`LoadError`] when not even the bundle inside the program runs.
pub fn boot(store: &Store, trust: &Trust, min_face: Option<f32>) -> Result<Booted, LoadError> {
    let mut notes = Vec::new();
    let chosen = choose(store, trust, min_face, &mut notes);
    if let Some(Chosen { vision, slot, name, content_version, trial }) = chosen {
        let mark = store.mark();
        return Ok(Booted { vision, slot: Some(slot), name, content_version, trial, notes, mark });
    }
    let vision = load(None, min_face)?;
    let (name, content_version) = embedded();
    let mark = store.mark();
    Ok(Booted { vision, slot: None, name, content_version, trial: None, notes, mark })
}

/// Name and release of the bundle inside the program.
pub(super) fn embedded() -> (String, u32) {
    let bundle = Bundle::read(emocue_models::bundle::DEFAULT).ok();
    let told = bundle.map(|b| (b.manifest().name.clone(), b.manifest().content_version));
    told.unwrap_or_default()
}

struct Chosen {
    vision: Vision,
    slot: Slot,
    name: String,
    content_version: u32,
    trial: Option<u8>,
}

fn choose(
    store: &Store,
    trust: &Trust,
    min_face: Option<f32>,
    notes: &mut Vec<String>,
) -> Option<Chosen> {
    if !store.exists() {
        return None;
    }
    // Without the lock nothing may be written, so nothing on trial may run.
    let lock = store.lock(PATIENCE).map_err(|error| notes.push(error.to_string())).ok();
    let (mut pointer, mended) = match store.found() {
        Ok(Found::Pointer(pointer)) => (pointer, false),
        Ok(Found::Nothing) => return None,
        Ok(Found::Damaged) => {
            notes.push("the slots' state is damaged, so the slots themselves are looked at".into());
            (mend(store, trust), true)
        }
        Err(error) => {
            notes.push(error.to_string());
            return None;
        }
    };
    let mut on_disk = (!mended).then(|| pointer.clone());
    let mut chosen = None;
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
                // First of all this start is used up: it may end in a crash.
                let written = match &lock {
                    Some(_) => store.write(&mut pointer).map_err(|error| error.to_string()),
                    None => Err("somebody else changes the slots".to_owned()),
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
        match look(store, trust, slot, min_face, trial.is_some() || mended) {
            Ok((vision, name, content_version)) => {
                if trial.is_none() {
                    pointer.active = Some(slot);
                }
                chosen = Some(Chosen { vision, slot, name, content_version, trial });
                break;
            }
            Err(Unusable { reason, lasting }) => {
                notes.push(format!("slot {slot} cannot be used: {reason}"));
                if lasting {
                    pointer.set(slot, Held::Failed);
                }
            }
        }
    }
    if lock.is_some()
        && on_disk.as_ref() != Some(&pointer)
        && let Err(error) = store.write(&mut pointer)
    {
        notes.push(error.to_string());
    }
    chosen
}

/// Slots that may run, the best first.
fn order(pointer: &Pointer) -> Vec<Slot> {
    let active = pointer.active;
    // Where the program's own bundle was chosen, only a trial goes before it.
    let other = active.map(Slot::other).filter(|slot| pointer.held(*slot) == Held::Good);
    let mut order: Vec<Slot> = pointer.trial().into_iter().chain(active).collect();
    order.extend(other.filter(|slot| !order.contains(slot)));
    order
}

/// What the slots themselves tell: every whole bundle of somebody trusted, the newest release first.
fn mend(store: &Store, trust: &Trust) -> Pointer {
    let mut pointer = Pointer::default();
    let mut best = None;
    for slot in Slot::BOTH {
        let Ok(bytes) = Store::read(&store.file(slot)) else { continue };
        let Ok((name, version)) = trusted(&bytes, trust) else { continue };
        pointer.set(slot, Held::Good);
        pointer
            .newest
            .entry(name)
            .and_modify(|newest| *newest = version.max(*newest))
            .or_insert(version);
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

/// A slot that is passed by.
struct Unusable {
    reason: String,
    /// It is the bundle's own fault, so another start would not help.
    lasting: bool,
}

fn look(
    store: &Store,
    trust: &Trust,
    slot: Slot,
    min_face: Option<f32>,
    test: bool,
) -> Result<(Vision, String, u32), Unusable> {
    let lasting = |reason: String| Unusable { reason, lasting: true };
    let bytes = Store::read(&store.file(slot)).map_err(|error| Unusable {
        // A disk that cannot be read now may be read at the next start.
        lasting: matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge
        ),
        reason: error.to_string(),
    })?;
    let (name, version) = trusted(&bytes, trust).map_err(|refusal| Unusable {
        reason: refusal.to_string(),
        // A key may come back, and a newer program may read it.
        lasting: !matches!(
            refusal,
            Refusal::Untrusted { .. }
                | Refusal::Bundle(BundleError::Runtime { .. } | BundleError::Version { .. })
        ),
    })?;
    let see = |min_face| {
        let bundle = Bundle::read(&bytes).map_err(|error| lasting(error.to_string()))?;
        eyes(&bundle, min_face).map_err(lasting)
    };
    if test {
        // The portraits' faces may be smaller than those that the configuration looks for.
        self_test(&mut see(None)?, false).map_err(|error| lasting(error.to_string()))?;
    }
    Ok((see(min_face)?, name, version))
}

impl Booted {
    /// What runs, in one line: `slot b: default 8, on trial, 2 starts left`.
    pub fn line(&self) -> String {
        let Self { name, content_version, .. } = self;
        let place = match self.slot {
            Some(slot) => format!("slot {slot}"),
            None => "the bundle inside this program".to_owned(),
        };
        let trial = match self.trial {
            Some(1) => ", on trial, 1 start left".to_owned(),
            Some(left) => format!(", on trial, {left} starts left"),
            None => String::new(),
        };
        format!("runs {place}: {name} {content_version}{trial}")
    }
}
