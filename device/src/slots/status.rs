//! `emocue-badge slot status`: what would start next, and the content of both slots.

use std::fmt;

use emocue_models::failure::line;
use serde::Serialize;

use super::SlotError;
use super::pointer::Held;
use super::store::{Found, Store};
use crate::bundle::{Slot, built_in_release};

/// The state of the slots on the disk; reading it changes nothing.
#[derive(Clone, Debug, Serialize)]
pub struct SlotsStatus {
    /// What the next start tries first.
    pub next: Next,
    /// Both slots.
    pub slots: Slots,
    /// Problems, a line each.
    pub notes: Vec<String>,
}

/// What the next start tries first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// `"a"`, `"b"` or `"embedded"`.
    pub slot: String,
    /// The bundle's name.
    pub name: String,
    /// Its release number.
    pub content_version: u32,
}

/// Both slots.
#[derive(Clone, Debug, Serialize)]
pub struct Slots {
    /// The first.
    pub a: Entry,
    /// The second.
    pub b: Entry,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// `"empty"`, `"trial"`, `"good"`, `"failed"` or `"damaged"`.
    pub state: &'static str,
    /// Its bundle's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its release number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_version: Option<u32>,
    /// Starts that it has left on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_left: Option<u8>,
}

impl SlotsStatus {
    /// Reads the state of `store`.
    ///
    /// # Errors
    /// [`SlotError::Folder`] when it cannot be read.
    pub fn of(store: &Store) -> Result<Self, SlotError> {
        let mut notes = Vec::new();
        if matches!(store.found()?, Found::Damaged) {
            notes.push("the slots' state is damaged; the next start repairs it".to_owned());
        }
        let pointer = store.pointer()?;
        let mut entry = |slot| {
            let (state, starts_left) = match pointer.held(slot) {
                Held::Empty => ("empty", None),
                Held::Trial { starts_left } => ("trial", Some(starts_left)),
                Held::Good => ("good", None),
                Held::Failed => ("failed", None),
            };
            let nothing = Entry { state, name: None, content_version: None, starts_left };
            if state == "empty" {
                return nothing;
            }
            match store.release(slot) {
                Ok((name, version)) => {
                    Entry { name: Some(name), content_version: Some(version), ..nothing }
                }
                Err(_) if state == "failed" => nothing,
                Err(error) => {
                    notes.push(format!("slot {slot} cannot be used: {}", line(&error)));
                    Entry { state: "damaged", ..nothing }
                }
            }
        };
        let slots = Slots { a: entry(Slot::A), b: entry(Slot::B) };
        let next = pointer.next().and_then(|slot| {
            let entry = match slot {
                Slot::A => &slots.a,
                Slot::B => &slots.b,
            };
            let (name, content_version) = (entry.name.clone()?, entry.content_version?);
            Some(Next { slot: slot.to_string(), name, content_version })
        });
        let next = next.unwrap_or_else(|| {
            let (name, content_version) = built_in_release();
            Next { slot: "embedded".to_owned(), name, content_version }
        });
        Ok(Self { next, slots, notes })
    }
}

impl fmt::Display for SlotsStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Next { slot, name, content_version } = &self.next;
        writeln!(f, "next    {slot}: {name} {content_version}")?;
        for (slot, entry) in [("slot a", &self.slots.a), ("slot b", &self.slots.b)] {
            write!(f, "{slot}  {}", entry.state)?;
            if let (Some(name), Some(version)) = (&entry.name, entry.content_version) {
                write!(f, ": {name} {version}")?;
            }
            if let Some(left) = entry.starts_left {
                write!(f, ", {left} starts left")?;
            }
            writeln!(f)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note    {note}"))
    }
}
