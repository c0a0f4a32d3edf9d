//! What the vibration motor plays for an expression.

use emocue_models::label::Expression;
use serde::{Deserialize, Serialize};

/// The most numbers in a pattern: five pulses and what lies between them.
const MOST: usize = 9;
/// Shorter, a motor does not start or stop, ms.
const SHORTEST: u16 = 20;
/// No pattern lasts longer, ms.
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

    const fn of(ms: &[u16]) -> Self {
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

/// The pattern of every expression; in a configuration `happiness = [120, 80, 120]`, where what is not named stays
/// as it is in [`Patterns::default`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patterns {
    /// Nothing worth a tap.
    pub neutral: Pattern,
    /// Two light taps.
    pub happiness: Pattern,
    /// One short tap.
    pub surprise: Pattern,
    /// One long, soft swell.
    pub sadness: Pattern,
    /// Three firm taps.
    pub anger: Pattern,
    /// Long, then short.
    pub disgust: Pattern,
    /// A quick flutter.
    pub fear: Pattern,
    /// Short, then long.
    pub contempt: Pattern,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            neutral: Pattern::NONE,
            happiness: Pattern::of(&[100, 120, 100]),
            surprise: Pattern::of(&[150]),
            sadness: Pattern::of(&[600]),
            anger: Pattern::of(&[200, 120, 200, 120, 200]),
            disgust: Pattern::of(&[400, 150, 100]),
            fear: Pattern::of(&[60, 60, 60, 60, 60, 60, 60, 60, 60]),
            contempt: Pattern::of(&[100, 150, 400]),
        }
    }
}

impl Patterns {
    /// What to play for an expression.
    pub fn of(&self, expression: Expression) -> Pattern {
        match expression {
            Expression::Neutral => self.neutral,
            Expression::Happiness => self.happiness,
            Expression::Surprise => self.surprise,
            Expression::Sadness => self.sadness,
            Expression::Anger => self.anger,
            Expression::Disgust => self.disgust,
            Expression::Fear => self.fear,
            Expression::Contempt => self.contempt,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_pattern_is_gentle_and_unlike_the_others() {
        let patterns = Patterns::default();
        let all = Expression::ALL.map(|expression| patterns.of(expression));
        for (i, pattern) in all.iter().enumerate() {
            assert_eq!(Pattern::new(pattern.ms()), Ok(*pattern));
            assert!(!all[..i].contains(pattern), "{pattern:?}");
        }
        assert_eq!(patterns.neutral, Pattern::NONE);
    }

    #[test]
    fn a_table_replaces_what_it_names() {
        let patterns: Patterns = toml::from_str("happiness = [120, 80, 120]\nfear = []").unwrap();
        let default = Patterns::default();
        assert_eq!(patterns.happiness.ms(), [120, 80, 120]);
        assert_eq!(patterns.fear, Pattern::NONE);
        assert_eq!(
            Patterns { happiness: default.happiness, fear: default.fear, ..patterns },
            default
        );
        let text = toml::to_string(&default).unwrap();
        assert_eq!(toml::from_str::<Patterns>(&text).unwrap(), default);
    }

    #[test]
    fn a_wrong_table_is_refused_with_its_line() {
        for (table, parts) in [
            ("anger = [100]\nfear = [100, 50]", ["line 2", "odd"]),
            ("anger = [100, 5, 100]", ["line 1", "5 ms"]),
            ("anger = [900, 20, 900]", ["line 1", "1820 ms"]),
            ("anger = [20,20,20,20,20,20,20,20,20,20,20]", ["line 1", "11 numbers"]),
            ("anger = [-3]", ["line 1", "-3"]),
            ("joy = [100]", ["line 1", "joy"]),
        ] {
            let text = toml::from_str::<Patterns>(table).unwrap_err().to_string();
            for part in parts {
                assert!(text.contains(part), "{part} is not in: {text}");
            }
        }
    }

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
