//! From answers to intervals: what is counted, and when an interval ends. It has no clock of its own and no file.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::INTERVAL_S;
use crate::interval::{Counted, Counts, Interval};

/// This time without streaming is a break.
pub const BREAK: Duration = Duration::from_secs(5 * 60);

/// Counts settled answers and the time in which the camera streams, over intervals of the wall clock.
///
/// Intervals end where the wall clock's five minutes do; within them time is measured by [`Instant`]s, so that setting
/// the clock changes which interval something belongs to, and never how much of it there was. An earlier instant counts
/// as the latest one so far.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// The current interval; `None` before the first [`Recorder::tick`].
    slot: Option<u32>,
    counts: Counts,
    /// Time of the interval in which the camera streamed, up to `since`.
    streamed: Duration,
    /// The answer that was settled on last.
    answer: Option<Counted>,
    /// While the camera streams: the time up to which that is counted.
    since: Option<Instant>,
    /// The time at which streaming began after the last break.
    began: Option<Instant>,
    /// While the camera does not stream: the time at which it stopped.
    stopped: Option<Instant>,
}

impl Recorder {
    /// A recorder without an answer, whose camera does not stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the settled answer; `None` without a face, and before an answer settles. It may be called any number of
    /// times: an answer counts once until it changes, and again after `None`.
    pub fn see(&mut self, answer: Option<Counted>, _at: Instant) {
        if answer != self.answer
            && let Some(answer) = answer
        {
            self.counts.add(answer, 1);
        }
        self.answer = answer;
    }

    /// Sets whether the camera streams from `at` on.
    pub fn streams(&mut self, streams: bool, at: Instant) {
        match (streams, self.since) {
            (true, None) => {
                if self.is_break(at) {
                    self.began = None;
                }
                self.began.get_or_insert(at);
                (self.since, self.stopped) = (Some(at), None);
            }
            (false, Some(_)) => {
                self.measure(at);
                (self.since, self.stopped) = (None, Some(at));
            }
            _ => {}
        }
    }

    /// Call it about once a second. Returns the interval that has ended, if one has: at every boundary of the wall
    /// clock's five minutes, and when the clock was set to another interval, forward or back. An interval in which
    /// nothing was streamed or counted is left out.
    pub fn tick(&mut self, at: Instant, clock: SystemTime) -> Option<Interval> {
        let slot = slot(clock);
        match self.slot.replace(slot) {
            Some(before) if before != slot => self.close(before, at),
            _ => None,
        }
    }

    /// Returns the last interval, which may be shorter than five minutes. Later answers belong to another journal; the
    /// state of the camera is kept.
    pub fn end(&mut self, at: Instant, clock: SystemTime) -> Option<Interval> {
        let slot = self.slot.take().unwrap_or_else(|| slot(clock));
        self.answer = None;
        self.close(slot, at)
    }

    /// How long the camera has streamed without a break, which is at least [`BREAK`] without streaming; shorter stops
    /// count as streaming. Zero in a break.
    pub fn has_streamed_without_break(&self, at: Instant) -> Duration {
        match self.began {
            Some(began) if !self.is_break(at) => {
                self.stopped.unwrap_or(at).saturating_duration_since(began)
            }
            _ => Duration::ZERO,
        }
    }

    fn is_break(&self, at: Instant) -> bool {
        self.stopped.is_some_and(|stopped| at.saturating_duration_since(stopped) >= BREAK)
    }

    /// Counts the streaming up to `at`.
    fn measure(&mut self, at: Instant) {
        if let Some(since) = &mut self.since {
            self.streamed += at.saturating_duration_since(*since);
            *since = at.max(*since);
        }
    }

    fn close(&mut self, slot: u32, at: Instant) -> Option<Interval> {
        self.measure(at);
        let streamed = std::mem::take(&mut self.streamed);
        let counts = std::mem::take(&mut self.counts);
        // Rounded; more than an interval's length occurs only after the clock was set, or after a late tick.
        let seconds = (streamed + Duration::from_millis(500)).as_secs();
        let streamed_s = seconds.min(INTERVAL_S.into()) as u16;
        let interval = Interval { slot, streamed_s, counts };
        (!interval.is_empty()).then_some(interval)
    }
}

