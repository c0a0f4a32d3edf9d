//! Monitoring of a badge: the state of its hardware and its log; never recognised expressions, which no badge reports.

pub mod history;
pub mod record;
pub mod source;
pub mod view;

use std::ops::ControlFlow;
use std::time::Duration;

use emocue_link::message::{BadgeStatus, LogLine};
use emocue_models::failure::{Failure, Problem};

pub use source::{BadgeConnector, BadgeSession};

/// Time between two requests for the status, and before connecting again to a badge that does not answer.
pub const PERIOD: Duration = Duration::from_secs(1);

/// Log lines from before the session that are fetched.
pub const TAIL: u32 = 50;

/// An event of a monitored badge.
#[derive(Clone, Debug, PartialEq)]
pub enum MonitorEvent {
    /// The badge answers.
    Connected {
        /// Its program's version.
        program: String,
    },
    /// The badge does not answer; connecting again.
    Lost {
        /// The reason.
        reason: String,
    },
    /// Its status.
    Status(BadgeStatus),
    /// A line of its log.
    Log(LogLine),
}

/// Why a session ended.
enum End {
    /// The caller stopped.
    Enough,
    /// The connection broke.
    Lost(String),
}

/// The problem as text, with its help on further lines.
fn lost(problem: Problem) -> End {
    let help = Failure::help(&problem).unwrap_or_default();
    let help: String = help.lines().map(|line| format!("\n  {line}")).collect();
    End::Lost(format!("{problem}{help}"))
}

/// Whether to continue, as a result.
fn proceed(flow: ControlFlow<()>) -> Result<(), End> {
    if flow.is_break() { Err(End::Enough) } else { Ok(()) }
}

/// Polls the badge, and connects again when the connection is lost, until `report` or `pause` breaks.
pub fn watch(
    connector: &mut dyn BadgeConnector,
    report: &mut dyn FnMut(MonitorEvent) -> ControlFlow<()>,
    pause: &mut dyn FnMut(Duration) -> ControlFlow<()>,
) {
    let mut log = LogPosition::default();
    let mut reported = None;
    loop {
        let end = match connector.connect() {
            // The session must end before the next connection.
            Ok(mut session) => {
                reported = None;
                follow(session.as_mut(), &mut log, report, pause)
            }
            Err(problem) => Err(lost(problem)),
        };
        let Err(End::Lost(reason)) = end else { return };
        // Each reason is reported once: a cable may be disconnected for hours.
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

/// Polls in one session.
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
            // The badge no longer has these lines.
            let Some(last) = lines.last() else { break };
            log.next = last.number + 1;
            lines.into_iter().try_for_each(|line| report(MonitorEvent::Log(line)))?;
        }
        proceed(pause(PERIOD))?;
    }
}

/// The position in the log.
#[derive(Debug, Default)]
struct LogPosition {
    next: u32,
    /// Uptime in the last status; if it is smaller now, the badge has restarted, with a new log.
    uptime_ms: Option<u64>,
}

impl LogPosition {
    /// Updates the position for a new status; returns the number after the log's last line.
    fn begin(&mut self, status: &BadgeStatus) -> u32 {
        match self.uptime_ms {
            None => self.next = status.log_next.saturating_sub(TAIL),
            Some(before) if status.uptime_ms < before || status.log_next < self.next => {
                self.next = 0
            }
            Some(_) => {}
        }
        self.uptime_ms = Some(status.uptime_ms);
        status.log_next
    }
}

#[cfg(test)]
mod tests;
