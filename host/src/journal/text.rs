//! Journals as a table for a terminal.

use std::fmt::Write as _;

use chrono::Datelike as _;
use emocue_journal::Counted;

use super::days::{Journals, Totals, adjective};

/// The meaning of the figures.
pub const ABOUT: &str =
    "How often a face began to look so, as the badge settled on it; not what anybody felt.";

/// The meaning of the times.
pub const TIMES: &str =
    "Times are in this computer's time zone, by the badge's clock, which may have been wrong.";

/// A table of days, and if there are several, of weeks.
pub fn table(journals: &Journals) -> String {
    let mut text = format!("{ABOUT}\n{TIMES}\n\n");
    let head = |first: &str| {
        let mut line = format!("{first:<15}{:>9}", "streamed");
        for answer in Counted::ALL {
            _ = write!(line, "{:>11}", adjective(answer));
        }
        line + "\n"
    };
    let row = |first: &str, totals: &Totals| {
        let mut line = format!("{first:<15}{:>9}", minutes(totals));
        for (_, times) in totals.iter() {
            match times {
                0 => line += "          -",
                times => _ = write!(line, "{times:>11}"),
            }
        }
        line + "\n"
    };
    text += &head("day");
    for day in &journals.days {
        text += &row(&format!("{} {}", day.date.weekday(), day.date), &day.totals);
    }
    if journals.days.len() > 1 {
        text += &format!("\n{}", head("week"));
        for week in &journals.weeks {
            text += &row(&week.name(), &week.totals);
        }
        text += &row("all", &journals.totals);
    }
    text
}

/// The time in which the camera streamed, such as `"35 min"` or `"1 h 05"`.
pub fn minutes(totals: &Totals) -> String {
    match totals.minutes() {
        0 if totals.streamed_s > 0 => "< 1 min".to_owned(),
        minutes @ 0..60 => format!("{minutes} min"),
        minutes => format!("{} h {:02}", minutes / 60, minutes % 60),
    }
}
