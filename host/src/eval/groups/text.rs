//! Figures by group, for a terminal.

use std::fmt::Write as _;

use super::{GroupFigures, GroupsResult};
use crate::eval::detector::interval::Figure;

/// A table: its title, the groups' names, and a row for each condition.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTable {
    /// Title: the meaning of the cells.
    pub title: &'static str,
    /// Each group, with its number of faces.
    pub groups: Vec<(String, usize)>,
    /// The condition, and a share for each group; `None` where there is none.
    pub rows: Vec<(String, Vec<Option<Figure>>)>,
}

type Cell = fn(&GroupFigures) -> Option<Figure>;

/// The tables; agreement and changes of clean faces are trivial and not shown.
const TABLES: [(&str, bool, Cell); 4] = [
    ("The same answer as to the clean face", false, |figures| Some(figures.agreement)),
    ("Sure answers that are others than to the clean face", false, |figures| figures.sure_changed),
    ("Coverage: answers that are not unsure", true, |figures| Some(figures.coverage)),
    ("Accuracy, faces with an expression label", true, |figures| figures.accuracy),
];

/// All tables that have figures.
pub fn tables(result: &GroupsResult) -> Vec<GroupTable> {
    let Some(first) = result.conditions.first() else { return Vec::new() };
    let groups: Vec<(String, usize)> =
        first.groups.iter().map(|figures| (figures.group.clone(), figures.agreement.of)).collect();
    let table = |(title, with_clean, cell): (&'static str, bool, Cell)| {
        let conditions = result.conditions.iter().skip(usize::from(!with_clean));
        let rows: Vec<_> = conditions
            .map(|under| {
                let cells = groups.iter().map(|(name, _)| cell(under.group(name)?));
                (under.condition.clone(), cells.collect::<Vec<_>>())
            })
            .collect();
        let has_figures = rows.iter().flat_map(|(_, cells)| cells).any(Option::is_some);
        has_figures.then_some(GroupTable { title, groups: groups.clone(), rows })
    };
    TABLES.into_iter().filter_map(table).collect()
}

/// Sentences, then tables in percent.
pub fn text(result: &GroupsResult) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    _ = write(&mut out, result);
    out
}

fn write(out: &mut String, result: &GroupsResult) -> std::fmt::Result {
    let GroupsResult { set, pictures, faces, sentences, .. } = result;
    writeln!(out, "\nApparent groups in {set}: {faces} faces found in {pictures} pictures\n")?;
    for sentence in sentences {
        writeln!(out, "- {sentence}")?;
    }
    for GroupTable { title, groups, rows } in tables(result) {
        writeln!(out, "\n{title}, %")?;
        let width = groups.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let columns: Vec<usize> = rows.iter().map(|(name, _)| name.len().max(5)).collect();
        write!(out, "{:width$} {:>6}", "", "faces")?;
        for ((name, _), column) in rows.iter().zip(&columns) {
            write!(out, "  {name:>column$}")?;
        }
        out.push('\n');
        for (at, (group, faces)) in groups.iter().enumerate() {
            write!(out, "{group:width$} {faces:>6}")?;
            for ((_, cells), column) in rows.iter().zip(&columns) {
                match cells[at] {
                    Some(figure) => write!(out, "  {:>column$.1}", 100.0 * figure.value)?,
                    None => write!(out, "  {:>column$}", "-")?,
                }
            }
            out.push('\n');
        }
    }
    Ok(())
}
