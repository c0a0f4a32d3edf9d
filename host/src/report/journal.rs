//! The page of the wearer's journals: a row for each day, a column for every five minutes.

use chrono::Datelike as _;
use emocue_journal::{Counted, INTERVAL_S};
use maud::{Markup, html};

use super::frame::{Frame, Robots};
use crate::journal::days::{COLUMNS, Day, Journals, Totals, adjective};
use crate::journal::text::{ABOUT, TIMES, minutes};

const OWN_STYLE: &str = include_str!("journal.css");

/// Width of five minutes, px.
const COLUMN: u32 = 3;
/// Margin beside the columns for the hours, px.
const BESIDE: u32 = 18;
/// Height of a column with the most answers, px.
const HEIGHT: f64 = 60.0;
/// Height of the strip that shows the streaming time, px.
const STRIP: f64 = 5.0;
/// Height of the hours, px.
const HOURS: f64 = 14.0;

/// The whole page.
pub fn page(journals: &Journals, notes: &[String]) -> String {
    let title = title(journals);
    let sections = html! {
        @if !notes.is_empty() {
            section.notes { @for note in notes { p { (note) } } }
        }
        @if journals.days.is_empty() { p { "No interval is in it." } }
        (days(journals))
        (table("Days", "day", journals.days.iter().map(|day| (name(day), &day.totals))))
        @if journals.days.len() > 1 {
            (table("Weeks", "week, Monday to Sunday", weeks(journals)))
        }
    };
    let about = format!("{ABOUT} {TIMES} This page loads nothing from elsewhere; keep it private.");
    let robots = Robots::NoIndex;
    let frame = Frame { title: &title, about: &about, robots, own_style: OWN_STYLE };
    frame.around(&sections).into_string()
}

fn title(journals: &Journals) -> String {
    match journals.days.as_slice() {
        [] => "Journal".to_owned(),
        [day] => format!("Journal of {}", day.date),
        [first, .., last] => format!("Journal, {} to {}", first.date, last.date),
    }
}

fn name(day: &Day) -> String {
    format!("{} {}", day.date.weekday(), day.date)
}

fn weeks(journals: &Journals) -> impl Iterator<Item = (String, &Totals)> {
    let weeks = journals.weeks.iter().map(|week| {
        let monday = week.monday.map(|monday| format!(", from {monday}")).unwrap_or_default();
        (format!("{}{monday}", week.name()), &week.totals)
    });
    weeks.chain([("all".to_owned(), &journals.totals)])
}

/// CSS class of an answer's colour.
fn class(index: usize) -> String {
    format!("e{index}")
}

/// `"looked happy"`; "unsure" is the badge's word about itself.
fn looked(answer: Counted) -> String {
    match answer {
        Counted::Unsure => "badge unsure".to_owned(),
        looks => format!("looked {}", adjective(looks)),
    }
}

fn days(journals: &Journals) -> Markup {
    let most = journals.most();
    html! {
        section {
            h2 { "Day by day" }
            p {
                @for (index, answer) in Counted::ALL.into_iter().enumerate() {
                    span.key { i class=(class(index)) {} (looked(answer)) }
                }
                span.key { i.stream {} "camera on" }
            }
            p.muted {
                "A column is five minutes, and its height how often a new look was settled on: "
                (most) @if most == 1 { " time" } @else { " times" } " at most. The strip below is stronger the longer the "
                "camera was on. Nothing finer was kept."
            }
            @for day in &journals.days { (row(day, most)) }
        }
    }
}

fn row(day: &Day, most: u64) -> Markup {
    let (width, height) = (COLUMNS * COLUMN + 2 * BESIDE, HEIGHT + STRIP + HOURS + 4.0);
    let base = HEIGHT + 1.0;
    let x_of = |column: u32| BESIDE + column * COLUMN;
    let view = format!("0 0 {width} {height}");
    let about = format!("{}: {}", name(day), summary(&day.totals));
    html! {
        figure.day {
            figcaption { strong { (name(day)) } span.muted { " – " (summary(&day.totals)) } }
            svg role="img" viewBox=(view) width=(width) height=(height) aria-label=(about) {
                @for hour in (0..=24).step_by(3) {
                    @let x = x_of(hour * 3600 / INTERVAL_S);
                    line x1=(x) x2=(x) y1="0" y2=(base + STRIP + 2.0) {}
                    text x=(x) y=(height - 3.0) text-anchor="middle" { (hour) ":00" }
                }
                @for (column, totals) in &day.columns { (column_of(x_of(*column), *column, totals, most)) }
                line.base x1=(x_of(0)) x2=(x_of(COLUMNS)) y1=(base) y2=(base) {}
            }
        }
    }
}

/// A stacked bar of the answers, and the strip below it, with a tooltip.
fn column_of(x: u32, column: u32, totals: &Totals, most: u64) -> Markup {
    let minute = column * INTERVAL_S / 60;
    let mut y = HEIGHT + 0.5;
    let mut stack = Vec::new();
    for (index, (_, times)) in totals.iter().enumerate().filter(|(_, (_, times))| *times > 0) {
        let height = HEIGHT * times as f64 / most as f64;
        y -= height;
        stack.push((index, y, height));
    }
    let share = (totals.streamed_s as f64 / f64::from(INTERVAL_S)).min(1.0);
    let words = format!("{:02}:{:02}: {}", minute / 60, minute % 60, summary(totals));
    html! {
        g {
            title { (words) }
            @for (index, y, height) in stack {
                rect class=(class(index)) x=(x) y=(format!("{y:.2}")) width=(COLUMN) height=(format!("{height:.2}")) {}
            }
            @if share > 0.0 {
                rect.stream x=(x) y=(HEIGHT + 3.0) width=(COLUMN) height=(STRIP) fill-opacity=(format!("{share:.2}")) {}
            }
        }
    }
}

/// `"camera on for 35 min; looked happy 12, looked sad 1"`.
fn summary(totals: &Totals) -> String {
    let counted = totals.iter().filter(|(_, times)| *times > 0);
    let counted: Vec<String> =
        counted.map(|(answer, times)| format!("{} {times}", looked(answer))).collect();
    let on = format!("camera on for {}", minutes(totals));
    if counted.is_empty() { on } else { format!("{on}; {}", counted.join(", ")) }
}

fn table<'a>(title: &str, first: &str, rows: impl Iterator<Item = (String, &'a Totals)>) -> Markup {
    html! {
        section {
            h2 { (title) }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { (first) } th.n { "camera on" }
                            @for answer in Counted::ALL { th.n { (looked(answer)) } }
                        }
                    }
                    tbody {
                        @for (name, totals) in rows {
                            tr {
                                th scope="row" { (name) }
                                td.n { (minutes(totals)) }
                                @for (_, times) in totals.iter() {
                                    td.n { @if times == 0 { "–" } @else { (times) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
