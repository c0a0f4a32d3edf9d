//! A scripted badge.

use std::collections::VecDeque;

use emocue_link::message::{BundleSource, CameraState, JournalEntry};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::history::{Connection, History};
use super::*;

fn status(uptime_s: u64, log_next: u32) -> BadgeStatus {
    BadgeStatus {
        state: CameraState::Streaming,
        uptime_ms: uptime_s * 1000,
        fps_milli: 14_800,
        latency_ms: Some(63),
        temperature_milli: Some(71_200),
        slowdown: 2,
        battery_low: Some(true),
        running: BundleSource::B,
        bundle: "default".into(),
        content_version: 5,
        trial: Some(2),
        faults: 3,
        log_next,
    }
}

/// The answers of each session, in order; `None` breaks the session.
struct Script(VecDeque<Vec<Option<BadgeStatus>>>);

struct Scripted(VecDeque<Option<BadgeStatus>>);

impl BadgeConnector for Script {
    fn connect(&mut self) -> Result<Box<dyn BadgeSession + Send>, Problem> {
        let session = self.0.pop_front().ok_or(Problem::new("no badge answers"))?;
        Ok(Box::new(Scripted(session.into())))
    }
}

impl BadgeSession for Scripted {
    fn program(&self) -> String {
        "0.1.0".into()
    }

    fn status(&mut self) -> Result<BadgeStatus, Problem> {
        self.0.pop_front().flatten().ok_or(Problem::new("the cable was pulled"))
    }

    fn log(&mut self, from: u32) -> Result<Vec<LogLine>, Problem> {
        let line = |number| LogLine {
            number,
            time_ms: u64::from(number),
            text: format!("line\u{1b}[2J {number}"),
        };
        Ok((from..from + 8).map(line).collect())
    }

    fn journals(&mut self) -> Result<Vec<JournalEntry>, Problem> {
        Ok(Vec::new())
    }

    fn journal(
        &mut self,
        _: u32,
        _: &mut dyn FnMut(u32, &[u8]) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, Problem> {
        Err(Problem::new("there is none"))
    }
}

/// The events reported until `pauses` pauses are over.
fn reported(sessions: Vec<Vec<Option<BadgeStatus>>>, pauses: usize) -> Vec<MonitorEvent> {
    let (mut events, mut left) = (Vec::new(), pauses);
    let mut report = |event| {
        events.push(event);
        ControlFlow::Continue(())
    };
    let mut pause = |_| {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    watch(&mut Script(sessions.into()), &mut report, &mut pause);
    events
}

fn numbers(events: &[MonitorEvent]) -> Vec<u32> {
    let number = |event: &MonitorEvent| match event {
        MonitorEvent::Log(line) => Some(line.number),
        _ => None,
    };
    events.iter().filter_map(number).collect()
}

#[test]
fn a_pulled_cable_is_reported_and_the_badge_is_called_again() {
    let events = reported(vec![vec![Some(status(5, 0)), None], vec![Some(status(9, 0))]], 3);
    let connected = || MonitorEvent::Connected { program: "0.1.0".into() };
    let expected = [
        connected(),
        MonitorEvent::Status(status(5, 0)),
        MonitorEvent::Lost { reason: "the cable was pulled".into() },
        connected(),
        MonitorEvent::Status(status(9, 0)),
    ];
    assert_eq!(events, expected);
}

#[test]
fn a_badge_that_stays_away_is_reported_once() {
    let events = reported(Vec::new(), 5);
    assert_eq!(events, [MonitorEvent::Lost { reason: "no badge answers".into() }]);
}

#[test]
fn every_line_of_the_log_is_read_once() {
    let session = vec![Some(status(5, 16)), Some(status(6, 24)), None];
    let events = reported(vec![session, vec![Some(status(8, 32))]], 4);
    assert_eq!(numbers(&events), (0..32).collect::<Vec<_>>());
    // A long log is read from near its end; the log of a badge that has restarted, from its beginning.
    let events = reported(vec![vec![Some(status(5, 1000)), None], vec![Some(status(1, 8))]], 3);
    assert_eq!(numbers(&events)[0], 1000 - TAIL);
    assert_eq!(numbers(&events)[TAIL as usize + 6..], (0..8).collect::<Vec<_>>());
}

fn screen(history: &History, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view::draw(frame, history)).unwrap();
    terminal.backend().to_string()
}

fn history() -> History {
    let mut history = History::new("/dev/ttyACM0");
    reported(vec![vec![Some(status(90_061, 8))]], 1)
        .into_iter()
        .for_each(|event| history.hear(event));
    history
}

#[test]
fn the_view_shows_how_the_badge_is() {
    let mut history = history();
    let shown = screen(&history, 90, 30);
    for expected in [
        "/dev/ttyACM0",
        "program 0.1.0",
        "streaming",
        "1 day 1:01:01",
        "default 5, slot B",
        "on trial, 2 starts left",
        "71.2 °C, so it looks 2 times less often",
        "LOW",
        "14.8 frames/s",
        "latency 63 ms",
        "line\\u001b[2J 7",
    ] {
        assert!(shown.contains(expected), "{expected} is missing in\n{shown}");
    }
    history.hear(MonitorEvent::Lost { reason: "the cable was pulled\n  Plug it in.".into() });
    let shown = screen(&history, 90, 30);
    assert!(shown.contains("gone, calling again: the cable was pulled"), "{shown}");
    // The last status is still shown.
    assert!(shown.contains("default 5, slot B"), "{shown}");
}

#[test]
fn small_terminals_and_a_badge_that_never_answered_do_not_matter() {
    let mut never = History::new("ssh://badge");
    assert!(screen(&never, 80, 24).contains("calling the badge"));
    never.hear(MonitorEvent::Lost { reason: "nobody is there\n  Turn it on.".into() });
    assert!(screen(&never, 80, 24).contains("Turn it on."));
    assert_eq!(never.connection, Connection::Lost("nobody is there\n  Turn it on.".into()));
    for (width, height) in [(1, 1), (10, 3), (200, 12), (30, 60)] {
        screen(&never, width, height);
        screen(&history(), width, height);
    }
}

#[test]
fn long_watches_keep_what_was_lately() {
    let mut history = History::new("x");
    for second in 0..2000 {
        history.hear(MonitorEvent::Status(status(second, 0)));
        let text = String::new();
        history.hear(MonitorEvent::Log(LogLine { number: second as u32, time_ms: 0, text }));
    }
    assert_eq!((history.fps.len(), history.latency.len(), history.log.len()), (300, 300, 200));
    assert_eq!(history.log.back().unwrap().number, 1999);
}

#[test]
fn lines_are_for_people_and_for_programs() {
    let event = MonitorEvent::Status(status(5, 0));
    let parsed: serde_json::Value = serde_json::from_str(&record::json(&event).unwrap()).unwrap();
    assert_eq!((&parsed["event"], &parsed["fps_milli"]), (&"status".into(), &14_800.into()));
    let text = record::text(&event);
    assert!(text.starts_with("streaming, 14.8 frames/s, 63 ms; 71.2 °C"), "{text}");
    let lost = record::json(&MonitorEvent::Lost { reason: "a\nb".into() }).unwrap();
    assert_eq!(lost, r#"{"event":"lost","reason":"a\nb"}"#);
    let line = LogLine { number: 4, time_ms: 61_000, text: "camera\u{7} lost".into() };
    assert_eq!(record::text(&MonitorEvent::Log(line)), "log   0:01:01  camera\\u0007 lost");
}
