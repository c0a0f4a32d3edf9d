//! Journals as JSON, for other programs.

use emocue_journal::Interval;
use serde_json::{Map, Value, json};

use super::days::{Journals, Totals, begins};
use super::files::{JournalFile, Opening};

/// The format's name in the object.
const FORMAT: &str = "emocue-journal-1";

/// All journals as an object that `docs/json.md` describes.
pub fn object(opening: &Opening, journals: &Journals) -> Value {
    let files: Vec<Value> = opening.files.iter().map(file).collect();
    let intervals = opening.files.iter().enumerate().flat_map(|(number, file)| {
        file.opened.intervals.iter().map(move |it| interval(number, it))
    });
    let intervals: Vec<Value> = intervals.collect();
    let days = journals.days.iter().map(|day| {
        json!({"date": day.date.to_string(), "streamed_s": day.totals.streamed_s, "counts": counts(&day.totals)})
    });
    let weeks = journals.weeks.iter().map(|week| {
        json!({"week": week.name(), "streamed_s": week.totals.streamed_s, "counts": counts(&week.totals)})
    });
    let (days, weeks): (Vec<Value>, Vec<Value>) = (days.collect(), weeks.collect());
    json!({"format": FORMAT, "files": files, "intervals": intervals, "days": days, "weeks": weeks})
}

fn file(JournalFile { path, opened }: &JournalFile) -> Value {
    json!({
        "file": path.display().to_string(),
        "id": opened.id.to_string(),
        "key": opened.key.to_string(),
        "intervals": opened.intervals.len(),
        "damaged": opened.damaged,
        "torn_bytes": opened.torn,
        "clock_set_back": opened.set_back(),
    })
}

fn interval(file: usize, interval: &Interval) -> Value {
    let named =
        interval.counts.iter().map(|(answer, times)| (answer.name().to_owned(), times.into()));
    let named: Map<String, Value> = named.collect();
    json!({
        "file": file,
        "unix_s": interval.begins(),
        "begins": begins(interval).map(|begins| begins.to_rfc3339()),
        "streamed_s": interval.streamed_s,
        "counts": named,
    })
}

fn counts(totals: &Totals) -> Value {
    let named = totals.iter().map(|(answer, times)| (answer.name().to_owned(), times.into()));
    Value::Object(named.collect())
}
