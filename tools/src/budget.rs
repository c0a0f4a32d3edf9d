//! The budget file, and comparison with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::cargo::root;
use crate::peers::PeersBudget;
use crate::steadiness::SteadinessBudget;

/// `tools/budget.toml`; the file says what each entry means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    pub(crate) peak_rss_mb: f64,
    pub(crate) start_to_first_answer_ms: f64,
    pub(crate) bundle_mb: f64,
    pub(crate) binary_mb: BTreeMap<String, f64>,
    pub(crate) stage_ratio: BTreeMap<String, f64>,
    pub(crate) steadiness: SteadinessBudget,
    pub(crate) peers: PeersBudget,
}

impl Budget {
    /// Reads the file of this workspace.
    pub(crate) fn read() -> Result<Self> {
        let path = root().join("tools/budget.toml");
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?)
    }
}

/// One number beside its limit.
#[derive(Debug, Serialize)]
pub(crate) struct BudgetLine {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
    /// A note for people.
    pub(crate) note: String,
}

impl BudgetLine {
    /// Whether it is above its limit, or NaN.
    pub(crate) fn is_over(&self) -> bool {
        self.measured.is_nan() || self.measured > self.limit
    }
}

/// The lines as a table.
pub(crate) fn table(lines: &[BudgetLine]) -> String {
    let width = lines.iter().map(|line| line.what.len()).max().unwrap_or(0);
    let mut table = format!("{:width$}   measured     limit\n", "");
    for line in lines {
        let BudgetLine { what, measured, limit, unit, note } = line;
        let over = if line.is_over() { "  OVER" } else { "" };
        table +=
            format!("{what:width$} {measured:10.2} {limit:9.2} {unit:5} {note}{over}").trim_end();
        table += "\n";
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_budget_can_be_read() {
        let budget = Budget::read().unwrap();
        assert!(["release", "dist"].iter().all(|profile| budget.binary_mb.contains_key(*profile)));
    }

    #[test]
    fn what_is_over_its_limit_is_marked() {
        let line = |measured| BudgetLine {
            what: "bundle".into(),
            measured,
            limit: 6.0,
            unit: "MB",
            note: String::new(),
        };
        assert_eq!(
            [5.9, 6.0, 6.1, f64::NAN].map(|m| line(m).is_over()),
            [false, false, true, true]
        );
        assert!(table(&[line(6.1)]).ends_with("bundle       6.10      6.00 MB      OVER\n"));
    }
}
