//! When an answer is signalled by the motor or a voice: on a settled change, not too often, and not again for an answer
//! that was already signalled.

use std::time::{Duration, Instant};

use crate::answer::Answer;

/// A face that returns within this time, with the same answer, is not signalled again.
const DROP_OUT: Duration = Duration::from_secs(5);

/// How many of the last faces are remembered.
const FACES: usize = 16;

/// Decides which answers are signalled.
#[derive(Debug)]
pub struct Cadence {
    every: Duration,
    once_per_face: bool,
    /// When the last signal began.
    begun: Option<Instant>,
    told: Option<Told>,
    /// A ring buffer of the faces that were signalled.
    faces: [Option<u32>; FACES],
    next: usize,
}

/// Whether an answer can be signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CueState {
    /// It can be signalled now.
    Ready,
    /// Not now: the last signal has not ended.
    Busy,
    /// It has no signal, but a change to it counts as a change.
    Silent,
}

/// The answer that was signalled last.
#[derive(Clone, Copy, Debug)]
struct Told {
    answer: Answer,
    track: Option<u32>,
    /// When any answer was shown last.
    seen: Instant,
}

impl Cadence {
    /// A cadence without a signal so far. The minimum time from the start of one signal to the next is `every`; with
    /// `once_per_face`, only the first answer about a face is signalled.
    pub fn new(every: Duration, once_per_face: bool) -> Self {
        Self { every, once_per_face, begun: None, told: None, faces: [None; FACES], next: 0 }
    }

    /// Whether to signal now that the screen shows `answer`, about the face `track` if it is followed and found.
    ///
    /// To be called for every answer that counts as a change; without a call, the face counts as dropped out. A change
    /// that comes too early is signalled later, if it still holds then.
    pub fn tells(
        &mut self,
        now: Instant,
        answer: Answer,
        track: Option<u32>,
        cue: CueState,
    ) -> bool {
        if self.told.is_some_and(|told| told.is_gone(now, track)) {
            self.told = None;
        }
        let known = self.told.is_some_and(|told| told.answer == answer);
        if let Some(told) = &mut self.told {
            told.seen = now;
            told.track = track.or(told.track);
        }
        let known = match track {
            _ if !self.once_per_face => known,
            Some(_) => self.faces.contains(&track),
            None => self.told.is_some(),
        };
        if known {
            return false;
        }
        let is_silent = cue == CueState::Silent;
        let waits = |begun| now.saturating_duration_since(begun) < self.every;
        if !is_silent && (cue == CueState::Busy || self.begun.is_some_and(waits)) {
            return false;
        }
        if !is_silent || !self.once_per_face {
            self.told = Some(Told { answer, track, seen: now });
        }
        if is_silent {
            return false;
        }
        self.begun = Some(now);
        if track.is_some() {
            self.faces[self.next] = track;
            self.next = (self.next + 1) % FACES;
        }
        true
    }
}

impl Told {
    /// Whether it was about a face that is gone: no answer was shown for longer than a drop-out, and the face is not
    /// known to be the same.
    fn is_gone(&self, now: Instant, track: Option<u32>) -> bool {
        let same = track.is_some() && track == self.track;
        !same && now.saturating_duration_since(self.seen) > DROP_OUT
    }
}

#[cfg(test)]
mod tests {
    use emocue_config::VibrationSettings;
    use emocue_models::label::Expression;

    use super::*;
    use crate::cue::Vibration;
    use Expression::{Anger, Happiness, Neutral, Sadness};

    const HAPPY: Answer = Answer::Looks(Happiness);
    const SAD: Answer = Answer::Looks(Sadness);
    const ANGRY: Answer = Answer::Looks(Anger);
    const CALM: Answer = Answer::Looks(Neutral);
    const NOBODY: Answer = Answer::NoFace;

    /// The times, ms, at which the answers, given with their times, ms, and faces, play a pattern.
    fn felt(settings: &VibrationSettings, shown: &[(u64, Answer, Option<u32>)]) -> Vec<u64> {
        let mut vibration = Vibration::new(settings.clone());
        let start = Instant::now();
        let mut felt = Vec::new();
        for (ms, answer, track) in shown {
            let played = vibration.play(start + Duration::from_millis(*ms), *answer, *track);
            if let Some(pattern) = played {
                let Answer::Looks(expression) = *answer else { panic!("{answer:?} is felt") };
                assert_eq!(pattern, settings.of(expression));
                felt.push(*ms);
            }
        }
        felt
    }

    fn usual() -> VibrationSettings {
        VibrationSettings::default()
    }

    fn once() -> VibrationSettings {
        VibrationSettings { once_per_face: true, ..usual() }
    }

    #[test]
    fn a_change_is_felt_once_however_often_it_is_shown() {
        let shown: Vec<_> = (0..600).map(|frame| (frame * 33, HAPPY, Some(1))).collect();
        assert_eq!(felt(&usual(), &shown), [0]);
    }

