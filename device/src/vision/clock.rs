//! The time between two frames, robust against invalid timestamps.

use std::time::Instant;

use crate::camera::FrameInfo;

/// A frame's time relative to that of the frame before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Passed {
    /// The frame has no timestamp: a still picture, which is unrelated to the one before.
    Untimed,
    /// The first frame, another source, or a source that restarted.
    Began,
    /// The time since the frame before, s, at least 0.
    Later(f32),
}

/// Tracks the timestamps of a source's frames.
#[derive(Debug, Default)]
pub(super) struct FrameClock {
    source: String,
    last: Option<Stamp>,
}

/// A frame's timestamp: for a live camera by the machine's clock, else by the source's own.
#[derive(Clone, Copy, Debug)]
enum Stamp {
    Captured(Instant),
    Source(u64),
}

impl FrameClock {
    /// The time since the frame before `info`'s. If a live camera's time goes backwards, it is 0.
    pub(super) fn see(&mut self, info: &FrameInfo) -> Passed {
        let now = info.captured.map(Stamp::Captured).or(info.time_ms.map(Stamp::Source));
        let is_same = self.source == info.source;
        let last = std::mem::replace(&mut self.last, now).filter(|_| is_same);
        if !is_same {
            self.source.clone_from(&info.source);
        }
        match (last, now) {
            (_, None) => Passed::Untimed,
            (Some(Stamp::Captured(last)), Some(Stamp::Captured(now))) => {
                Passed::Later(now.saturating_duration_since(last).as_secs_f32())
            }
            (Some(Stamp::Source(last)), Some(Stamp::Source(now))) if now >= last => {
                Passed::Later((now - last) as f32 / 1000.0)
            }
            _ => Passed::Began,
        }
    }

    /// When a live camera captured its last frame.
    pub(super) fn captured(&self) -> Option<Instant> {
        match self.last {
            Some(Stamp::Captured(at)) => Some(at),
            _ => None,
        }
    }

    /// The next frame counts as the first.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn info(source: &str, time_ms: Option<u64>, captured: Option<Instant>) -> FrameInfo {
        FrameInfo { source: source.to_owned(), index: 0, time_ms, captured }
    }

    #[test]
    fn a_file_s_time_is_its_own_and_going_back_is_a_new_beginning() {
        let mut clock = FrameClock::default();
        let passed =
            [0, 40, 40, 2040, 80, 120].map(|ms| clock.see(&info("clip.y4m", Some(ms), None)));
        let later = Passed::Later;
        assert_eq!(
            passed,
            [Passed::Began, later(0.04), later(0.0), later(2.0), Passed::Began, later(0.04)]
        );
        assert_eq!(clock.see(&info("other.y4m", Some(160), None)), Passed::Began);
        assert_eq!(clock.see(&info("a.jpg", None, None)), Passed::Untimed);
        assert_eq!(clock.see(&info("a.jpg", Some(1), None)), Passed::Began);
    }

    #[test]
    fn a_live_camera_s_time_stands_still_rather_than_go_back() {
        let mut clock = FrameClock::default();
        let start = Instant::now() + Duration::from_secs(60);
        let at = |ms| Some(start + Duration::from_millis(ms));
        let passed = [1000, 1250, 500, 750].map(|ms| clock.see(&info("cam", Some(ms), at(ms))));
        let later = Passed::Later;
        assert_eq!(passed, [Passed::Began, later(0.25), later(0.0), later(0.25)]);
        assert_eq!(clock.captured(), at(750));
        clock.forget();
        assert_eq!(clock.see(&info("cam", None, at(800))), Passed::Began);
    }
}
