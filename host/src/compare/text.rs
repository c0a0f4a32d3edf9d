//! The text of a comparison, for a terminal and for an HTML page.

use std::fmt::Write as _;

use super::card::{CompareFile, Kind, Recognizer};
use crate::eval::detector::card::DetectorFile;
use crate::eval::detector::people::{People, PeopleClass};
use crate::eval::protocol::Protocol;

/// The cell of a figure that is not applicable.
pub const NOTHING: &str = "–";

/// The headers of the table's columns of figures, and their meanings.
pub const HEADS: [(&str, &str); 8] = [
    ("rows", "Rows that were scored"),
    ("accuracy", "Share of right answers"),
    ("balanced", "Mean recall of the classes that occur"),
    ("macro F1", "Mean F1 of the classes that occur"),
    ("parameters", "Weights and biases"),
    ("MMAC", "Millions of multiply-accumulates for a face, of convolutions and dense layers"),
    ("KB", "Size of the ONNX graph, or of what a baseline holds in memory"),
    ("CPU", "CPU time of a face on one thread, as a multiple of the default bundle's classifier's"),
];

/// The figures of one line, in the order of [`HEADS`].
pub fn cells(recognizer: &Recognizer) -> [String; 8] {
    let cost = &recognizer.cost;
    let optional = |value: Option<String>| value.unwrap_or_else(|| NOTHING.to_owned());
    [
        thousands(recognizer.scores.rows as u64),
        format!("{:.2} %", 100.0 * recognizer.accuracy()),
        format!("{:.2} %", 100.0 * recognizer.balanced_accuracy()),
        format!("{:.3}", recognizer.macro_f1()),
        optional(cost.parameters.map(thousands)),
        optional(cost.macs.map(|macs| short(macs as f64 / 1e6))),
        optional(cost.bytes.map(|bytes| thousands(bytes.div_ceil(1000)))),
        short(recognizer.cpu_ratio),
    ]
}

/// The rows and protocol of the comparison, in one sentence without a full stop.
pub fn heading(file: &CompareFile) -> String {
    let CompareFile { dataset, split, rows, protocol, .. } = file;
    let about = Protocol::by_name(protocol).map_or("", |known| known.about);
    format!("{} rows of {dataset}'s {split} by {protocol} ({about})", thousands(*rows as u64))
}

/// Notes on the table, in whole sentences.
pub fn notes(file: &CompareFile) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(rows) = file.training_rows {
        notes.push(format!(
            "Baselines learned from {} Training rows, none of them identical to a test row.",
            thousands(rows as u64)
        ));
    }
    if file.also_in_training > 0 {
        notes.push(format!(
            "{} of the rows also stand in Training, pixel by pixel; a network may know them by heart.",
            thousands(file.also_in_training as u64)
        ));
    }
    for recognizer in &file.recognizers {
        let Recognizer { name, labels, scores, .. } = recognizer;
        if *labels != scores.labels {
            notes.push(format!("{name} answers in {labels}; its classes are matched by name."));
        }
        if let Some(stores) = &recognizer.cost.stores {
            notes.push(format!("{name} stores {stores} instead of weights."));
        }
    }
    notes
}

/// The whole comparison for a terminal.
pub fn text(file: &CompareFile) -> String {
    let mut out = format!("{}\n\n", heading(file));
    let lines: Vec<(&str, Kind, [String; 8])> =
        file.recognizers.iter().map(|r| (r.name.as_str(), r.kind, cells(r))).collect();
    let names = lines.iter().map(|(name, ..)| name.chars().count());
    let width = names.max().unwrap_or(0).max("recognizer".len());
    let columns: Vec<usize> = (0..HEADS.len())
        .map(|at| lines.iter().map(|(.., cells)| cells[at].chars().count()).max().unwrap_or(0))
        .zip(HEADS)
        .map(|(widest, (head, _))| widest.max(head.len()))
        .collect();
    let mut line = |name: &str, kind: &str, cells: &[&str]| {
        // Writing into a string cannot fail.
        _ = write!(out, "{name:<width$}  {kind:<8}");
        for (cell, width) in cells.iter().zip(&columns) {
            _ = write!(out, "  {cell:>width$}");
        }
        out.push('\n');
    };
    line("recognizer", "kind", &HEADS.map(|(head, _)| head));
    for (name, kind, cells) in &lines {
        line(name, kind.name(), &cells.each_ref().map(String::as_str));
    }
    out.push('\n');
    for note in notes(file) {
        _ = writeln!(out, "{note}");
    }
    out.push_str(
        "CPU is the time of a face on one thread; the default bundle's classifier is 1.\n",
    );
    out.extend(file.detectors.as_ref().map(detectors));
    out
}

/// The detectors' table of none, one or several people.
fn detectors(file: &DetectorFile) -> String {
    let mut out = String::from("\nNone, one or several people in a picture, by detector\n\n");
    let width = file.detectors.iter().map(|d| d.name.chars().count()).max().unwrap_or(0);
    let width = width.max("detector".len());
    let heads = "people    pictures  precision   recall       F1";
    _ = writeln!(out, "{:<width$}  accuracy  {heads}", "detector");
    for (name, people) in three_way(file) {
        for (at, class) in people.classes.iter().enumerate() {
            let PeopleClass { name: class, precision, recall, f1, pictures } = class;
            let accuracy = format!("{:.1} %", 100.0 * people.accuracy.value);
            let (name, accuracy) = if at == 0 { (name, accuracy.as_str()) } else { ("", "") };
            _ = writeln!(
                out,
                "{name:<width$}  {accuracy:>8}  {class:<8}  {pictures:>8}  {precision:>9.3}  {recall:>7.3}  {f1:>7.3}"
            );
        }
    }
    out
}

/// Each detector with figures on people, and these figures.
pub fn three_way(file: &DetectorFile) -> impl Iterator<Item = (&str, &People)> {
    file.detectors.iter().filter_map(|d| Some((d.name.as_str(), d.people.as_ref()?)))
}

/// A number with commas as thousands separators.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number above 0 with about three digits.
fn short(number: f64) -> String {
    match number {
        n if n >= 99.95 => thousands(n.round() as u64),
        n if n >= 9.995 => format!("{n:.1}"),
        n if n >= 0.1 => format!("{n:.2}"),
        n => format!("{n:.3}"),
    }
}
