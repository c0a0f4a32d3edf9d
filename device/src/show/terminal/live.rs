//! For a live camera, below the panel: the frame rate, and the probabilities of all classes.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use emocue_config::Language;

use crate::answer::{Answer, FrameReport};
use crate::show::words;

/// Lines of bars.
pub(super) const LINES: usize = 2;
/// Characters of a word, and of a bar.
const WORD: usize = 9;
const BAR: usize = 8;
/// The rate is measured over this time.
const COUNTED: Duration = Duration::from_secs(1);
/// Block characters, filled from the left by eighths.
const PARTS: [char; 8] = [
    '\u{258f}', '\u{258e}', '\u{258d}', '\u{258c}', '\u{258b}', '\u{258a}', '\u{2589}', '\u{2588}',
];

/// Counts frames.
#[derive(Debug, Default)]
pub(super) struct FrameRate {
    since: Option<Instant>,
    frames: u32,
    hz: Option<f32>,
}

impl FrameRate {
    /// Counts a frame; returns the rate over the last second, Hz, after the first second.
    pub(super) fn count(&mut self, now: Instant) -> Option<f32> {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        if passed >= COUNTED {
            self.hz = Some(self.frames as f32 / passed.as_secs_f32());
            (self.since, self.frames) = (Some(now), 0);
        }
        self.frames += 1;
        self.hz
    }
}

/// Appends the classes of the shown face, four to a line, each with its word and a bar; empty lines without a face.
pub(super) fn bars(report: &FrameReport, language: &Language, text: &mut String) {
    let labels = &report.labels;
    let face = report.shown_face();
    for line in 0..LINES {
        let per_line = labels.names.len().div_ceil(LINES);
        for class in
            (line * per_line..(line + 1) * per_line).take_while(|c| *c < labels.names.len())
        {
            let Some(probability) = face.and_then(|face| face.probabilities.get(class)) else {
                continue;
            };
            let word = match labels.expression(class) {
                Some(expression) => words::words(Answer::Looks(expression), language).wide,
                None => labels.names[class],
            };
            // Writing to a string cannot fail.
            let _ = write!(text, "{word:>WORD$} ");
            bar(*probability, text);
            text.push(' ');
        }
        text.push_str("\x1b[K\n");
    }
}

/// A bar of [`BAR`] characters.
fn bar(probability: f32, text: &mut String) {
    let eighths = (probability.clamp(0.0, 1.0) * (8 * BAR) as f32).round() as usize;
    let mut left = BAR;
    text.extend(std::iter::repeat_n(PARTS[7], eighths / 8));
    left -= eighths / 8;
    if let Some(part) = (eighths % 8).checked_sub(1) {
        text.push(PARTS[part]);
        left -= 1;
    }
    text.extend(std::iter::repeat_n(' ', left));
}

#[cfg(test)]
mod tests {
    use emocue_models::label::Expression;

    use super::*;
    use crate::show::fixture;
    use crate::show::language::english;

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let start = Instant::now();
        let mut rate = FrameRate::default();
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert!((0..25).all(|frame| rate.count(at(40 * frame)).is_none()));
        assert_eq!(rate.count(at(1000)), Some(25.0));
        assert_eq!(
            (1..10).map(|frame| rate.count(at(1000 + 100 * frame))).collect::<Vec<_>>(),
            [Some(25.0); 9]
        );
        assert_eq!(rate.count(at(2000)), Some(10.0));
        // A clock that goes back does no harm.
        assert_eq!(rate.count(start), Some(10.0));
    }

    #[test]
    fn bars_are_as_long_as_the_probabilities_and_fit_eighty_columns() {
        let report = fixture::report("cam", 0, Some(0), Answer::Looks(Expression::Happiness));
        let mut text = String::new();
        bars(&report, english(), &mut text);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), LINES);
        assert!(
            lines[0].contains(
                "    happy \u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{258c} "
            ),
            "{text}"
        );
        assert!(lines.iter().all(|line| line.trim_end_matches("\x1b[K").chars().count() <= 80));
        let mut none = String::new();
        bars(&fixture::report("cam", 0, None, Answer::NoFace), english(), &mut none);
        assert_eq!(none, "\x1b[K\n\x1b[K\n");
    }

    #[test]
    fn any_number_is_a_bar() {
        for probability in [f32::NAN, -1.0, 0.0, 0.001, 0.5, 0.999, 1.0, 7.0] {
            let mut text = String::new();
            bar(probability, &mut text);
            assert_eq!(text.chars().count(), BAR, "{probability}");
        }
    }
}
