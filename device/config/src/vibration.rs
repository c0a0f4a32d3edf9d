//! When the vibration motor plays, and which pattern for an expression.

use std::time::Duration;

use emocue_models::label::Expression;
use serde::{Deserialize, Serialize};

use crate::pattern::Pattern;

/// The motor's settings, and the pattern of every expression; in a configuration `happiness = [120, 80, 120]`, where
/// expressions that are not named keep the pattern of [`VibrationSettings::default`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VibrationSettings {
    /// Whether the motor plays.
    pub enabled: bool,
    /// The minimum time from the start of one pattern to the next, s, `1..=3600`.
    pub every_s: u32,
    /// Plays only for the first answer about a face, as long as that face is followed.
    pub once_per_face: bool,
    /// Empty by default.
    pub neutral: Pattern,
    /// Two light pulses.
    pub happiness: Pattern,
    /// One short pulse.
    pub surprise: Pattern,
    /// One long pulse.
    pub sadness: Pattern,
    /// Three firm pulses.
    pub anger: Pattern,
    /// Long, then short.
    pub disgust: Pattern,
    /// Several quick pulses.
    pub fear: Pattern,
    /// Short, then long.
    pub contempt: Pattern,
}

impl Default for VibrationSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            every_s: 3,
            once_per_face: false,
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

impl VibrationSettings {
    /// The minimum time from the start of one pattern to the next.
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.every_s.into())
    }

    /// The pattern of an expression.
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
    use super::*;

    #[test]
    fn every_pattern_is_gentle_and_unlike_the_others() {
        let patterns = VibrationSettings::default();
        let all = Expression::ALL.map(|expression| patterns.of(expression));
        for (i, pattern) in all.iter().enumerate() {
            assert_eq!(Pattern::new(pattern.ms()), Ok(*pattern));
            assert!(!all[..i].contains(pattern), "{pattern:?}");
        }
        assert_eq!(patterns.neutral, Pattern::NONE);
    }

    #[test]
    fn a_table_replaces_what_it_names() {
        let patterns: VibrationSettings =
            toml::from_str("happiness = [120, 80, 120]\nfear = []").unwrap();
        let default = VibrationSettings::default();
        assert_eq!(patterns.happiness.ms(), [120, 80, 120]);
        assert_eq!(patterns.fear, Pattern::NONE);
        assert_eq!(
            VibrationSettings { happiness: default.happiness, fear: default.fear, ..patterns },
            default
        );
        let text = toml::to_string(&default).unwrap();
        assert_eq!(toml::from_str::<VibrationSettings>(&text).unwrap(), default);
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
            let text = toml::from_str::<VibrationSettings>(table).unwrap_err().to_string();
            for part in parts {
                assert!(text.contains(part), "{part} is not in: {text}");
            }
        }
    }
}
