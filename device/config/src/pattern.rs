//! A pattern of the vibration motor.

use serde::{Deserialize, Serialize};

/// The most numbers in a pattern: five pulses and four pauses.
const MOST: usize = 9;
/// Shortest pulse or pause, ms: a motor does not start or stop faster.
const SHORTEST: u16 = 20;
/// Longest pattern, ms.
const LONGEST: u32 = 1500;

/// Pulses: ms on, ms off, ms on, … Up to nine numbers of 20 ms and more, an odd count, at most 1500 ms together;
/// empty for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u16>", into = "Vec<u16>")]
pub struct Pattern {
    ms: [u16; MOST],
    len: usize,
}

/// A pattern that cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Ends with a pause.
    #[error(
        "{0} numbers: a pattern begins and ends with a pulse, so their count is odd: [on, off, on], in ms"
    )]
    Even(usize),
    /// Has more pulses than anybody can tell apart.
    #[error("{0} numbers are more than 9, which is five pulses")]
    Many(usize),
    /// Has a pulse or a pause that cannot be felt.
    #[error("{0} ms is too short to be felt: at least 20 ms are needed")]
    Short(u16),
    /// Lasts too long.
    #[error("{0} ms together are more than 1500 ms")]
    Long(u32),
}

impl Pattern {
    /// Nothing to play.
    pub const NONE: Self = Self { ms: [0; MOST], len: 0 };

    /// # Errors
    /// [`PatternError`] says what is wrong with `ms`.
    pub fn new(ms: &[u16]) -> Result<Self, PatternError> {
        if ms.len() > MOST {
            return Err(PatternError::Many(ms.len()));
        }
        if ms.len().is_multiple_of(2) && !ms.is_empty() {
            return Err(PatternError::Even(ms.len()));
        }
        if let Some(short) = ms.iter().find(|ms| **ms < SHORTEST) {
            return Err(PatternError::Short(*short));
        }
        let total = ms.iter().copied().map(u32::from).sum();
        if total > LONGEST {
            return Err(PatternError::Long(total));
        }
        Ok(Self::of(ms))
    }

    pub(crate) const fn of(ms: &[u16]) -> Self {
        let mut pattern = Self::NONE;
        while pattern.len < ms.len() {
            pattern.ms[pattern.len] = ms[pattern.len];
            pattern.len += 1;
        }
        pattern
    }

    /// Times in ms: on, off, on, …
    pub fn ms(&self) -> &[u16] {
        &self.ms[..self.len]
    }
}

impl TryFrom<Vec<u16>> for Pattern {
    type Error = PatternError;

    fn try_from(ms: Vec<u16>) -> Result<Self, PatternError> {
        Self::new(&ms)
    }
}

impl From<Pattern> for Vec<u16> {
    fn from(pattern: Pattern) -> Self {
        pattern.ms().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_taken_keeps_the_rules(ms in prop::collection::vec(0..700u16, 0..12)) {
            match Pattern::new(&ms) {
                Ok(pattern) => {
                    prop_assert_eq!(pattern.ms(), ms.as_slice());
                    prop_assert!(ms.is_empty() || ms.len() % 2 == 1);
                    prop_assert!(ms.iter().map(|ms| u32::from(*ms)).sum::<u32>() <= 1500);
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
