//! Watching a badge: how its machine is, and what its log says; never what it sees, which no badge reports.

pub mod history;
pub mod record;
pub mod source;
pub mod view;

use std::ops::ControlFlow;
use std::time::Duration;

use emocue_link::message::{BadgeStatus, LogLine};
use emocue_models::failure::{Failure, Problem};

pub use source::{BadgeConnector, BadgeSession};

/// Between two questions for the status, and before a badge that does not answer is called again.
pub const PERIOD: Duration = Duration::from_secs(1);

/// Lines of the log that are fetched from before the session.
pub const TAIL: u32 = 50;

/// What is heard of a badge.
#[derive(Clone, Debug, PartialEq)]
pub enum MonitorEvent {
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
    /// The caller stopped.
    Enough,
    /// The connection broke.
    Lost(String),
}

/// The problem as text, its help on further lines.
fn lost(problem: Problem) -> End {
    let help = Failure::help(&problem).unwrap_or_default();
    let help: String = help.lines().map(|line| format!("\n  {line}")).collect();
    End::Lost(format!("{problem}{help}"))
}

/// Whether to continue, as a result.
fn proceed(flow: ControlFlow<()>) -> Result<(), End> {
    if flow.is_break() { Err(End::Enough) } else { Ok(()) }
}

/// Asks the badge again and again, connecting anew where the connection breaks, until `report` or `pause` breaks.
pub fn watch(
    connector: &mut dyn BadgeConnector,
    report: &mut dyn FnMut(MonitorEvent) -> ControlFlow<()>,
    pause: &mut dyn FnMut(Duration) -> ControlFlow<()>,
) {
    let mut log = LogPosition::default();
    let mut reported = None;
    loop {
        let end = match connector.connect() {
            // The session ends before the badge is called again.
            Ok(mut session) => {
                reported = None;
                follow(session.as_mut(), &mut log, report, pause)
            }
            Err(problem) => Err(lost(problem)),
        };
        let Err(End::Lost(reason)) = end else { return };
        // Once for each reason: a cable may stay away for hours.
        if reported.as_ref() != Some(&reason) {
            reported = Some(reason.clone());
            if report(MonitorEvent::Lost { reason }).is_break() {
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
    session: &mut dyn BadgeSession,
    log: &mut LogPosition,
    report: &mut dyn FnMut(MonitorEvent) -> ControlFlow<()>,
    pause: &mut dyn FnMut(Duration) -> ControlFlow<()>,
) -> Result<(), End> {
    let mut report = |event| proceed(report(event));
    report(MonitorEvent::Connected { program: session.program() })?;
    loop {
        let status = session.status().map_err(lost)?;
        let next = log.begin(&status);
        report(MonitorEvent::Status(status))?;
        while log.next < next {
            let lines = session.log(log.next).map_err(lost)?;
            // Lines that the badge has forgotten meanwhile.
            let Some(last) = lines.last() else { break };
            log.next = last.number + 1;
            lines.into_iter().try_for_each(|line| report(MonitorEvent::Log(line)))?;
        }
        proceed(pause(PERIOD))?;
    }
}

/// How far the log was read.
#[derive(Debug, Default)]
struct LogPosition {
    next: u32,
    /// Of the last status; a badge that is younger now has started anew, with a new log.
    uptime_ms: Option<u64>,
}

impl LogPosition {
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
