//! What the screen shows over time: nothing shorter than the dwell time, "no face" only after the hold, and an answer no
//! longer than its face.

use emocue_models::steady::SteadySettings;

use crate::answer::Answer;

/// A face must be there for so long, s, before the screen says that it was found: most have an answer by then.
const FOUND_AFTER_S: f32 = 0.2;

/// The shortest time for "face found", s: an answer is worth more than calm.
const FOUND_DWELL_S: f32 = 0.25;

/// What a frame says of the face that is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShownFace {
    /// Its track.
    pub(super) id: u32,
    /// What it looks like, as far as that has settled.
    pub(super) answer: Answer,
}

/// The answer on the screen.
#[derive(Debug, Default)]
pub(super) struct Shown {
    answer: Option<Answer>,
    /// Whose it is.
    id: Option<u32>,
    /// For how long it has been shown, s.
    since: f32,
    /// For how long a face has been there without an answer, s.
    found: f32,
}

impl Shown {
    /// The answer to show `elapsed` s after the last frame: that of `face`, which is `None` once no face was seen for the
    /// hold time; then `without` says why.
    pub(super) fn step(
        &mut self,
        face: Option<ShownFace>,
        without: Answer,
        elapsed: f32,
        settings: &SteadySettings,
    ) -> Answer {
        self.since += elapsed;
        self.found = match face {
            Some(ShownFace { answer: Answer::FaceFound, .. }) => self.found + elapsed,
            _ => 0.0,
        };
        let wanted = face.map_or(without, |face| face.answer);
        let waits = wanted == Answer::FaceFound && self.found < FOUND_AFTER_S && face.is_some();
        let dwell = match self.answer {
            Some(Answer::FaceFound) => FOUND_DWELL_S.min(settings.dwell_s),
            _ => settings.dwell_s,
        };
        let answer = match self.answer {
            None => wanted,
            // Whoever it was is gone.
            Some(_) if self.id.is_some() && self.id != face.map(|face| face.id) => wanted,
            Some(shown) if shown == wanted || waits => shown,
            Some(shown) if self.since < dwell - ROUNDING => shown,
            Some(_) => wanted,
        };
        if self.answer != Some(answer) {
            self.answer = Some(answer);
            self.since = 0.0;
        }
        if answer == wanted {
            self.id = face.map(|face| face.id);
        }
        answer
    }

    /// Nothing is shown that has to stay.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Sums of many short times may miss a limit by a rounding, s.
const ROUNDING: f32 = 1e-4;
