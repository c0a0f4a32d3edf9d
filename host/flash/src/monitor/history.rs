//! What was received from a badge lately.

use std::collections::VecDeque;

use emocue_link::message::{BadgeStatus, LogLine};
use emocue_models::plain::{plain, plain_line};

use super::MonitorEvent;

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

/// What was received from a badge lately.
#[derive(Clone, Debug)]
pub struct History {
    /// Where the badge is.
    pub place: String,
    /// How the connection is.
    pub connection: Connection,
    /// Its program.
    pub program: String,
    /// How it is, or was when it last answered.
    pub status: Option<BadgeStatus>,
    /// Frames a second, 1/1000 Hz, once a second.
    pub fps: VecDeque<u64>,
    /// Latency, ms, once a second.
    pub latency: VecDeque<u64>,
    /// Its log's end.
    pub log: VecDeque<LogLine>,
}

impl History {
    /// Nothing was received yet.
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

    /// Takes in what was received, as it can be shown.
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
                // A curve without a gap in time; nothing is drawn as nothing.
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
