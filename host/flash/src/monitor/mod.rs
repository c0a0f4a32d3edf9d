//! Watching a badge: how its machine is, and what its log says; never what it sees, which no badge tells.

pub mod history;
pub mod record;
pub mod source;
pub mod view;

use std::ops::ControlFlow;
use std::time::Duration;

use emocue_link::message::{BadgeStatus, LogLine};

pub use source::{Session, Source};

/// Between two questions for the status, and before a badge that does not answer is called again.
pub const PERIOD: Duration = Duration::from_secs(1);

/// Lines of the log that are fetched from before we came.
pub const TAIL: u32 = 50;

/// What is heard of a badge.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It answers.
    Connected {
        /// Its program's version.
        program: String,
    },
    /// It does not, or no longer; it is called again.
    Lost {
        /// Why.
        reason: String,
    },
    /// How it is.
    Status(BadgeStatus),
    /// A line of its log.
    Log(LogLine),
}

/// Why a badge is not watched any more, or not for now.
enum End {
    /// Nobody wants to know more.
    Enough,
    /// The connection broke.
    Lost(String),
}

/// Whether to go on, as a result.
fn go_on(flow: ControlFlow<()>) -> Result<(), End> {
    if flow.is_break() { Err(End::Enough) } else { Ok(()) }
}

/// Asks the badge again and again, connecting anew where the connection breaks, until `tell` or `pause` breaks off.
pub fn watch(
    source: &mut dyn Source,
    tell: &mut dyn FnMut(Event) -> ControlFlow<()>,
    pause: &mut dyn FnMut(Duration) -> ControlFlow<()>,
) {
    let mut log = Log::default();
    let mut told = None;
    loop {
        let end = match source.connect() {
            // The session ends before the badge is called again.
            Ok(mut session) => {
                told = None;
                follow(session.as_mut(), &mut log, tell, pause)
            }
            Err(reason) => Err(End::Lost(reason)),
        };
        let Err(End::Lost(reason)) = end else { return };
        // Once for each reason: a cable may stay away for hours.
        if told.as_ref() != Some(&reason) {
            told = Some(reason.clone());
            if tell(Event::Lost { reason }).is_break() {
                return;
            }
        }
        if pause(PERIOD).is_break() {
            return;
        }
    }
}

/// Asks in one session.
fn follow(
    session: &mut dyn Session,
    log: &mut Log,
    tell: &mut dyn FnMut(Event) -> ControlFlow<()>,
    pause: &mut dyn FnMut(Duration) -> ControlFlow<()>,
) -> Result<(), End> {
    let mut tell = |event| go_on(tell(event));
    tell(Event::Connected { program: session.program() })?;
    loop {
        let status = session.status().map_err(End::Lost)?;
        let next = log.begin(&status);
        tell(Event::Status(status))?;
        while log.next < next {
            let lines = session.log(log.next).map_err(End::Lost)?;
            // Lines that the badge has forgotten meanwhile.
            let Some(last) = lines.last() else { break };
            log.next = last.number + 1;
            lines.into_iter().try_for_each(|line| tell(Event::Log(line)))?;
        }
        go_on(pause(PERIOD))?;
    }
}

/// How far the log was read.
#[derive(Debug, Default)]
struct Log {
    next: u32,
    /// Of the last status; a badge that is younger now has started anew, with a new log.
    uptime_ms: Option<u64>,
}

impl Log {
    /// Where the log ends now.
    fn begin(&mut self, status: &BadgeStatus) -> u32 {
        match self.uptime_ms {
            None => self.next = status.log_next.saturating_sub(TAIL),
            Some(before) if status.uptime_ms < before => self.next = 0,
            Some(_) => {}
        }
        self.uptime_ms = Some(status.uptime_ms);
        status.log_next
    }
}

#[cfg(test)]
mod tests;
