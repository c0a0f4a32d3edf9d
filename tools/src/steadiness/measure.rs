//! The figures of a stream: single-frame answers against the badge's shown answers.

use serde::Serialize;

use super::badge::{Badge, Mode, Run, Stream};
use super::changes::Changes;
use super::faces;
use super::log::seconds;
use super::segments::{delay_ms, percentile, segments};
use crate::Result;

/// The two runs of a stream.
pub(super) struct Pair {
    /// Single-frame answers.
    pub(super) raw: Run,
    /// The badge's shown answers.
    pub(super) steady: Run,
}

impl Pair {
    /// Runs the badge twice, each time on a new stream from `stream`.
    pub(super) fn run<'a>(
        badge: &Badge,
        mut stream: impl FnMut() -> Result<Stream<'a>>,
    ) -> Result<Self> {
        let raw = badge.run(stream()?, Mode::Raw)?;
        let steady = badge.run(stream()?, Mode::Steady)?;
        let (count, other) = (raw.frames.len(), steady.frames.len());
        if count != other {
            return Err(format!("one run has {count} frames, the other {other}").into());
        }
        if count == 0 {
            return Err("the stream has no frames".into());
        }
        Ok(Self { raw, steady })
    }
}

/// Figures of one stream or of several.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// Length, s.
    pub(super) seconds: f64,
    /// Number of frames.
    pub(super) frames: usize,
    /// Number of steady segments of the single-frame answers.
    pub(super) segments: usize,
    /// Number of segments that the panel never showed.
    pub(super) missed: usize,
    /// Delays of the shown segments after their start, ms.
    pub(super) delays_ms: Vec<u64>,
    /// Number of frames in which the detector lost a face that came back.
    pub(super) drop_outs: usize,
    /// Single-frame answers.
    pub(super) raw: ModeFigures,
    /// The badge's shown answers.
    pub(super) steady: ModeFigures,
}

/// Figures of one mode.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct ModeFigures {
    /// Changes of the panel's contents.
    pub(super) changes: Changes,
    /// Number of swaps of the shown face.
    pub(super) swaps: usize,
    /// Number of frames with a full search.
    pub(super) searches: usize,
    /// CPU time of the process including its start, s.
    pub(super) cpu_s: f64,
}

impl ModeFigures {
    fn of(run: &Run) -> Self {
        Self {
            changes: Changes::of(&run.frames),
            swaps: faces::swaps(&run.frames),
            searches: run.frames.iter().filter(|frame| frame.searched).count(),
            cpu_s: run.cpu_s,
        }
    }

    fn add(&mut self, other: &Self) {
        self.changes.add(&other.changes);
        self.swaps += other.swaps;
        self.searches += other.searches;
        self.cpu_s += other.cpu_s;
    }
}

impl Figures {
    /// The figures of one stream.
    pub(super) fn of(pair: &Pair) -> Self {
        let (raw, steady) = (&pair.raw.frames, &pair.steady.frames);
        let segments = segments(raw);
        let delays: Vec<u64> = segments.iter().filter_map(|part| delay_ms(part, steady)).collect();
        Self {
            seconds: seconds(raw),
            frames: raw.len(),
            segments: segments.len(),
            missed: segments.len() - delays.len(),
            delays_ms: delays,
            drop_outs: faces::drop_outs(raw),
            raw: ModeFigures::of(&pair.raw),
            steady: ModeFigures::of(&pair.steady),
        }
    }

    /// The figures of several streams together.
    pub(super) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.seconds += one.seconds;
            sum.frames += one.frames;
            sum.segments += one.segments;
            sum.missed += one.missed;
            sum.delays_ms.extend(&one.delays_ms);
            sum.drop_outs += one.drop_outs;
            sum.raw.add(&one.raw);
            sum.steady.add(&one.steady);
        }
        sum
    }

    /// `count` per minute.
    pub(super) fn a_minute(&self, count: usize) -> f64 {
        count as f64 * 60.0 / self.seconds
    }

    /// Share of segments that were not shown, percent.
    pub(super) fn missed_percent(&self) -> Option<f64> {
        (self.segments > 0).then(|| self.missed as f64 * 1e2 / self.segments as f64)
    }

    /// Quantile `share` (0 to 1) of the delays, ms.
    pub(super) fn delay_ms(&self, share: f64) -> Option<u64> {
        percentile(&self.delays_ms, share)
    }

    /// CPU time of the steady run divided by that of the single-frame run.
    pub(super) fn cpu_ratio(&self) -> f64 {
        self.steady.cpu_s / self.raw.cpu_s
    }

    /// CPU time per frame, ms.
    pub(super) fn cpu_ms(&self, mode: &ModeFigures) -> f64 {
        mode.cpu_s * 1e3 / self.frames as f64
    }
}

/// Two runs with frames written by hand, with 2 s and 0.5 s of CPU time, for tests.
#[cfg(test)]
pub(super) fn by_hand(raw: Vec<super::log::Frame>, steady: Vec<super::log::Frame>) -> Pair {
    let run = |frames, cpu_s| Run { frames, cpu_s };
    Pair { raw: run(raw, 2.0), steady: run(steady, 0.5) }
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::*;

    #[test]
    fn figures_of_a_stream_and_of_two() {
        let raw = "fear*8 anger neutral*9 no-face*2";
        let one = Figures::of(&by_hand(frames(100, raw), frames(100, "fear*12 neutral*8")));
        assert_eq!((one.seconds, one.frames, one.segments, one.missed), (2.0, 20, 2, 0));
        assert_eq!(one.delays_ms, [0, 300]);
        assert_eq!((one.raw.changes.all, one.steady.changes.all), (3, 1));
        assert_eq!((one.raw.searches, one.cpu_ratio(), one.cpu_ms(&one.steady)), (20, 0.25, 25.0));
        let other = Figures::of(&by_hand(frames(100, raw), frames(100, "fear*20")));
        assert_eq!((other.missed, other.missed_percent()), (1, Some(50.0)));
        let both = Figures::sum([&one, &other]);
        assert_eq!((both.segments, both.missed, both.seconds), (4, 1, 4.0));
        assert_eq!((both.delay_ms(0.5), both.delay_ms(0.9)), (Some(0), Some(300)));
        assert_eq!(both.a_minute(both.raw.changes.all), 90.0);
        assert_eq!(Figures::default().missed_percent(), None);
    }
}
