//! A badge's status as text.

use emocue_link::message::{BadgeStatus, BundleSource, CameraState, LogLine};
use emocue_models::plain::plain_line;

/// The state of its camera, as text.
pub fn state(state: CameraState) -> &'static str {
    match state {
        CameraState::Starting => "starting",
        CameraState::Streaming => "streaming",
        CameraState::Paused => "paused, its camera closed",
        CameraState::CameraMissing => "camera missing",
    }
}

/// The source of the running bundle, as text.
pub fn place(running: BundleSource) -> &'static str {
    match running {
        BundleSource::Embedded => "inside the program",
        BundleSource::A => "slot A",
        BundleSource::B => "slot B",
        BundleSource::File => "a file of its configuration",
    }
}

/// A time since the start, ms, as text.
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

/// A frame rate, mHz, as text.
pub fn fps(milli: u32) -> String {
    format!("{:.1} frames/s", f64::from(milli) / 1000.0)
}

/// The temperature and its effect on the badge, as text.
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

/// The state of the battery, as text.
pub fn battery(low: Option<bool>) -> &'static str {
    match low {
        None => "no warning pin",
        Some(false) => "well",
        Some(true) => "LOW",
    }
}

/// The state of a trial, as text.
pub fn trial(trial: Option<u8>) -> String {
    match trial {
        None => "not on trial".to_owned(),
        Some(1) => "on trial, 1 start left".to_owned(),
        Some(left) => format!("on trial, {left} starts left"),
    }
}

/// A log line as text.
pub fn line(line: &LogLine) -> String {
    format!("{:>9}  {}", uptime(line.time_ms), plain_line(&line.text))
}

/// The running bundle with its source and trial, as text.
pub fn running(status: &BadgeStatus) -> String {
    format!(
        "{} {} from {}, {}",
        status.bundle,
        status.content_version,
        place(status.running),
        trial(status.trial)
    )
}
