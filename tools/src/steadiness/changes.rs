//! Number of changes of the shown answer, and duration of answers.

use serde::Serialize;

use super::log::{Frame, end_ms, is_answer};

/// A shorter answer counts as short, ms.
const SHORT_MS: f64 = 500.0;

/// Changes of the panel's contents.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Changes {
    /// All changes.
    pub(super) all: usize,
    /// From one expression or "unsure" to another.
    pub(super) between_answers: usize,
    /// Expressions and "unsure" that were replaced within [`SHORT_MS`] while their face stayed.
    pub(super) short: usize,
    /// The same when the face left: followed by no face, a new face, or another track.
    pub(super) short_left: usize,
    /// The shortest answer that was replaced while its face stayed, ms.
    pub(super) shortest_ms: Option<f64>,
}

impl Changes {
    /// The changes of `frames`. The last answer has no known duration.
    pub(super) fn of(frames: &[Frame]) -> Self {
        let mut changes = Self::default();
        let mut begin = 0;
        for index in 1..frames.len() {
            let (before, now) = (&frames[index - 1], &frames[index]);
            if before.shown == now.shown {
                continue;
            }
            changes.all += 1;
            changes.between_answers +=
                usize::from(is_answer(&before.shown) && is_answer(&now.shown));
            if is_answer(&before.shown) {
                let length_ms = end_ms(frames, index - 1) - frames[begin].time_ms as f64;
                changes.ended(length_ms, face_left(before, now));
            }
            begin = index;
        }
        changes
    }

    fn ended(&mut self, length_ms: f64, face_left: bool) {
        if !face_left {
            self.shortest_ms =
                Some(self.shortest_ms.map_or(length_ms, |least| least.min(length_ms)));
        }
        match (length_ms < SHORT_MS, face_left) {
            (true, true) => self.short_left += 1,
            (true, false) => self.short += 1,
            (false, _) => {}
        }
    }

    /// Adds `other`.
    pub(super) fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.between_answers += other.between_answers;
        self.short += other.short;
        self.short_left += other.short_left;
        self.shortest_ms = match (self.shortest_ms, other.shortest_ms) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Whether an answer ended because its face left: the next one is a state without a face, or about another track.
fn face_left(before: &Frame, now: &Frame) -> bool {
    let track = |frame: &Frame| frame.face().and_then(|face| face.track);
    let another = matches!((track(before), track(now)), (Some(old), Some(new)) if old != new);
    another || matches!(now.shown.as_str(), "no-face" | "face-found")
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::*;

    #[test]
    fn any_change_counts_and_those_between_answers_apart() {
        let changes =
            Changes::of(&frames(100, "neutral*6 unsure*6 fear*6 no-face*3 face-found fear*9"));
        assert_eq!((changes.all, changes.between_answers), (5, 2));
        assert_eq!((changes.short, changes.short_left), (0, 0));
        assert_eq!(changes.shortest_ms, Some(600.0));
    }

    #[test]
    fn answers_under_half_a_second_are_short_unless_their_face_left() {
        // 400 ms, 500 ms, 300 ms before the face left; the last one has no known duration.
        let changes = Changes::of(&frames(100, "fear*4 neutral*5 anger*3 no-face*2 anger*2"));
        assert_eq!((changes.short, changes.short_left), (1, 1));
        assert_eq!(changes.shortest_ms, Some(400.0));
        assert_eq!(Changes::of(&frames(100, "fear no-face fear")).shortest_ms, None);
    }

    #[test]
    fn another_track_means_that_the_face_left() {
        let mut frames = frames(100, "fear*2 anger*8");
        frames.iter_mut().for_each(|frame| frame.faces[0].track = Some(1));
        assert_eq!(Changes::of(&frames).short, 1);
        frames[2].faces[0].track = Some(2);
        let changes = Changes::of(&frames);
        assert_eq!((changes.short, changes.short_left), (0, 1));
    }

    #[test]
    fn two_clips_add_up() {
        let mut all = Changes::of(&frames(100, "fear*4 anger*6 fear"));
        all.add(&Changes::of(&frames(100, "fear*3 anger")));
        assert_eq!((all.all, all.short, all.shortest_ms), (3, 2, Some(300.0)));
        all.add(&Changes::default());
        assert_eq!(all.shortest_ms, Some(300.0));
        assert_eq!(Changes::of(&[]), Changes::default());
    }
}
