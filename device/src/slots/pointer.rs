//! The pointer: one small file with the state of both slots.
//!
//! Its first line is the CRC-32 of the rest in hexadecimal digits, the rest is JSON. It is only replaced as a whole, so
//! a damaged one means a damaged disk; [`super::boot`] then rebuilds it from the slots.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bundle::Slot;

/// The state of a slot's bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Held {
    /// The slot has no bundle that may run.
    #[default]
    Empty,
    /// The bundle is on trial; it runs at the next start.
    Trial {
        /// Starts that it has left.
        starts_left: u8,
    },
    /// The bundle is confirmed.
    Good,
    /// The bundle failed, and never runs again.
    Failed,
}

/// The series of a bundle, by which releases are compared: its name in lower case, without separators and without the
/// number at its end, so that `Default 1` belongs to the series `default`.
pub fn series(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let is_number = |word: &&str| {
        let digits = word.strip_prefix('v').unwrap_or(word);
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    };
    let kept = words.iter().rposition(|word| !is_number(word)).map_or(words.len(), |at| at + 1);
    words[..kept].concat()
}

/// The state of both slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The slot that runs when nothing is on trial; `None` for the embedded bundle.
    pub active: Option<Slot>,
    /// Slot A.
    pub a: Held,
    /// Slot B.
    pub b: Held,
    /// The newest release of each series that was ever confirmed: an older one is refused. Earlier programs wrote whole
    /// names.
    pub newest: BTreeMap<String, u32>,
    /// Counts changes, so that a running badge detects each.
    pub changes: u64,
}

impl Pointer {
    /// The state of `slot`.
    pub fn held(&self, slot: Slot) -> Held {
        match slot {
            Slot::A => self.a,
            Slot::B => self.b,
        }
    }

    /// Sets the state of `slot`. A slot that may no longer run is no longer active.
    pub fn set(&mut self, slot: Slot, held: Held) {
        match slot {
            Slot::A => self.a = held,
            Slot::B => self.b = held,
        }
        if matches!(held, Held::Empty | Held::Failed) && self.active == Some(slot) {
            let other = slot.other();
            self.active = (self.held(other) == Held::Good).then_some(other);
        }
    }

    /// The slot on trial.
    pub fn trial(&self) -> Option<Slot> {
        Slot::BOTH.into_iter().find(|slot| matches!(self.held(*slot), Held::Trial { .. }))
    }

    /// The slot that starts next: the one on trial, else the active one.
    pub fn next(&self) -> Option<Slot> {
        self.trial().or(self.active)
    }

    /// The slot for a new bundle: never the active one. A bundle on trial is replaced, so at most one is on trial.
    pub fn spare(&self) -> Slot {
        let rank = |slot: &Slot| match self.held(*slot) {
            _ if self.active == Some(*slot) => 4,
            Held::Trial { .. } => 0,
            Held::Empty => 1,
            Held::Failed => 2,
            Held::Good => 3,
        };
        if rank(&Slot::B) < rank(&Slot::A) { Slot::B } else { Slot::A }
    }

    /// The newest release of the series of `name` that was confirmed.
    pub fn newest_of(&self, name: &str) -> Option<u32> {
        let wanted = series(name);
        let of = self.newest.iter().filter(|(name, _)| series(name) == wanted);
        of.map(|(_, version)| *version).max()
    }

    /// Records that a release was confirmed.
    pub fn confirmed(&mut self, name: &str, version: u32) {
        let newest = self.newest_of(name).map_or(version, |newest| newest.max(version));
        self.set_newest(name, newest);
    }

    /// Records that an older release was installed on purpose, so that newer ones no longer count.
    pub fn forced(&mut self, name: &str, version: u32) {
        if let Some(newest) = self.newest_of(name) {
            self.set_newest(name, newest.min(version));
        }
    }

    fn set_newest(&mut self, name: &str, version: u32) {
        let series = series(name);
        self.newest.retain(|name, _| self::series(name) != series);
        self.newest.insert(series, version);
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        // A map of texts to numbers and a few names: serialization cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{:08x}\n{json}\n", crc32fast::hash(json.as_bytes())).into_bytes()
    }

    /// Decodes the file; `None` if it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (crc, json) = text.strip_suffix('\n')?.split_once('\n')?;
        if crc != format!("{:08x}", crc32fast::hash(json.as_bytes())) {
            return None;
        }
        serde_json::from_str(json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer() -> Pointer {
        Pointer {
            active: Some(Slot::A),
            a: Held::Good,
            b: Held::Trial { starts_left: 2 },
            newest: [("default".to_owned(), 7)].into(),
            changes: 3,
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let bytes = pointer().encode();
        assert_eq!(Pointer::decode(&bytes), Some(pointer()));
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Pointer::decode(&other), None, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(Pointer::decode(&bytes[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn names_that_differ_in_form_only_are_one_series() {
        for name in
            ["default", "Default", "DEFAULT 1", "default-2", "De fault_v3", " default. 4 5 "]
        {
            assert_eq!(series(name), "default", "{name}");
        }
        // A number that is part of a word, or the whole name, is kept.
        for (name, expected) in
            [("fer2013", "fer2013"), ("7", "7"), ("v2", "v2"), ("", ""), ("a 1 b", "a1b")]
        {
            assert_eq!(series(name), expected);
        }
        assert_ne!(series("mine"), series("default"));
    }

    #[test]
    fn releases_are_counted_by_series_also_in_an_older_program_s_file() {
        let newest = [("Default 1".to_owned(), 9), ("default".to_owned(), 7)].into();
        let mut pointer = Pointer { newest, ..Pointer::default() };
        assert_eq!(pointer.newest_of("DEFAULT"), Some(9));
        assert_eq!(pointer.newest_of("mine"), None);
        pointer.confirmed("default-2", 8);
        assert_eq!(pointer.newest, [("default".to_owned(), 9)].into());
        pointer.forced("Default", 3);
        assert_eq!(pointer.newest_of("default"), Some(3));
        pointer.forced("mine", 3);
        assert_eq!(pointer.newest_of("mine"), None);
    }

    #[test]
    fn a_trial_goes_first_and_never_takes_the_active_slot() {
        let mut pointer = pointer();
        assert_eq!((pointer.next(), pointer.spare()), (Some(Slot::B), Slot::B));
        pointer.set(Slot::B, Held::Failed);
        assert_eq!((pointer.next(), pointer.spare()), (Some(Slot::A), Slot::B));
        pointer.active = Some(Slot::B);
        pointer.set(Slot::B, Held::Good);
        assert_eq!((pointer.next(), pointer.spare()), (Some(Slot::B), Slot::A));
    }

    #[test]
    fn an_active_slot_that_fails_leaves_the_other_or_nothing() {
        let mut pointer = Pointer { b: Held::Good, ..pointer() };
        pointer.set(Slot::A, Held::Failed);
        assert_eq!(pointer.next(), Some(Slot::B));
        pointer.set(Slot::B, Held::Failed);
        assert_eq!(pointer.next(), None);
        assert_eq!(Pointer::default().spare(), Slot::A);
        let second = Pointer { b: Held::Trial { starts_left: 1 }, ..Pointer::default() };
        assert_eq!(second.spare(), Slot::B);
    }
}
