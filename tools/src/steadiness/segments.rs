//! Steady segments of single-frame answers, and whether and when the panel showed them.

use super::log::{Frame, end_ms, step_ms};

/// Minimum duration of a steady segment, ms.
const STEADY_MS: f64 = 600.0;

/// Time after a segment's end in which its expression may still be shown, ms.
const LATE_MS: f64 = 300.0;

/// A period in which the nearest face had one expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    /// The expression.
    pub(super) expression: String,
    /// The first frame.
    pub(super) from: usize,
    /// The frame after the last.
    pub(super) to: usize,
}

/// Maximal runs of 0.6 s and longer in which the nearest face is the same one (its centre never moves by more than half
/// its box between two frames) and its single-frame answer is the same expression: not "unsure", not "no face".
pub(super) fn segments(raw: &[Frame]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut from = 0;
    for index in 1..=raw.len() {
        let continues =
            raw.get(index).is_some_and(|now| match (raw[index - 1].nearest(), now.nearest()) {
                (Some((before, there)), Some((answer, here))) => {
                    before == answer && there.is_near(here)
                }
                _ => false,
            });
        if continues {
            continue;
        }
        // The step is a mean, so the stream's last frame may end a fraction of 1 ms early.
        let length_ms = end_ms(raw, index - 1) - raw[from].time_ms as f64 + step_ms(raw) * 1e-3;
        if let Some((expression, _)) = raw[from].nearest().filter(|_| length_ms >= STEADY_MS) {
            segments.push(Segment { expression: expression.to_owned(), from, to: index });
        }
        from = index;
    }
    segments
}

/// Delay from the segment's first frame until the panel shows its expression, ms: 0 when it is shown already, `None`
/// when it is not shown until 0.3 s after the segment's end. `steady` has the same frames as the stream of the segment.
pub(super) fn delay_ms(segment: &Segment, steady: &[Frame]) -> Option<u64> {
    let begin_ms = steady.get(segment.from)?.time_ms;
    let last_ms = end_ms(steady, segment.to - 1) + LATE_MS;
    let later = steady[segment.from..].iter().take_while(|frame| frame.time_ms as f64 <= last_ms);
    let mut later = later.skip_while(|frame| frame.shown != segment.expression);
    later.next().map(|frame| frame.time_ms - begin_ms)
}

/// Quantile `share` (0 to 1) of `values` by nearest rank; `None` without values.
pub(super) fn percentile(values: &[u64], share: f64) -> Option<u64> {
    let mut values = values.to_vec();
    values.sort_unstable();
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::*;

    fn found(step_ms: u64, raw: &str) -> Vec<(String, usize, usize)> {
        let parts = segments(&frames(step_ms, raw));
        parts.into_iter().map(|part| (part.expression, part.from, part.to)).collect()
    }

    #[test]
    fn an_expression_of_600_ms_is_a_segment() {
        assert_eq!(
            found(100, "neutral*5 fear*6 unsure*9 no-face*9 anger*7"),
            [("fear".to_owned(), 5, 11), ("anger".to_owned(), 29, 36)]
        );
        // At 8 frames per second five frames are enough, four are not; the last frame's own duration counts.
        assert_eq!(found(125, "neutral*4 fear*5"), [("fear".to_owned(), 4, 9)]);
        assert_eq!(found(100, ""), []);
    }

    #[test]
    fn another_face_ends_a_segment() {
        assert_eq!(found(100, "fear@100*5 fear@300*5"), []);
        assert_eq!(found(100, "fear@100*5 fear@110*5").len(), 1);
    }

    #[test]
    fn a_segment_is_shown_at_once_late_or_never() {
        let segment = &segments(&frames(100, "neutral*2 fear*6 neutral*5"))[0];
        let delay = |steady: &str| delay_ms(segment, &frames(100, steady));
        assert_eq!(delay("fear*13"), Some(0));
        assert_eq!(delay("neutral*4 fear*9"), Some(200));
        // It ends at 800 ms; 300 ms later counts, 400 does not.
        assert_eq!(delay("neutral*11 fear*2"), Some(900));
        assert_eq!(delay("neutral*12 fear*1"), None);
        assert_eq!(delay("neutral*13"), None);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        assert_eq!(percentile(&[30, 10, 20], 0.5), Some(20));
        assert_eq!(percentile(&[10; 9], 0.9), Some(10));
        assert_eq!(percentile(&(1..=10).collect::<Vec<_>>(), 0.9), Some(9));
        assert_eq!(percentile(&[], 0.9), None);
    }
}
