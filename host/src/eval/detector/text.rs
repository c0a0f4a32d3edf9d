//! The results as text: tables with a column for each detector.

use std::fmt::Write as _;

use super::card::{DetectorFile, DetectorResult, Row};
use super::interval::Figure;

/// A table: its title, and rows of a name with a cell for each detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Title: the meaning of the cells.
    pub title: String,
    /// The rows.
    pub rows: Vec<(String, Vec<String>)>,
}

/// A share in percent with its interval.
fn percent(figure: Option<Figure>) -> String {
    figure.map_or_else(
        || "-".to_owned(),
        |Figure { value, low, high, .. }| {
            format!("{:.1} ({:.0}-{:.0})", 100.0 * value, 100.0 * low, 100.0 * high)
        },
    )
}

fn plain(figure: Option<Figure>, decimals: usize) -> String {
    figure.map_or_else(
        || "-".to_owned(),
        |Figure { value, low, high, .. }| {
            format!("{value:.decimals$} ({low:.decimals$}-{high:.decimals$})")
        },
    )
}

/// All tables.
pub fn tables(file: &DetectorFile) -> Vec<Table> {
    let detectors = &file.detectors;
    let each = |cell: &dyn Fn(&DetectorResult) -> String| detectors.iter().map(cell).collect();
    let optional = |value: Option<f64>, decimals: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
    };
    let mut tables = vec![Table {
        title: "In short".to_owned(),
        rows: vec![
            ("average precision, 40 px and more".into(), each(&|d| plain(d.average_precision, 3))),
            ("false alarms per 1000 empty pictures".into(), each(&|d| plain(d.alarms_per_1000, 1))),
            ("landmark error, % of eye distance".into(), each(&|d| percent(d.landmark_error))),
            ("own threshold".into(), each(&|d| format!("{:.2}", d.threshold))),
            (
                "threshold at 10 alarms per 1000".into(),
                each(&|d| optional(d.threshold_at_alarms.map(f64::from), 3)),
            ),
        ],
    }];
    for (what, at) in [
        ("at 10 false alarms per 1000 empty pictures", at_alarms as fn(&Row) -> Option<Figure>),
        ("at the detector's own threshold", at_own),
    ] {
        if what.starts_with("at 10") && file.empty.is_empty() {
            continue;
        }
        let title = format!("Recall in %, {what}");
        tables.extend(table(format!("{title}, by size in px"), detectors, at, |d| &d.sizes));
        let bare = "bare faces of 40 px and more";
        tables.extend(table(format!("{title}, {bare}"), detectors, at, |d| &d.conditions));
    }
    let lights = detectors.first().map_or(0, |first| first.groups.len());
    for light in 0..lights {
        let name = &detectors[0].groups[light].light;
        let title =
            format!("Recall in % by apparent group, {name}, at the detector's own threshold");
        let mut own = table(title, detectors, at_own, |d| &d.groups[light].rows);
        if let Some(table) = &mut own {
            let times = |value: Option<f64>| optional(value.map(|value| 100.0 * value), 1);
            let worst = each(&|d: &DetectorResult| {
                let group = &d.groups[light];
                let name = group.worst.as_deref().unwrap_or("-");
                format!("{} {name}", times(group.worst_recall))
            });
            table.rows.push(("worst".into(), worst));
            table.rows.push(("spread".into(), each(&|d| times(d.groups[light].spread))));
        }
        tables.extend(own);
    }
    tables.extend(people(detectors));
    tables
}

fn at_own(row: &Row) -> Option<Figure> {
    row.at_own
}

fn at_alarms(row: &Row) -> Option<Figure> {
    row.at_alarms
}

/// A table of the rows that all detectors have; rows without faces are left out.
fn table(
    title: String,
    detectors: &[DetectorResult],
    at: fn(&Row) -> Option<Figure>,
    rows: impl Fn(&DetectorResult) -> &Vec<Row>,
) -> Option<Table> {
    let first = rows(detectors.first()?);
    let row = |index: usize| {
        let of = at(&first[index])?.of;
        let cells = detectors.iter().map(|detector| percent(at(&rows(detector)[index])));
        Some((format!("{} ({of})", first[index].name), cells.collect()))
    };
    let rows: Vec<_> = (0..first.len()).filter_map(row).collect();
    (!rows.is_empty()).then_some(Table { title, rows })
}

fn people(detectors: &[DetectorResult]) -> Option<Table> {
    let first = detectors.first()?.people.as_ref()?;
    let each = |cell: &dyn Fn(&super::people::People) -> String| -> Vec<String> {
        detectors.iter().map(|d| d.people.as_ref().map_or("-".into(), cell)).collect()
    };
    let accuracy = each(&|people| percent(Some(people.accuracy)));
    let mut rows = vec![(format!("accuracy in % ({})", first.accuracy.of), accuracy)];
    for (index, class) in first.classes.iter().enumerate() {
        let cells = each(&|people| {
            let class = &people.classes[index];
            format!("{:.3} {:.3} {:.3}", class.precision, class.recall, class.f1)
        });
        rows.push((format!("{} ({})", class.name, class.pictures), cells));
    }
    let title = "None, one or several people: precision, recall, F1".to_owned();
    Some(Table { title, rows })
}

/// The whole text for a terminal.
pub fn text(file: &DetectorFile) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    _ = write(&mut out, file);
    out
}

fn write(out: &mut String, file: &DetectorFile) -> std::fmt::Result {
    for (what, sets) in [("marked faces", &file.sets), ("no faces", &file.empty)] {
        for set in sets {
            write!(out, "{}: {} pictures, ", set.name, set.pictures)?;
            match what {
                "no faces" => out.push_str(what),
                _ => write!(out, "{} {what}", set.faces)?,
            }
            for (reason, count) in &set.skipped {
                write!(out, "; {count} {reason}")?;
            }
            out.push('\n');
        }
    }
    let smallest = match file.min_face {
        Some(px) => format!("faces of {px} px and more"),
        None => "each detector's smallest face".to_owned(),
    };
    writeln!(out, "{} half, frames of 640x480 px, {smallest}, IoU 0.5, (95 %)", file.half)?;
    let tables = tables(file);
    let names = || tables.iter().flat_map(|table| table.rows.iter().map(|(name, _)| name.len()));
    let first = names().max().unwrap_or(0);
    let cells = tables.iter().flat_map(|table| table.rows.iter().flat_map(|(_, cells)| cells));
    let heads = file.detectors.iter().map(|detector| &detector.name);
    let width = cells.chain(heads).map(|cell| cell.chars().count()).max().unwrap_or(0);
    for Table { title, rows } in &tables {
        writeln!(out, "\n{title}")?;
        write!(out, "{:first$}", "")?;
        for detector in &file.detectors {
            write!(out, "  {:>width$}", detector.name)?;
        }
        out.push('\n');
        for (name, cells) in rows {
            write!(out, "{name:first$}")?;
            for cell in cells {
                write!(out, "  {cell:>width$}")?;
            }
            out.push('\n');
        }
    }
    Ok(())
}
