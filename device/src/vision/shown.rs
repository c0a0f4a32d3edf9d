//! What the screen shows over time: each answer for at least the dwell time, "no face" only after the hold time, and an
//! answer no longer than its face.

use emocue_models::steady::SteadySettings;

use crate::answer::Answer;

/// Time after which the screen shows "face found", s: most faces have an answer before.
const FOUND_AFTER_S: f32 = 0.2;

/// Minimum time for "face found", s: an answer should replace it soon.
const FOUND_DWELL_S: f32 = 0.25;

/// The face to show in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShownFace {
    /// Its track.
    pub(super) id: u32,
    /// Its steadied answer.
    pub(super) answer: Answer,
}

/// The answer on the screen.
#[derive(Debug, Default)]
pub(super) struct Shown {
    answer: Option<Answer>,
    /// The track of the answer.
    id: Option<u32>,
    /// For how long it has been shown, s.
    since: f32,
    /// For how long a face has been there without an answer, s.
    found: f32,
}

impl Shown {
    /// The answer to show `elapsed` s after the last frame: that of `face`, which is `None` once no face was found for
    /// the hold time; then `without` is shown.
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
            // The face that was shown is gone.
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

    /// Resets to nothing shown.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Tolerance for the rounding error in a sum of many short times, s.
const ROUNDING: f32 = 1e-4;

#[cfg(test)]
mod tests {
    use emocue_models::label::Expression;

    use super::*;

    const HAPPY: Answer = Answer::Looks(Expression::Happiness);
    const SAD: Answer = Answer::Looks(Expression::Sadness);
    const FOUND: Answer = Answer::FaceFound;

    /// What the screen shows and its start, s, for faces with these answers, for this many s each, at `fps` Hz.
    fn shown(fps: usize, given: &[(f32, Option<(u32, Answer)>)]) -> Vec<(f32, Answer)> {
        let (mut shown, mut time, mut out) = (Shown::default(), 0.0, Vec::<(f32, Answer)>::new());
        for (seconds, face) in given {
            for _ in 0..(seconds * fps as f32).round() as usize {
                let face = face.map(|(id, answer)| ShownFace { id, answer });
                let elapsed = 1.0 / fps as f32;
                let answer = shown.step(face, Answer::NoFace, elapsed, &SteadySettings::default());
                if out.last().is_none_or(|(_, last)| *last != answer) {
                    out.push((time, answer));
                }
                time += elapsed;
            }
        }
        out.iter().map(|(time, answer)| ((time * 10.0).round() / 10.0, *answer)).collect()
    }

    #[test]
    fn a_face_that_has_its_answer_soon_is_never_just_found() {
        for fps in [10, 30] {
            let seen = [(2.0, None), (0.1, Some((1, FOUND))), (1.0, Some((1, HAPPY)))];
            assert_eq!(shown(fps, &seen), [(0.0, Answer::NoFace), (2.1, HAPPY)]);
            let seen = [(2.0, None), (0.5, Some((1, FOUND))), (1.0, Some((1, HAPPY)))];
            let found = [(0.0, Answer::NoFace), (2.2, FOUND), (2.5, HAPPY)];
            let times = shown(fps, &seen);
            assert_eq!(times.iter().map(|it| it.1).collect::<Vec<_>>(), found.map(|it| it.1));
            assert!((times[1].0 - found[1].0).abs() < 0.11 && times[2].0 >= 2.4, "{times:?}");
        }
    }

    #[test]
    fn nothing_is_shown_for_less_than_the_dwell_time() {
        let seen = [(1.0, Some((1, HAPPY))), (0.1, Some((1, SAD))), (0.2, Some((1, HAPPY)))];
        assert_eq!(shown(10, &seen), [(0.0, HAPPY), (1.0, SAD)]);
        let seen = [&seen[..], &[(1.0, Some((1, HAPPY)))]].concat();
        assert_eq!(shown(10, &seen), [(0.0, HAPPY), (1.0, SAD), (1.5, HAPPY)]);
    }

    #[test]
    fn an_answer_goes_with_its_face() {
        let seen = [(1.0, None), (0.1, Some((1, HAPPY))), (0.3, Some((2, FOUND)))];
        let at_once = [(0.0, Answer::NoFace), (1.0, HAPPY), (1.1, FOUND)];
        assert_eq!(shown(10, &seen), at_once);
        let seen = [(1.0, Some((1, HAPPY))), (0.3, None)];
        assert_eq!(shown(10, &seen), [(0.0, HAPPY), (1.0, Answer::NoFace)]);
    }
}
