//! Comparison of synthetic scenes with their ground truth.

use serde::Serialize;

use super::log::{Frame, end_ms};

/// Settling time after a true change, in which changes do not count as needless, ms.
const SETTLING_MS: f64 = 1_000.0;

/// The expected contents of the panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The picture's steady answer.
    Answer(String),
    /// No face.
    NoFace,
    /// More than one answer is correct: a face at the border, many small faces.
    Open,
}

impl Expected {
    /// Its name in the badge's output.
    fn shown(&self) -> Option<&str> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::NoFace => Some("no-face"),
            Self::Open => None,
        }
    }
}

/// Expected contents from a time until the next span.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    /// Time since the scene's start, ms.
    pub(super) from_ms: f64,
    /// The expected contents.
    pub(super) expected: Expected,
}

/// Figures of shown answers against the ground truth.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct TruthFigures {
    /// Number of changes to an unexpected answer, later than a second after a true change.
    pub(super) needless: usize,
    /// Number of true changes from one answer to another.
    pub(super) true_changes: usize,
    /// Number of true changes that were not shown before the next one.
    pub(super) missed: usize,
    /// Delays of the shown changes after the first frame with the change, ms.
    pub(super) delays_ms: Vec<u64>,
    /// Longest time for which an answer from before a true change stayed after it, ms.
    pub(super) stale_ms: u64,
}

impl TruthFigures {
    /// The figures of `frames` with the ground truth `spans`; the first span starts at 0.
    pub(super) fn of(frames: &[Frame], spans: &[Span]) -> Self {
        let mut figures = Self::default();
        for (number, span) in spans.iter().enumerate() {
            let to_ms = spans.get(number + 1).map_or(f64::INFINITY, |next| next.from_ms);
            let from =
                frames.partition_point(|frame| (frame.time_ms as f64) < span.from_ms.floor());
            let to = frames.partition_point(|frame| (frame.time_ms as f64) < to_ms.floor());
            figures.needless += needless(frames, from, to, span);
            if let Some(before) = number.checked_sub(1).map(|before| &spans[before].expected) {
                figures.followed(frames, from, to, before, span);
            }
        }
        figures
    }

    /// Counts how the true change from `before` to `span` was shown.
    fn followed(
        &mut self,
        frames: &[Frame],
        from: usize,
        to: usize,
        before: &Expected,
        span: &Span,
    ) {
        let (Some(old), Some(new)) = (before.shown(), span.expected.shown()) else { return };
        if old == new || from >= to {
            return;
        }
        let here = &frames[from..to];
        // The change is visible only in the next frame, so the delay starts there.
        let since_ms = |at: f64| (at - here[0].time_ms as f64).max(0.0) as u64;
        if let Expected::Answer(_) = before {
            let stale = here.iter().take_while(|frame| frame.shown == old).count();
            if let Some(last) = stale.checked_sub(1) {
                self.stale_ms = self.stale_ms.max(since_ms(end_ms(frames, from + last)));
            }
            if let Expected::Answer(_) = span.expected {
                self.true_changes += 1;
                match here.iter().find(|frame| frame.shown == new) {
                    Some(frame) => self.delays_ms.push(since_ms(frame.time_ms as f64)),
                    None => self.missed += 1,
                }
            }
        }
    }

    /// Adds `other`.
    pub(super) fn add(&mut self, other: &Self) {
        self.needless += other.needless;
        self.true_changes += other.true_changes;
        self.missed += other.missed;
        self.delays_ms.extend(&other.delays_ms);
        self.stale_ms = self.stale_ms.max(other.stale_ms);
    }
}

/// Number of changes to an unexpected answer in `frames[from..to]` after the settling time.
fn needless(frames: &[Frame], from: usize, to: usize, span: &Span) -> usize {
    let Some(expected) = span.expected.shown() else { return 0 };
    let changed = |index: &usize| *index > 0 && frames[*index].shown != frames[*index - 1].shown;
    let late = |index: &usize| frames[*index].time_ms as f64 - span.from_ms >= SETTLING_MS;
    (from..to).filter(changed).filter(late).filter(|index| frames[*index].shown != expected).count()
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::*;

    fn spans(list: &[(f64, &str)]) -> Vec<Span> {
        let expected = |what: &str| match what {
            "no-face" => Expected::NoFace,
            "open" => Expected::Open,
            answer => Expected::Answer(answer.to_owned()),
        };
        list.iter()
            .map(|(from_ms, what)| Span { from_ms: *from_ms, expected: expected(what) })
            .collect()
    }

    #[test]
    fn a_change_away_from_what_is_expected_is_needless() {
        let known = spans(&[(0.0, "fear")]);
        let needless = |shown: &str| TruthFigures::of(&frames(100, shown), &known).needless;
        assert_eq!(needless("face-found*2 fear*20"), 0);
        // "unsure" and back: the first change is needless, the second is not. In the settling time none is.
        assert_eq!(needless("fear*15 unsure*5 fear*5"), 1);
        assert_eq!(needless("fear*5 unsure*3 fear*5"), 0);
        assert_eq!(needless("fear*15 unsure*5 anger*5"), 2);
    }

    #[test]
    fn a_true_change_has_a_delay_or_is_missed() {
        let known =
            spans(&[(0.0, "fear"), (2_000.0, "anger"), (4_000.0, "fear"), (6_000.0, "anger")]);
        let shown = "fear*23 anger*20 neutral*20 anger*17";
        let figures = TruthFigures::of(&frames(100, shown), &known);
        assert_eq!((figures.true_changes, figures.missed), (3, 1));
        assert_eq!(figures.delays_ms, [300, 300]);
        // Time before the first frame with the change is not part of the delay.
        let late = spans(&[(0.0, "fear"), (2_090.0, "anger")]);
        let figures_late = TruthFigures::of(&frames(100, shown), &late);
        assert_eq!(figures_late.delays_ms, [200]);
        // "neutral" at 4.3 s is within the settling time.
        assert_eq!((figures.needless, figures.stale_ms), (0, 300));
    }

    #[test]
    fn an_answer_that_stays_after_its_face_left_is_stale() {
        let known =
            spans(&[(0.0, "fear"), (1_000.0, "no-face"), (3_000.0, "open"), (4_000.0, "fear")]);
        let figures = TruthFigures::of(&frames(100, "fear*18 no-face*17 unsure*5 fear*9"), &known);
        assert_eq!((figures.stale_ms, figures.true_changes, figures.needless), (800, 0, 0));
    }
}
