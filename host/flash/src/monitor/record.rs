//! What is heard of a badge as lines: for people, and as JSON for programs.

use emocue_link::message::{BadgeStatus, LogLine};
use serde::Serialize;

use super::Event;
use super::history::{battery, fps, heat, line, place, state, trial, uptime};

/// A JSON object for an event.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Record<'a> {
    Connected { program: &'a str },
    Lost { reason: &'a str },
    Status(&'a BadgeStatus),
    Log(&'a LogLine),
}

/// The event as one line of JSON.
///
/// # Errors
/// Never, for what a badge can say.
pub fn json(event: &Event) -> Result<String, serde_json::Error> {
    serde_json::to_string(&match event {
        Event::Connected { program } => Record::Connected { program },
        Event::Lost { reason } => Record::Lost { reason },
        Event::Status(status) => Record::Status(status),
        Event::Log(line) => Record::Log(line),
    })
}

/// The event as one line of text.
pub fn text(event: &Event) -> String {
    match event {
        Event::Connected { program } => format!("connected; the badge's program is {program}"),
        Event::Lost { reason } => format!("not connected: {reason}"),
        Event::Log(entry) => format!("log {}", line(entry)),
        Event::Status(status) => {
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
