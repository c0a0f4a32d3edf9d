//! Figures under conditions, for a terminal.

use std::fmt::Write as _;

use super::super::card::Evaluation;
use super::super::table::percent;
use super::ConditionsResult;

/// One protocol's figures.
pub fn text(protocol: &str, result: &ConditionsResult) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    _ = write(&mut out, protocol, result);
    out
}

fn write(out: &mut String, protocol: &str, result: &ConditionsResult) -> std::fmt::Result {
    let count = result.conditions.len();
    writeln!(
        out,
        "\n{:<24} {:>9} {:>9} {:>5} {:>7}   {:>8} {:>8}",
        format!("{protocol}, harder"),
        "accuracy",
        "balanced",
        "F1",
        "ECE",
        "coverage",
        "right"
    )?;
    for figures in result.lines() {
        let name = match figures.name.as_str() {
            "mean" => format!("mean of {count} conditions"),
            name if name == result.worst => format!("  {name} (worst)"),
            name if name == result.clean.name => name.to_owned(),
            name => format!("  {name}"),
        };
        writeln!(
            out,
            "{name:<24} {:>7.1} % {:>7.1} % {:.3} {:>5.1} %   {:>6.1} % {:>6.1} %",
            percent(figures.accuracy),
            percent(figures.balanced_accuracy),
            figures.macro_f1,
            percent(figures.calibration_error),
            percent(figures.coverage),
            percent(figures.accuracy_at_threshold)
        )?;
    }
    Ok(())
}

/// A table of accuracies under conditions with a column for each evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct SideBySide {
    /// The split and the protocol.
    pub title: String,
    /// The evaluations' names.
    pub names: Vec<String>,
    /// Clean, mean and each condition: its name, and accuracies `0..=1`.
    pub rows: Vec<(String, Vec<f64>)>,
}

/// The table of the evaluations with the same conditions and the same first protocol; `None` unless there are several.
pub fn side_by_side<'a>(
    evaluations: impl IntoIterator<Item = &'a Evaluation>,
) -> Option<SideBySide> {
    let mut table: Option<SideBySide> = None;
    for evaluation in evaluations {
        let protocols = evaluation.splits.iter().flat_map(|split| {
            split.protocols.iter().map(move |protocol| (split.split.as_str(), protocol))
        });
        for (split, protocol) in protocols {
            let Some(result) = &protocol.conditions else { continue };
            let title = format!("{split}, {}", protocol.protocol);
            let lines = result.lines().map(|line| (line.name.clone(), vec![line.accuracy]));
            match &mut table {
                None => {
                    let names = vec![evaluation.name.clone()];
                    table = Some(SideBySide { title, names, rows: lines.collect() });
                }
                Some(table) if table.title == title => {
                    // A file of another version may have other conditions.
                    let lines: Vec<_> = lines.collect();
                    if lines.iter().map(|line| &line.0).eq(table.rows.iter().map(|row| &row.0)) {
                        table.names.push(evaluation.name.clone());
                        let rows = table.rows.iter_mut().zip(lines);
                        rows.for_each(|(row, line)| row.1.extend(line.1));
                    }
                }
                Some(_) => {}
            }
        }
    }
    table.filter(|table| table.names.len() > 1)
}

impl SideBySide {
    /// The table for a terminal.
    pub fn text(&self) -> String {
        let mut out = format!("Accuracy in %, {}\n\n{:<24}", self.title, "");
        let width = self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
        // Writing into a string cannot fail.
        for name in &self.names {
            _ = write!(out, "  {name:>width$}");
        }
        for (name, accuracies) in &self.rows {
            _ = write!(out, "\n{name:<24}");
            for accuracy in accuracies {
                _ = write!(out, "  {:>width$.1}", percent(*accuracy));
            }
        }
        out.push('\n');
        out
    }
}
