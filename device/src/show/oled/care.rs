//! Burn-in protection: how long and how brightly a panel is lit, and the position of its picture.

use std::time::Duration;

use embedded_graphics::geometry::Point;
use emocue_config::PanelSettings;

use crate::answer::{Answer, Screen};

/// How brightly the panel is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Light {
    /// The brightness for a new screen.
    Bright,
    /// Nothing new for some time.
    Dim,
    /// Nothing new for longer, and no face.
    Off,
}

/// The positions of the picture, in order; the first is the normal one.
const SHIFTS: [Point; 4] = [Point::new(0, 0), Point::new(1, 0), Point::new(1, 1), Point::new(0, 1)];

/// The light for a screen that has been the same for `idle`.
pub(super) fn light(settings: &PanelSettings, screen: Screen, idle: Duration) -> Light {
    if matches!(screen, Screen::Question { .. } | Screen::Keep { .. }) {
        // A press answers it, so it has to be read.
        return Light::Bright;
    }
    let passed = |after_s: u32| after_s > 0 && idle >= Duration::from_secs(after_s.into());
    let face = matches!(screen, Screen::Answer(Answer::Looks(_) | Answer::Unsure));
    if !face && passed(settings.blank_after_s) {
        Light::Off
    } else if passed(settings.dim_after_s) {
        Light::Dim
    } else {
        Light::Bright
    }
}

/// The contrast for a light.
pub(super) fn contrast(settings: &PanelSettings, light: Light) -> u8 {
    match light {
        Light::Bright => settings.brightness,
        Light::Dim | Light::Off => settings.dim_brightness,
    }
}

/// How far the picture has moved, px, when the panel has run for `running`.
pub(super) fn shift(settings: &PanelSettings, running: Duration) -> Point {
    let steps = running.as_secs().checked_div(settings.shift_every_s.into()).unwrap_or(0);
    SHIFTS[(steps % SHIFTS.len() as u64) as usize]
}
