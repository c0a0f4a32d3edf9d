//! Which answers play a vibration pattern, and which one.

use std::time::Instant;

use emocue_config::{Pattern, VibrationSettings};

use super::cadence::{Cadence, CueState};
use crate::answer::Answer;

/// Decides what the motor plays.
#[derive(Debug)]
pub struct Vibration {
    settings: VibrationSettings,
    cadence: Cadence,
}

impl Vibration {
    /// Nothing was played yet.
    pub fn new(settings: VibrationSettings) -> Self {
        let cadence = Cadence::new(settings.every(), settings.once_per_face);
        Self { settings, cadence }
    }

    /// The pattern to play now that the screen shows `answer`, about the face `track`; see [`Cadence::tells`].
    pub fn play(&mut self, now: Instant, answer: Answer, track: Option<u32>) -> Option<Pattern> {
        let Answer::Looks(expression) = answer else { return None };
        let pattern = self.settings.of(expression);
        let cue = match self.settings.enabled && pattern != Pattern::NONE {
            true => CueState::Ready,
            false => CueState::Silent,
        };
        self.cadence.tells(now, answer, track, cue).then_some(pattern)
    }
}
