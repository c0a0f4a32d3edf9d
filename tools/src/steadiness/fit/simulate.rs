//! Simulates the temporal filter on single-frame answers without the badge: fast enough for thousands of settings.

use emocue_models::steady::{Settled, Steady, SteadySettings};

use super::super::log::{Box, Frame, is_expression};

/// Rate at which the badge classifies the shown face, Hz; doubled while its answer may be about to change.
const CLASSIFY_HZ: f32 = 8.0;

/// A frame: the time since the previous one, s, and the nearest face with its probabilities.
struct Moment {
    elapsed: f32,
    face: Option<(Box, Vec<f32>)>,
}

/// Single-frame answers, prepared for the temporal filter.
pub(super) struct Sequence {
    /// One per frame.
    seen: Vec<Moment>,
    /// The classes, in the order of the probabilities.
    classes: Vec<String>,
    /// The frames without faces; the shown answers of a setting are written into them.
    shown: Vec<Frame>,
}

impl Sequence {
    /// The sequence of the single-frame answers `raw`.
    pub(super) fn of(raw: &[Frame]) -> Self {
        let mut before = raw.first().map_or(0, |frame| frame.time_ms);
        let mut classes = Vec::new();
        let seen = raw.iter().map(|frame| {
            let elapsed = (frame.time_ms - before) as f32 / 1e3;
            before = frame.time_ms;
            let face = frame.faces.first().map(|face| {
                if classes.is_empty() {
                    classes = face.probabilities.keys().cloned().collect();
                }
                (face.rect, face.probabilities.values().copied().collect())
            });
            Moment { elapsed, face }
        });
        let seen = seen.collect();
        let blank = |frame: &Frame| Frame { time_ms: frame.time_ms, ..Frame::default() };
        Self { seen, classes, shown: raw.iter().map(blank).collect() }
    }

    /// The shown answers with `settings` for the nearest face. This is an approximation: the badge tracks faces and may
    /// keep showing another one.
    pub(super) fn show(&mut self, settings: &SteadySettings, threshold: f32) -> &[Frame] {
        let (mut steady, mut last, mut away, mut waited) = (Steady::new(), None::<Box>, 0.0, 0.0);
        let mut screen = "no-face";
        for (Moment { elapsed, face }, frame) in self.seen.iter().zip(&mut self.shown) {
            away += elapsed;
            if let Some((rect, probabilities)) = face {
                let same = last.is_some_and(|last| last.is_near(rect));
                let new = !same || away >= settings.forget_after_s;
                if new {
                    steady = Steady::new();
                }
                let hurry = if steady.is_undecided() { 2.0 } else { 1.0 };
                let period = 1.0 / (hurry * CLASSIFY_HZ);
                waited = if new { period } else { waited + elapsed };
                let due = waited > period - 1e-3;
                if due {
                    waited = (waited - period).clamp(0.0, period);
                }
                let probabilities = due.then_some(probabilities.as_slice());
                screen = match steady.step(*elapsed, probabilities, threshold, settings) {
                    None => "face-found",
                    Some(Settled::Unsure) => "unsure",
                    Some(Settled::Class(class)) => &self.classes[class],
                };
                (last, away) = (Some(*rect), 0.0);
            } else if away >= settings.hold_s {
                screen = "no-face";
            }
            frame.shown.clear();
            frame.shown.push_str(screen);
        }
        &self.shown
    }
}

/// The networks' threshold, estimated from their answers: between the highest probability of an "unsure" and the lowest
/// of an expression. `None` without a face.
pub(super) fn threshold<'a>(raw: impl IntoIterator<Item = &'a Frame>) -> Option<f32> {
    let (mut unsure, mut certain) = (0.0_f32, 1.0_f32);
    let mut seen = false;
    for face in raw.into_iter().flat_map(|frame| &frame.faces) {
        let highest = face.probabilities.values().copied().fold(0.0, f32::max);
        match face.answer.as_str() {
            "unsure" => unsure = unsure.max(highest),
            answer if is_expression(answer) => certain = certain.min(highest),
            _ => continue,
        }
        seen = true;
    }
    seen.then_some((unsure + certain) / 2.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::log::by_hand;
    use super::*;

    /// Frames as [`by_hand::frames`] makes them; the shown class has a probability of 0.9, the others share the rest.
    pub(in super::super) fn with_probabilities(step_ms: u64, words: &str) -> Vec<Frame> {
        let mut frames = by_hand::frames(step_ms, words);
        for face in frames.iter_mut().flat_map(|frame| &mut frame.faces) {
            for class in ["anger", "fear", "neutral"] {
                let probability = match face.answer.as_str() {
                    "unsure" => 1.0 / 3.0,
                    answer if answer == class => 0.9,
                    _ => 0.05,
                };
                face.probabilities.insert(class.to_owned(), probability);
            }
        }
        frames
    }

    fn shown(step_ms: u64, words: &str) -> Vec<(String, usize)> {
        let raw = with_probabilities(step_ms, words);
        let mut sequence = Sequence::of(&raw);
        let shown = sequence.show(&SteadySettings::default(), 0.6);
        let runs = shown.chunk_by(|a, b| a.shown == b.shown);
        runs.map(|run| (run[0].shown.clone(), run.len())).collect()
    }

    #[test]
    fn a_flicker_is_not_shown_and_a_change_is() {
        assert_eq!(shown(33, "fear*30 anger*2 fear*30"), [("fear".to_owned(), 62)]);
        let runs = shown(33, "fear*30 anger*30");
        assert_eq!((runs.len(), runs[1].0.as_str()), (2, "anger"));
        assert!((31..42).contains(&runs[0].1), "{runs:?}");
    }

    #[test]
    fn a_face_that_is_gone_is_held_and_another_one_begins_anew() {
        let runs = shown(100, "fear@100*10 no-face*12 anger@100*5 fear@400*5");
        let expected = [("fear", 17), ("no-face", 5), ("anger", 5), ("fear", 5)];
        assert_eq!(runs, expected.map(|(answer, count)| (answer.to_owned(), count)));
    }

    #[test]
    fn the_threshold_is_between_unsure_and_certain() {
        let raw = with_probabilities(100, "fear unsure no-face");
        assert!((threshold(&raw).unwrap() - (0.9 + 1.0 / 3.0) / 2.0).abs() < 1e-6);
        assert_eq!(threshold(&by_hand::frames(100, "no-face")), None);
    }
}
