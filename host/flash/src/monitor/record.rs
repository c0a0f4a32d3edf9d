//! Events as lines of text, and as JSON for programs.

use emocue_link::message::{BadgeStatus, LogLine};
use serde::Serialize;

use super::MonitorEvent;
use crate::words::{battery, fps, heat, line, place, state, trial, uptime};

/// A JSON object for an event.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum MonitorRecord<'a> {
    Connected { program: &'a str },
    Lost { reason: &'a str },
    Status(&'a BadgeStatus),
    Log(&'a LogLine),
}

/// The event as one line of JSON.
///
/// # Errors
/// Does not occur: every event can be serialized.
pub fn json(event: &MonitorEvent) -> Result<String, serde_json::Error> {
    serde_json::to_string(&match event {
        MonitorEvent::Connected { program } => MonitorRecord::Connected { program },
        MonitorEvent::Lost { reason } => MonitorRecord::Lost { reason },
        MonitorEvent::Status(status) => MonitorRecord::Status(status),
        MonitorEvent::Log(line) => MonitorRecord::Log(line),
    })
}

/// The event as one line of text.
pub fn text(event: &MonitorEvent) -> String {
    match event {
        MonitorEvent::Connected { program } => {
            format!("connected; the badge's program is {program}")
        }
        MonitorEvent::Lost { reason } => format!("not connected: {reason}"),
        MonitorEvent::Log(entry) => format!("log {}", line(entry)),
        MonitorEvent::Status(status) => {
            let latency = status.latency_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
            format!(
                "{}, {}{latency}; {}; battery {}; {} {} from {}, {}; {} faults; up {}",
                state(status.state),
                fps(status.fps_milli),
                heat(status),
                battery(status.battery_low),
                status.bundle,
                status.content_version,
                place(status.running),
                trial(status.trial),
                status.faults,
                uptime(status.uptime_ms)
            )
        }
    }
}
