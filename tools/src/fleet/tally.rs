//! Counts of one roll-out, and the tables.

use std::fmt::Write as _;

/// Numbers of simulated faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) starts: u64,
    pub(super) installations: u64,
    pub(super) cuts_in_installation: u64,
    pub(super) cuts_elsewhere: u64,
    pub(super) damaged: u64,
    pub(super) hostile: u64,
    pub(super) offline_days: u64,
}

/// Result of one roll-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    /// Simulated time, hours.
    pub(super) hours: u32,
    /// The share of the fleet that could install it, percent.
    pub(super) percent: u64,
    /// When the pause rule paused it, hours from the start.
    pub(super) paused_at: Option<u32>,
    /// Number of badges on which it was ever on trial.
    pub(super) tried: usize,
    pub(super) new: usize,
    pub(super) old: usize,
    /// Number of badges that reported a rollback or a failed self-test.
    pub(super) returned: usize,
    /// Violated invariants.
    pub(super) broken: Vec<String>,
    pub(super) tally: Tally,
}

/// Both tables in Markdown.
pub(super) fn tables(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| Bundle | Days | Stage reached | Paused after | On trial | Run the new one | Run the one before | Came back | Broken |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for outcome in outcomes {
        let Outcome { name, percent, tried, new, old, returned, .. } = outcome;
        let days = outcome.hours.div_ceil(24);
        let paused = outcome.paused_at.map_or("-".to_owned(), |hours| format!("{hours} h"));
        let broken = outcome.broken.len();
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "| {name} | {days} | {percent} % | {paused} | {tried} | {new} | {old} | {returned} | {broken} |"
        );
    }
    text.push_str(
        "\n| Bundle | Starts | Installations | Power lost in one | Power lost in a start or confirmation | Damaged downloads | Hostile answers | Days offline |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for Outcome { name, tally, .. } in outcomes {
        let Tally { starts, installations, cuts_in_installation, cuts_elsewhere, .. } = tally;
        let Tally { damaged, hostile, offline_days, .. } = tally;
        let _ = writeln!(
            text,
            "| {name} | {starts} | {installations} | {cuts_in_installation} | {cuts_elsewhere} | {damaged} | {hostile} | {offline_days} |"
        );
    }
    text
}
