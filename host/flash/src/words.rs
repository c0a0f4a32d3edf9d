//! A badge's status in words.

use emocue_link::message::{BadgeStatus, BundleSource, CameraState, LogLine};
use emocue_models::plain::plain_line;

/// The state of its camera.
pub fn state(state: CameraState) -> &'static str {
    match state {
        CameraState::Starting => "starting",
        CameraState::Streaming => "streaming",
        CameraState::Paused => "paused, its camera closed",
        CameraState::CameraMissing => "camera missing",
    }
}

/// Where a bundle runs from, in words.
pub fn place(running: BundleSource) -> &'static str {
    match running {
        BundleSource::Embedded => "inside the program",
        BundleSource::A => "slot A",
        BundleSource::B => "slot B",
        BundleSource::File => "a file of its configuration",
    }
}

/// A time since the start, in words.
pub fn uptime(ms: u64) -> String {
    let seconds = ms / 1000;
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{}:{:02}:{:02}", clock / 3600, clock / 60 % 60, clock % 60);
    match days {
        0 => clock,
        1 => format!("1 day {clock}"),
        days => format!("{days} days {clock}"),
    }
}

/// Frames a second, in words.
pub fn fps(milli: u32) -> String {
    format!("{:.1} frames/s", f64::from(milli) / 1000.0)
}

/// Temperature and what it does to the badge, in words.
pub fn heat(status: &BadgeStatus) -> String {
    let temperature = match status.temperature_milli {
        Some(milli) => format!("{:.1} °C", f64::from(milli) / 1000.0),
        None => "temperature unknown".to_owned(),
    };
    match status.slowdown {
        0 | 1 => temperature,
        factor => format!("{temperature}, so it looks {factor} times less often"),
    }
}

/// The battery, in words.
pub fn battery(low: Option<bool>) -> &'static str {
    match low {
        None => "no warning pin",
        Some(false) => "well",
        Some(true) => "LOW",
    }
}

/// A trial, in words.
pub fn trial(trial: Option<u8>) -> String {
    match trial {
        None => "not on trial".to_owned(),
        Some(1) => "on trial, 1 start left".to_owned(),
        Some(left) => format!("on trial, {left} starts left"),
    }
}

/// A log line as it is shown.
pub fn line(line: &LogLine) -> String {
    format!("{:>9}  {}", uptime(line.time_ms), plain_line(&line.text))
}

/// What a badge runs.
pub fn running(status: &BadgeStatus) -> String {
    format!(
        "{} {} from {}, {}",
        status.bundle,
        status.content_version,
        place(status.running),
        trial(status.trial)
    )
}
