//! Counters of a live badge for its hosts.

use std::time::{Duration, Instant};

use emocue_link::message::CameraState;

use super::events::{LiveRun, LiveState};
use super::notice::Notice;
use crate::badge::screen::ScreenState;

/// Latencies of frames, from the sensor to the displays.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ages {
    count: u64,
    sum: Duration,
}

impl Ages {
    pub(super) fn add(&mut self, age: Duration) {
        self.count += 1;
        self.sum += age;
    }

    pub(super) fn since(self, earlier: Self) -> Self {
        Self { count: self.count - earlier.count, sum: self.sum.saturating_sub(earlier.sum) }
    }

    /// `None` where no frame had an age.
    pub(super) fn mean(self) -> Option<Duration> {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        self.sum.checked_div(count)
    }
}

/// The counters that the hub received last.
#[derive(Default)]
pub(super) struct Meter {
    pub(super) since: Option<Instant>,
    pub(super) shown: u64,
    pub(super) ages: Ages,
}

impl LiveRun<'_> {
    /// Reports to the hub what happened since the last report.
    pub(super) fn measure(&mut self, now: Instant, battery_low: bool) {
        let LiveState { tally, ages, screen, streamed, pace, .. } = &self.state;
        let meter = Meter { since: Some(now), shown: tally.shown, ages: *ages };
        let state = match screen {
            ScreenState { paused: true, .. } => CameraState::Paused,
            ScreenState { missing: true, .. } => CameraState::CameraMissing,
            _ if *streamed => CameraState::Streaming,
            _ => CameraState::Starting,
        };
        let slowdown = pace.slowdown();
        let last = std::mem::replace(&mut self.state.meter, meter);
        let Some(since) = last.since else { return };
        let elapsed_ms = now.saturating_duration_since(since).as_millis().max(1) as u64;
        let looks = self.state.tally.shown - last.shown;
        let age = self.state.ages.since(last.ages).mean();
        let watched = self.parts.cues.battery_low.is_some();
        self.parts.hub.update(|status| {
            status.state = state;
            status.fps_milli = u32::try_from(looks * 1_000_000 / elapsed_ms).unwrap_or(u32::MAX);
            status.latency_ms = age.map(|age| age.as_millis() as u32);
            status.battery_low = watched.then_some(battery_low);
            status.slowdown = slowdown;
        });
    }

    /// Reads the temperature, for which the badge reduces its frame rate.
    pub(super) fn read_temperature(&mut self) {
        let Some(celsius) = self.parts.thermometer.celsius() else { return };
        let milli = (celsius * 1000.0) as i32;
        self.parts.hub.update(|status| status.temperature_milli = Some(milli));
        let pace = &mut self.state.pace;
        let before = pace.slowdown();
        pace.set_temperature(celsius);
        if pace.slowdown() != before {
            (self.tell)(Notice::Slowed(pace.slowdown()));
        }
    }
}
