//! Which slot runs: one small file that says all about both.
//!
//! Its first line is the CRC-32 of the rest in hexadecimal digits, the rest is JSON. It is only ever replaced as a
//! whole, so a damaged one means a damaged disk; [`super::boot`] then looks at the slots themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bundle::Slot;

/// How far a slot's bundle is trusted to work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum Held {
    /// Nothing is in it that may run.
    #[default]
    Empty,
    /// It is new; the next start is its own.
    Trial {
        /// Starts that it has left.
        starts_left: u8,
    },
    /// It ran for a healthy minute.
    Good,
    /// It did not work, and never runs again.
    Failed,
}

/// What releases are counted by: a name in lower case, without separators and without the number at its end, so that
/// `Default 1` is of the same series as `default`.
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

/// What is known about both slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// The slot that runs when nothing is on trial; `None` for the bundle inside the program.
    pub active: Option<Slot>,
    /// Slot A.
    pub a: Held,
    /// Slot B.
    pub b: Held,
    /// The newest release of each series that was ever confirmed: an older one is refused. Older programs wrote whole
    /// names.
    pub newest: BTreeMap<String, u32>,
    /// Counts changes, so that a badge that runs notices each.
    pub changes: u64,
}

impl Pointer {
    /// How far `slot` is trusted.
    pub fn held(&self, slot: Slot) -> Held {
        match slot {
            Slot::A => self.a,
            Slot::B => self.b,
        }
    }

    /// Changes how far `slot` is trusted. One that may not run any more is not active either.
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

    /// The slot that a new bundle goes to: never the active one. One on trial makes way, so there is never another
    /// beside it.
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

    /// A release was confirmed.
    pub fn confirmed(&mut self, name: &str, version: u32) {
        let newest = self.newest_of(name).map_or(version, |newest| newest.max(version));
        self.set_newest(name, newest);
    }

    /// An older release was installed on purpose, so that newer ones do not count any more.
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
        // A map of texts to numbers and a few names: nothing that JSON cannot say.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{:08x}\n{json}\n", crc32fast::hash(json.as_bytes())).into_bytes()
    }

    /// What the file says, unless it is damaged.
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
        // A number that is a part of a word, or all that there is, tells names apart.
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