    #[test]
    fn nothing_is_felt_for_states_and_neutral_faces() {
        use Answer::{FaceFound, NoFace, TooDark, TooFar, Unsure};
        let answers = [NoFace, FaceFound, Unsure, TooDark, TooFar, CALM];
        let shown: Vec<_> = (0..).zip(answers).map(|(at, it)| (at * 9000, it, Some(1))).collect();
        assert!(felt(&usual(), &shown).is_empty());
    }

    #[test]
    fn patterns_are_three_seconds_apart_and_a_change_that_holds_is_felt_late() {
        let faces = Some(1);
        let shown: Vec<_> =
            (0..100).map(|at| (at * 100, if at < 10 { HAPPY } else { SAD }, faces)).collect();
        assert_eq!(felt(&usual(), &shown), [0, 3000]);
        let every_frame: Vec<_> =
            (0..300).map(|at| (at * 100, [HAPPY, SAD, ANGRY][at as usize % 3], faces)).collect();
        let times = felt(&usual(), &every_frame);
        assert!(times.len() >= 9 && times.windows(2).all(|pair| pair[1] - pair[0] >= 3000));
    }

    #[test]
    fn a_change_that_passes_before_it_may_be_felt_is_not_felt() {
        let shown = [
            (0, HAPPY, Some(1)),
            (1000, SAD, Some(1)),
            (2000, HAPPY, Some(1)),
            (9000, HAPPY, Some(1)),
        ];
        assert_eq!(felt(&usual(), &shown), [0]);
    }

    #[test]
    fn the_same_expression_is_not_felt_again_after_a_drop_out() {
        for between in [Answer::NoFace, Answer::Unsure, Answer::FaceFound, Answer::TooDark] {
            let shown = [(0, HAPPY, Some(1)), (3500, between, None), (4800, HAPPY, Some(2))];
            assert_eq!(felt(&usual(), &shown), [0], "{between:?}");
        }
        // The same face, however long it was unsure.
        let shown =
            [(0, HAPPY, Some(1)), (4000, Answer::Unsure, Some(1)), (60_000, HAPPY, Some(1))];
        assert_eq!(felt(&usual(), &shown), [0]);
        // Through "neutral" it is a change.
        let shown = [(0, HAPPY, Some(1)), (4000, CALM, Some(1)), (5000, HAPPY, Some(1))];
        assert_eq!(felt(&usual(), &shown), [0, 5000]);
    }

    #[test]
    fn another_face_after_a_while_is_felt() {
        let shown = [(0, HAPPY, Some(1)), (1000, NOBODY, None), (60_000, HAPPY, Some(2))];
        assert_eq!(felt(&usual(), &shown), [0, 60_000]);
        let shown = [(0, HAPPY, None), (1000, NOBODY, None), (60_000, HAPPY, None)];
        assert_eq!(felt(&usual(), &shown), [0, 60_000]);
    }

    #[test]
    fn a_face_is_felt_once_where_that_is_chosen() {
        let shown = [
            (0, CALM, Some(1)),
            (4000, HAPPY, Some(1)),
            (8000, SAD, Some(1)),
            (12_000, SAD, Some(2)),
            // Too early; it still holds later.
            (13_000, ANGRY, Some(3)),
            (15_500, ANGRY, Some(3)),
            (20_000, HAPPY, Some(1)),
            (24_000, HAPPY, Some(3)),
            // During the hold time the face is not found.
            (24_500, HAPPY, None),
        ];
        assert_eq!(felt(&once(), &shown), [4000, 12_000, 15_500]);
    }

    #[test]
    fn a_motor_that_is_switched_off_stays_still() {
        let settings = VibrationSettings { enabled: false, ..usual() };
        let shown = [(0, HAPPY, Some(1)), (9000, SAD, Some(1))];
        assert!(felt(&settings, &shown).is_empty());
    }

    #[test]
    fn another_time_between_patterns_can_be_chosen() {
        let settings = VibrationSettings { every_s: 10, ..usual() };
        let shown = [(0, HAPPY, Some(1)), (9999, SAD, Some(1)), (10_000, SAD, Some(1))];
        assert_eq!(felt(&settings, &shown), [0, 10_000]);
    }

    #[test]
    fn time_that_stands_still_or_jumps_back_plays_nothing_too_early() {
        let shown = [(5000, HAPPY, Some(1)), (5000, SAD, Some(1)), (0, ANGRY, Some(1))];
        assert_eq!(felt(&usual(), &shown), [5000]);
    }

    #[test]
    fn what_is_not_over_makes_the_next_wait_and_not_queue() {
        let mut cadence = Cadence::new(Duration::from_secs(3), false);
        let start = Instant::now();
        let mut told = |s: u64, answer, cue| {
            cadence.tells(start + Duration::from_secs(s), answer, Some(1), cue)
        };
        assert!(told(0, HAPPY, CueState::Ready));
        assert!(!told(4, SAD, CueState::Busy));
        assert!(!told(5, ANGRY, CueState::Busy));
        // Only what still holds.
        assert!(told(6, ANGRY, CueState::Ready));
        assert!(!told(9, ANGRY, CueState::Ready));
    }
}