/// The interval of a clock's time; the first one before 1970, and the last one beyond `u32`.
fn slot(clock: SystemTime) -> u32 {
    let seconds = clock.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    u32::try_from(seconds / u64::from(INTERVAL_S)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use emocue_models::label::Expression;
    use proptest::prelude::*;

    use super::*;

    const HAPPY: Option<Counted> = Some(Counted::Looks(Expression::Happiness));
    const SAD: Option<Counted> = Some(Counted::Looks(Expression::Sadness));

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    /// A wall clock `s` seconds after the start of slot 100.
    fn clock(s: u64) -> SystemTime {
        UNIX_EPOCH + seconds(100 * 300 + s)
    }

    fn counted(interval: &Interval) -> Vec<(&'static str, u16)> {
        let counted = interval.counts.iter().filter(|(_, times)| *times > 0);
        counted.map(|(answer, times)| (answer.name(), times)).collect()
    }

    #[test]
    fn an_answer_counts_once_until_it_changes_and_again_after_no_face() {
        let start = Instant::now();
        let mut recorder = Recorder::new();
        recorder.tick(start, clock(0));
        for answer in [None, HAPPY, HAPPY, HAPPY, SAD, HAPPY, None, HAPPY, Some(Counted::Unsure)] {
            recorder.see(answer, start);
        }
        let interval = recorder.tick(start, clock(300)).unwrap();
        assert_eq!(counted(&interval), [("happiness", 3), ("sadness", 1), ("unsure", 1)]);
        // An answer that continues is not counted again in the next five minutes.
        recorder.see(Some(Counted::Unsure), start);
        assert_eq!(recorder.tick(start, clock(600)), None);
    }

    #[test]
    fn streaming_is_cut_at_the_boundaries_of_the_clock() {
        let start = Instant::now();
        let mut recorder = Recorder::new();
        assert_eq!(recorder.tick(start, clock(290)), None);
        recorder.streams(true, start);
        let mut intervals = Vec::new();
        for second in 0..700 {
            intervals.extend(recorder.tick(start + seconds(second), clock(290 + second)));
        }
        recorder.streams(false, start + seconds(700));
        intervals.extend(recorder.end(start + seconds(800), clock(290 + 800)));
        let got: Vec<_> = intervals.iter().map(|it| (it.slot, it.streamed_s)).collect();
        assert_eq!(got, [(100, 10), (101, 300), (102, 300), (103, 90)]);
        assert_eq!(recorder.end(start + seconds(900), clock(0)), None);
    }

    #[test]
    fn intervals_in_which_nothing_happened_are_left_out() {
        let start = Instant::now();
        let mut recorder = Recorder::new();
        for second in 0..2000 {
            assert_eq!(recorder.tick(start + seconds(second), clock(second)), None);
        }
        assert_eq!(recorder.end(start, clock(0)), None);
    }

    #[test]
    fn a_clock_that_is_set_closes_the_interval_and_loses_nothing() {
        let start = Instant::now();
        let mut recorder = Recorder::new();
        recorder.tick(start, clock(150));
        recorder.streams(true, start);
        recorder.see(HAPPY, start);
        // The badge's clock is set, years forward.
        let forward = recorder.tick(start + seconds(10), clock(150 + 300_000_000)).unwrap();
        assert_eq!((forward.slot, forward.streamed_s), (100, 10));
        assert_eq!(counted(&forward), [("happiness", 1)]);
        recorder.see(SAD, start + seconds(11));
        // And back, even before 1970.
        let before = UNIX_EPOCH - seconds(7);
        let back = recorder.tick(start + seconds(15), before).unwrap();
        assert_eq!((back.slot, back.streamed_s), (100 + 1_000_000, 5));
        assert_eq!(counted(&back), [("sadness", 1)]);
        let last = recorder.end(start + seconds(20), before).unwrap();
        assert_eq!((last.slot, last.streamed_s), (0, 5));
    }

    #[test]
    fn what_was_seen_before_the_first_tick_is_not_lost() {
        let start = Instant::now();
        let mut recorder = Recorder::new();
        recorder.see(HAPPY, start);
        assert_eq!(counted(&recorder.end(start, clock(7)).unwrap()), [("happiness", 1)]);
    }

    #[test]
    fn five_minutes_without_streaming_are_a_break_and_less_is_not() {
        let start = Instant::now();
        let mut recorder = Recorder::new();
        let after =
            |recorder: &Recorder, s| recorder.has_streamed_without_break(start + seconds(s));
        assert_eq!(after(&recorder, 100), Duration::ZERO);
        recorder.streams(true, start);
        recorder.streams(true, start + seconds(50));
        assert_eq!(after(&recorder, 100), seconds(100));
        recorder.streams(false, start + seconds(1000));
        assert_eq!(after(&recorder, 1299), seconds(1000));
        assert_eq!(after(&recorder, 1300), Duration::ZERO);
        recorder.streams(true, start + seconds(1299));
        assert_eq!(after(&recorder, 3600), seconds(3600));
        // The end of a journal does not count as a break.
        recorder.end(start + seconds(3600), clock(0));
        assert_eq!(after(&recorder, 3601), seconds(3601));
        recorder.streams(false, start + seconds(4000));
        recorder.streams(true, start + seconds(4300));
        assert_eq!(after(&recorder, 4400), seconds(100));
    }

    proptest! {
        #[test]
        fn no_count_is_lost_however_the_clock_is_set(
            steps in proptest::collection::vec((0usize..11, 0u64..400, any::<i32>()), 0..200),
        ) {
            let (start, mut at) = (Instant::now(), seconds(0));
            let mut recorder = Recorder::new();
            let (mut last, mut expected, mut got) = (None, 0, 0);
            for (what, later, set) in steps {
                at += seconds(later);
                let clock = match u64::try_from(set) {
                    Ok(set) => UNIX_EPOCH + seconds(set),
                    Err(_) => UNIX_EPOCH - seconds(set.unsigned_abs().into()),
                };
                match what {
                    0 => recorder.streams(later % 2 == 0, start + at),
                    1 => {
                        // Instants may decrease too.
                        if let Some(interval) = recorder.tick(start + at / 2, clock) {
                            prop_assert!(interval.streamed_s <= 300 && !interval.is_empty());
                            got += interval.counts.total();
                        }
                    }
                    _ => {
                        let answer = Counted::ALL.get(what - 2).copied();
                        recorder.see(answer, start + at);
                        expected += u32::from(answer.is_some() && answer != last);
                        last = answer;
                    }
                }
            }
            got += recorder.end(start + at, UNIX_EPOCH).map_or(0, |interval| interval.counts.total());
            prop_assert_eq!(got, expected);
        }
    }
}
