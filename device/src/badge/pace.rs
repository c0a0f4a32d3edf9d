//! The frame rate: the configured one, and less if the board is hot or cannot keep up.

use std::time::Duration;

use emocue_config::PaceSettings;

/// Hysteresis: how far below a limit the board must cool before the rate is raised again, °C.
const COOLED_BY: f32 = 3.0;

/// After each frame, the core rests for 1/`REST` of the frame's processing time, so that a slow board is not kept at
/// its limit.
const REST: u32 = 4;

/// Decides when to process the next frame.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    settings: PaceSettings,
    slowdown: u32,
}

impl Pace {
    /// The configured rate, until heat is reported.
    pub fn new(settings: PaceSettings) -> Self {
        Self { settings, slowdown: 1 }
    }

    /// Updates the slowdown for the board's temperature, °C.
    pub fn set_temperature(&mut self, celsius: f32) {
        let PaceSettings { warm_c, hot_c, .. } = self.settings;
        // Limits that were exceeded before are lower by the hysteresis.
        let reached = |limit: f32, factor: u32| {
            celsius >= if self.slowdown >= factor { limit - COOLED_BY } else { limit }
        };
        self.slowdown = if reached(hot_c, 4) {
            4
        } else if reached(warm_c, 2) {
            2
        } else {
            1
        };
    }

    /// The factor by which heat reduces the frame rate: 1, 2 or 4.
    pub fn slowdown(&self) -> u32 {
        self.slowdown
    }

    /// Time from the start of processing a frame, which took `look`, to the start of the next.
    pub fn interval(&self, look: Duration) -> Duration {
        let wished = Duration::from_secs_f64(
            f64::from(self.slowdown) / f64::from(self.settings.fps.clamp(0.1, 240.0)),
        );
        wished.max(look + look / REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn pace() -> Pace {
        Pace::new(PaceSettings { fps: 10.0, warm_c: 70.0, hot_c: 80.0 })
    }

    #[test]
    fn a_quick_board_keeps_the_wished_rate_and_a_slow_one_rests() {
        assert_eq!(pace().interval(MS(20)), MS(100));
        assert_eq!(pace().interval(MS(400)), MS(500));
    }

    #[test]
    fn heat_halves_and_quarters_until_it_has_cooled_for_good() {
        let mut pace = pace();
        let slowdowns = [69.9, 70.0, 68.0, 66.9, 85.0, 78.0, 76.9, 67.5, 60.0].map(|celsius| {
            pace.set_temperature(celsius);
            pace.slowdown()
        });
        assert_eq!(slowdowns, [1, 2, 2, 1, 4, 4, 2, 2, 1]);
    }

    #[test]
    fn heat_stretches_the_interval() {
        let mut pace = pace();
        pace.set_temperature(90.0);
        assert_eq!(pace.interval(MS(20)), MS(400));
    }
}
