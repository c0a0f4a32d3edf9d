//! The data received from a badge recently.

use std::collections::VecDeque;

use emocue_link::message::{BadgeStatus, LogLine};
use emocue_models::plain::{plain, plain_line};

use super::MonitorEvent;

/// Values of each curve: one per second for five minutes.
const CURVE: usize = 300;

/// Lines of the log that are kept.
const LINES: usize = 200;

/// The state of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Connecting for the first time.
    Calling,
    /// The badge answers.
    Live,
    /// The badge does not answer, for this reason; connecting again.
    Lost(String),
}

/// The data received from a badge recently.
#[derive(Clone, Debug)]
pub struct History {
    /// The address of the badge.
    pub place: String,
    /// The state of the connection.
    pub connection: Connection,
    /// Version of its program.
    pub program: String,
    /// Its last status.
    pub status: Option<BadgeStatus>,
    /// Frame rate, mHz, once a second.
    pub fps: VecDeque<u64>,
    /// Latency, ms, once a second.
    pub latency: VecDeque<u64>,
    /// The last lines of its log.
    pub log: VecDeque<LogLine>,
}

impl History {
    /// An empty history.
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

    /// Adds an event, with its text made safe for a terminal.
    pub fn hear(&mut self, event: MonitorEvent) {
        match event {
            MonitorEvent::Connected { program } => {
                self.connection = Connection::Live;
                self.program = plain_line(&program).into_owned();
            }
            MonitorEvent::Lost { reason } => {
                self.connection = Connection::Lost(plain(&reason).into_owned());
            }
            MonitorEvent::Log(line) => push(&mut self.log, line, LINES),
            MonitorEvent::Status(status) => {
                push(&mut self.fps, u64::from(status.fps_milli), CURVE);
                // Values are evenly spaced in time, so a missing latency is 0.
                push(&mut self.latency, u64::from(status.latency_ms.unwrap_or(0)), CURVE);
                let bundle = plain_line(&status.bundle).into_owned();
                self.status = Some(BadgeStatus { bundle, ..status });
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
