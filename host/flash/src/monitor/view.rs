//! The view of `emocue monitor`.

use emocue_link::message::{BadgeStatus, CameraState};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Sparkline, SparklineBar, Wrap};

use super::history::{Connection, History};
use crate::words::{battery, fps, heat, line, place, state, trial, uptime};

/// Width of the column of names, characters.
const NAMES: usize = 12;

/// Draws the history of a badge.
pub fn draw(frame: &mut Frame<'_>, history: &History) {
    let rows = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(9),
        Constraint::Length(5),
        Constraint::Min(3),
        Constraint::Length(1),
    ]);
    let [top, facts, curves, log, bottom] = rows.areas(frame.area());
    frame.render_widget(heading(history), top);
    let shown = Block::bordered().title(" badge ");
    match &history.status {
        Some(status) => {
            let text: Vec<Line<'_>> = facts_of(status);
            frame.render_widget(Paragraph::new(text).block(shown), facts);
        }
        None => {
            let text = match &history.connection {
                Connection::Lost(reason) => reason.as_str(),
                Connection::Calling | Connection::Live => "calling the badge",
            };
            frame
                .render_widget(Paragraph::new(text).wrap(Wrap { trim: false }).block(shown), facts);
        }
    }
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(curves);
    let status = history.status.as_ref();
    let title = status.map_or(String::new(), |status| fps(status.fps_milli));
    curve(frame, left, &format!(" {title} "), history.fps.iter().copied(), Color::Green);
    let latency = status.and_then(|status| status.latency_ms);
    let title = latency.map_or("latency unknown".to_owned(), |ms| format!("latency {ms} ms"));
    curve(frame, right, &format!(" {title} "), history.latency.iter().copied(), Color::Yellow);
    let room = usize::from(log.height.saturating_sub(2));
    let skipped = history.log.len().saturating_sub(room);
    let lines: Vec<Line<'_>> =
        history.log.iter().skip(skipped).map(|entry| Line::from(line(entry))).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" log ")), log);
    frame.render_widget(
        Paragraph::new(
            "q, Esc or Ctrl-C ends this; the badge continues. No picture ever comes here.".dim(),
        ),
        bottom,
    );
}

fn heading(history: &History) -> Line<'_> {
    let place = Span::from(history.place.as_str()).bold();
    let connection = match &history.connection {
        Connection::Calling => Span::from("  calling").fg(Color::Yellow),
        Connection::Live => Span::from(format!("  program {}", history.program)),
        Connection::Lost(reason) => {
            // The first line is the error; its help is shown in the frame when there is nothing else to show.
            let reason = reason.lines().next().unwrap_or_default();
            Span::from(format!("  gone, calling again: {reason}")).fg(Color::Red)
        }
    };
    Line::from(vec![place, connection])
}

fn facts_of(status: &BadgeStatus) -> Vec<Line<'_>> {
    let row = |name: &str, value: String, bad: bool| {
        let value =
            Span::styled(value, if bad { Style::new().fg(Color::Red) } else { Style::new() });
        Line::from(vec![Span::from(format!("{name:<NAMES$}")).dim(), value])
    };
    let bundle = format!("{} {}, {}", status.bundle, status.content_version, place(status.running));
    let missing = status.state == CameraState::CameraMissing;
    vec![
        row("state", state(status.state).to_owned(), missing),
        row("up", uptime(status.uptime_ms), false),
        row("bundle", bundle, false),
        row("trial", trial(status.trial), status.trial.is_some_and(|left| left < 2)),
        row("heat", heat(status), status.slowdown > 1),
        row("battery", battery(status.battery_low).to_owned(), status.battery_low == Some(true)),
        row("faults", status.faults.to_string(), status.faults > 0),
    ]
}

fn curve(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    values: impl DoubleEndedIterator<Item = u64> + ExactSizeIterator,
    color: Color,
) {
    // Only the newest values, aligned to the right edge.
    let room = usize::from(area.width.saturating_sub(2));
    let skipped = values.len().saturating_sub(room);
    let bars: Vec<SparklineBar> = values.skip(skipped).map(SparklineBar::from).collect();
    let line = Sparkline::default()
        .block(Block::bordered().title(title))
        .data(bars)
        .style(Style::new().fg(color));
    frame.render_widget(line, area);
}
