//! When the wearer is told something, by the motor or by a voice: on a settled change, not too often, and not again for
//! what was told already.

use std::time::{Duration, Instant};

use crate::answer::Answer;

/// A face that is back within this time, with the same answer, is not told again.
const DROP_OUT: Duration = Duration::from_secs(5);

/// How many of the last faces are remembered.
const FACES: usize = 16;

/// Decides which answers are told.
#[derive(Debug)]
pub struct Cadence {
    every: Duration,
    once_per_face: bool,
    /// When something began to be told last.
    begun: Option<Instant>,
    told: Option<Told>,
    /// The faces that were told, in a ring.
    faces: [Option<u32>; FACES],
    next: usize,
}

/// What can be done about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CueState {
    /// It can be told now.
    Ready,
    /// Not now: what was told before is not over.
    Busy,
    /// There is nothing to tell of it: a change to it is one all the same.
    Silent,
}

/// What the wearer knows.
#[derive(Clone, Copy, Debug)]
struct Told {
    answer: Answer,
    track: Option<u32>,
    /// When an answer was shown last, this or another.
    seen: Instant,
}

impl Cadence {
    /// Nothing has been told yet. From the start of one to that of the next at least `every` goes by; with
    /// `once_per_face` only the first answer about a face is told.
    pub fn new(every: Duration, once_per_face: bool) -> Self {
        Self { every, once_per_face, begun: None, told: None, faces: [None; FACES], next: 0 }
    }

    /// Whether to tell now that the screen shows `answer`, about the face `track` where it is followed and in sight.
    ///
    /// To be called for every answer that counts as a change: for others it is as if the face had dropped out. A change
    /// that comes too early is told once it may be, if it still holds then.
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
    /// Whether it was about somebody who left: no answer was shown for longer than a drop-out, and the face is not
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
    use crate::cue::Feel;
    use Expression::{Anger, Happiness, Neutral, Sadness};

    const HAPPY: Answer = Answer::Looks(Happiness);
    const SAD: Answer = Answer::Looks(Sadness);
    const ANGRY: Answer = Answer::Looks(Anger);
    const CALM: Answer = Answer::Looks(Neutral);
    const NOBODY: Answer = Answer::NoFace;

    /// Whether each answer, at its time in ms and about its face, is felt.
    fn felt(settings: &VibrationSettings, shown: &[(u64, Answer, Option<u32>)]) -> Vec<u64> {
        let mut feel = Feel::new(settings.clone());
        let start = Instant::now();
        let mut felt = Vec::new();
        for (ms, answer, track) in shown {
            let played = feel.play(start + Duration::from_millis(*ms), *answer, *track);
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
            // In the hold time the face is not in sight.
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
