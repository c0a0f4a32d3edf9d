//! Normalisation of a picture's pixels.

use emocue_models::crop::Preprocess;
use emocue_models::normalise::Normalise;
use serde::{Deserialize, Serialize};

/// The recipe's `[input]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// By constants, or by the mean and standard deviation of each face.
    #[serde(skip_serializing_if = "is_default")]
    pub normalise: Normalisation,
    /// With `fixed`: the mean, as a fraction of white, `0..=1`.
    pub mean: f32,
    /// With `fixed`: the standard deviation, `> 0`.
    pub std: f32,
    /// With `face`: lower limit of the standard deviation, grey levels of 0 to 255.
    #[serde(skip_serializing_if = "is_usual_floor")]
    pub floor: f32,
    /// With `face`: standard deviation of the network's input.
    #[serde(skip_serializing_if = "is_usual_gain")]
    pub gain: f32,
}

/// The kind of normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// `(pixel / 255 - mean) / std`.
    #[default]
    Fixed,
    /// `(pixel - m) / max(d, floor) * gain` with the mean `m` and the standard deviation `d` of the face's pixels.
    Face,
}

/// The constants of [`Normalise::FACE`].
const USUAL: (f32, f32) = match Normalise::FACE {
    Normalise::Face { floor, gain } => (floor, gain),
    Normalise::Fixed => (0.0, 0.0),
};

fn is_default(normalise: &Normalisation) -> bool {
    *normalise == Normalisation::default()
}

fn is_usual_floor(floor: &f32) -> bool {
    *floor == USUAL.0
}

fn is_usual_gain(gain: &f32) -> bool {
    *gain == USUAL.1
}

impl Default for Input {
    fn default() -> Self {
        let Preprocess { mean, std, .. } = Preprocess::default();
        let (floor, gain) = USUAL;
        Self { normalise: Normalisation::Fixed, mean, std, floor, gain }
    }
}

impl Input {
    /// The normalisation as part of a [`Preprocess`].
    pub(super) fn normalise(&self) -> Normalise {
        let Self { normalise, floor, gain, .. } = *self;
        match normalise {
            Normalisation::Fixed => Normalise::Fixed,
            Normalisation::Face => Normalise::Face { floor, gain },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BUILT_IN, Recipe};
    use super::*;

    #[test]
    fn each_face_may_count_by_its_own_light() {
        let text = BUILT_IN[0].1;
        let recipe = |input: &str| toml::from_str::<Recipe>(&format!("{text}\n{input}")).unwrap();
        assert_eq!(recipe("").preprocess().normalise, Normalise::Fixed);
        let own = recipe("[input]\nnormalise = \"face\"");
        assert_eq!(own.preprocess().normalise, Normalise::FACE);
        let own = recipe("[input]\nnormalise = \"face\"\nfloor = 8");
        assert_eq!(own.preprocess().normalise, Normalise::Face { floor: 8.0, gain: 0.9 });
        // As a checkpoint stores it, and as an earlier program's checkpoint did.
        let json = serde_json::to_string(&own.input).unwrap();
        assert_eq!(serde_json::from_str::<Input>(&json).unwrap(), own.input);
        let earlier = r#"{"mean":0.5,"std":0.25}"#;
        assert_eq!(serde_json::from_str::<Input>(earlier).unwrap(), Input::default());
        assert_eq!(serde_json::to_string(&Input::default()).unwrap(), earlier);
        for (input, word) in [
            ("normalise = \"face\"\nfloor = 0", "input.floor is 0, expected 0.5 to 64"),
            ("gain = 11", "input.gain is 11"),
        ] {
            let error = recipe(&format!("[input]\n{input}")).check("r").unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
