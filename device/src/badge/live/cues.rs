//! Motor and voice for an answer.

use std::time::Instant;

use super::Cues;
use crate::answer::{FrameReport, Screen};
use crate::cue::Vibration;

impl Cues {
    /// Plays a pattern and speaks a word if the answer of `report` is a change that should be signalled now.
    pub(super) fn vibrate_and_speak(
        &mut self,
        vibration: &mut Vibration,
        report: &FrameReport,
        now: Instant,
    ) {
        let Screen::Answer(answer) = report.shown else { return };
        let track = report.shown_face().and_then(|face| face.track);
        if let Some(motor) = &self.motor
            && let Some(pattern) = vibration.play(now, answer, track)
        {
            motor.play(pattern);
        }
        if let Some(voice) = &mut self.voice {
            voice.say(now, answer, track);
        }
    }
}
