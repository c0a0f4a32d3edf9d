//! Practice: how many rounds, of which expressions, and how fast.

use std::time::Duration;

use emocue_models::label::Expression;
use serde::{Deserialize, Serialize};

/// The order of a game's expressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// As the configuration lists them, and again.
    Listed,
    /// Shuffled: each comes once before any repeats.
    #[default]
    Random,
}

/// The settings of the practice games.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PracticeSettings {
    /// Rounds of a game, `1..=50`.
    pub rounds: u32,
    /// Which expressions come, at least one. Contempt, disgust and fear are left out: the classifier finds them less
    /// reliably than others, as its card says.
    pub expressions: Vec<Expression>,
    /// In which order.
    pub order: Order,
    /// Time after which a round with the camera ends by itself, s, `5..=600`.
    pub round_s: u32,
    /// How long each side of a card is shown, s, `1..=60`.
    pub card_s: u32,
}

impl Default for PracticeSettings {
    fn default() -> Self {
        use Expression::{Anger, Happiness, Neutral, Sadness, Surprise};
        Self {
            rounds: 5,
            expressions: vec![Happiness, Surprise, Sadness, Anger, Neutral],
            order: Order::default(),
            round_s: 60,
            card_s: 4,
        }
    }
}

impl PracticeSettings {
    /// The longest round with the camera.
    pub fn round(&self) -> Duration {
        Duration::from_secs(self.round_s.into())
    }

    /// The time of each side of a card.
    pub fn card(&self) -> Duration {
        Duration::from_secs(self.card_s.into())
    }
}
