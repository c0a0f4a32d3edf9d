//! Timeouts of a live camera: some start slowly, some are always slow, some hang.

use std::time::{Duration, Instant};

/// How long one call of [`Camera::next`](super::Camera::next) waits for a frame.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// From a camera's start to its first frame: a sensor takes seconds on some boards.
pub(super) const START: Duration = Duration::from_secs(10);

/// Between two frames, before the camera counts as missing.
const PAUSE: Duration = Duration::from_secs(2);

/// The state of a camera that gave no frame in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is starting, or its frames are slow.
    Wait,
    /// It is missing at present, and may continue by itself.
    Silent,
    /// It has to be started again.
    Hung,
}

/// Supervises a camera from one start on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// The last whole frame, or the start.
    frame: Instant,
    /// The last data, or the start.
    heard: Instant,
    streams: bool,
    /// How long it may send no data once it has streamed.
    hung: Duration,
}

impl Watch {
    /// Supervises a camera that starts now. Once it has streamed, it counts as hung after `hung` without data.
    pub(super) fn start(now: Instant, hung: Duration) -> Self {
        Self { frame: now, heard: now, streams: false, hung }
    }

    /// Part of a frame has come.
    pub(super) fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A whole frame has come.
    pub(super) fn see(&mut self, now: Instant) {
        (self.frame, self.heard, self.streams) = (now, now, true);
    }

    /// The time without a frame.
    pub(super) fn waited(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.frame)
    }

    /// The state of the camera.
    pub(super) fn verdict(&self, now: Instant) -> Verdict {
        let (missing, hung) = if self.streams { (PAUSE, self.hung) } else { (START, START) };
        if now.saturating_duration_since(self.heard) >= hung {
            Verdict::Hung
        } else if self.waited(now) >= missing {
            Verdict::Silent
        } else {
            Verdict::Wait
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_takes_longer_than_a_pause_and_a_trickle_is_a_sign_of_life() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut watch = Watch::start(start, Duration::from_secs(4));
        let verdicts = |watch: &Watch, table: &[(u64, Verdict)]| {
            for (ms, verdict) in table {
                assert_eq!(watch.verdict(at(*ms)), *verdict, "after {ms} ms");
            }
        };
        verdicts(&watch, &[(1000, Verdict::Wait), (9999, Verdict::Wait), (10_000, Verdict::Hung)]);
        watch.hear(at(9000));
        verdicts(
            &watch,
            &[(9999, Verdict::Wait), (10_000, Verdict::Silent), (19_000, Verdict::Hung)],
        );
        watch.see(at(20_000));
        verdicts(
            &watch,
            &[(21_999, Verdict::Wait), (22_000, Verdict::Silent), (24_000, Verdict::Hung)],
        );
        assert_eq!(watch.waited(at(21_000)), Duration::from_secs(1));
    }
}
