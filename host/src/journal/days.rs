//! Intervals by day and week, in this computer's time zone.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Local, NaiveDate, TimeZone as _, Timelike as _, Weekday};
use emocue_journal::{Counted, INTERVAL_S, Interval};
use emocue_models::label::Expression;

use super::files::JournalFile;

/// Intervals of five minutes in a day.
pub const COLUMNS: u32 = 24 * 3600 / INTERVAL_S;

/// Sums over some intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Time in which the camera streamed, s.
    pub streamed_s: u64,
    counts: [u64; Counted::ALL.len()],
}

impl Totals {
    fn add(&mut self, interval: &Interval) {
        self.streamed_s += u64::from(interval.streamed_s);
        for (sum, (_, times)) in self.counts.iter_mut().zip(interval.counts.iter()) {
            *sum += u64::from(times);
        }
    }

    /// Each answer with its count, in the order of [`Counted::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Counted, u64)> + '_ {
        Counted::ALL.into_iter().zip(self.counts)
    }

    /// Number of all answers.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whole minutes in which the camera streamed, rounded.
    pub fn minutes(&self) -> u64 {
        (self.streamed_s + 30) / 60
    }
}

/// An answer as an adjective: `"happy"`, `"unsure"`.
pub fn adjective(answer: Counted) -> &'static str {
    match answer {
        Counted::Looks(expression) => Expression::adjective(expression),
        Counted::Unsure => "unsure",
    }
}

/// A day's intervals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// Totals by interval of local time, `0..COLUMNS`; intervals without records are missing.
    pub columns: BTreeMap<u32, Totals>,
    /// Totals of all intervals.
    pub totals: Totals,
}

/// A week's sums, Monday to Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// The year that the week belongs to (ISO 8601).
    pub year: i32,
    /// Its number, from 1.
    pub week: u32,
    /// Its Monday.
    pub monday: Option<NaiveDate>,
    /// Days with a journal.
    pub days: usize,
    /// Totals of all intervals.
    pub totals: Totals,
}

impl Week {
    /// As ISO 8601 writes it: `"2026-W49"`.
    pub fn name(&self) -> String {
        format!("{}-W{:02}", self.year, self.week)
    }
}

/// The content of journals, by day and week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journals {
    /// Days with records, in order.
    pub days: Vec<Day>,
    /// Weeks of these days, in order.
    pub weeks: Vec<Week>,
    /// Totals of all intervals.
    pub totals: Totals,
}

/// The beginning of an interval, in this computer's time zone.
pub fn begins(interval: &Interval) -> Option<DateTime<Local>> {
    Local.timestamp_opt(i64::try_from(interval.begins()).ok()?, 0).single()
}

impl Journals {
    /// Sums the intervals of all files. If two files have the same interval, both count.
    pub fn of(files: &[JournalFile]) -> Self {
        let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
        let mut totals = Totals::default();
        let intervals = files.iter().flat_map(|file| &file.opened.intervals);
        for interval in intervals {
            let Some(begins) = begins(interval) else { continue };
            let date = begins.date_naive();
            let column = begins.num_seconds_from_midnight() / INTERVAL_S;
            let day = days.entry(date).or_insert_with(|| Day {
                date,
                columns: BTreeMap::new(),
                totals: Totals::default(),
            });
            day.columns.entry(column).or_default().add(interval);
            day.totals.add(interval);
            totals.add(interval);
        }
        let days: Vec<Day> = days.into_values().collect();
        let mut weeks: BTreeMap<(i32, u32), Week> = BTreeMap::new();
        for day in &days {
            let iso = day.date.iso_week();
            let (year, number) = (iso.year(), iso.week());
            let week = weeks.entry((year, number)).or_insert_with(|| Week {
                year,
                week: number,
                monday: NaiveDate::from_isoywd_opt(year, number, Weekday::Mon),
                days: 0,
                totals: Totals::default(),
            });
            week.days += 1;
            week.totals.streamed_s += day.totals.streamed_s;
            for (sum, times) in week.totals.counts.iter_mut().zip(day.totals.counts) {
                *sum += times;
            }
        }
        Self { days, weeks: weeks.into_values().collect(), totals }
    }

    /// Largest number of answers in an interval; at least 1.
    pub fn most(&self) -> u64 {
        let columns = self.days.iter().flat_map(|day| day.columns.values());
        columns.map(Totals::total).max().unwrap_or_default().max(1)
    }
}
