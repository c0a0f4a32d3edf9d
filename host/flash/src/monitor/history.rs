//! What was heard of a badge lately.

use std::collections::VecDeque;

use emocue_link::message::{BadgeStatus, BundleSource, CameraState, LogLine};

use super::Event;

/// Values of the curves: five minutes of them.
const CURVE: usize = 300;

/// Lines of the log.
const LINES: usize = 200;

/// How the connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Not there yet.
    Calling,
    /// The badge answers.
    Live,
    /// It does not, and this is why; it is called again.
    Lost(String),
}

/// What was heard of a badge lately.
#[derive(Clone, Debug)]
pub struct History {
    /// Where the badge is.
    pub place: String,
    /// How the connection is.
    pub connection: Connection,
    /// Its program.
    pub program: String,
    /// How it is, or was when it was last heard of.
    pub status: Option<BadgeStatus>,
    /// Frames a second, 1/1000 Hz, once a second.
    pub fps: VecDeque<u64>,
    /// Latency, ms, once a second.
    pub latency: VecDeque<u64>,
    /// Its log's end.
    pub log: VecDeque<LogLine>,
}

impl History {
    /// Nothing was heard yet.
    pub fn new(place: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            connection: Connection::Calling,
            program: String::new(),
            status: None,
            fps: VecDeque::new(),
            latency: VecDeque::new(),
            log: VecDeque::new(),
        }
    }

    /// Takes in what was heard.
    pub fn hear(&mut self, event: Event) {
        match event {
            Event::Connected { program } => {
                self.connection = Connection::Live;
                self.program = program;
            }
            Event::Lost { reason } => self.connection = Connection::Lost(reason),
            Event::Log(line) => push(&mut self.log, line, LINES),
            Event::Status(status) => {
                push(&mut self.fps, u64::from(status.fps_milli), CURVE);
                // A curve without a gap in time; nothing is drawn as nothing.
                push(&mut self.latency, u64::from(status.latency_ms.unwrap_or(0)), CURVE);
                self.status = Some(status);
            }
        }
    }
}

fn push<T>(values: &mut VecDeque<T>, value: T, most: usize) {
    if values.len() == most {
        values.pop_front();
    }
    values.push_back(value);
}

/// A state in words.
pub fn state(state: CameraState) -> &'static str {
    match state {
        CameraState::Starting => "starting",
        CameraState::Streaming => "streaming",
        CameraState::Paused => "paused by its wearer",
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
    // Whatever a badge writes, it cannot move the terminal's cursor.
    let text: String = line.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{:>9}  {text}", uptime(line.time_ms))
}
