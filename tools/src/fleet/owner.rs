//! The owner of a fleet: counts the badges' reports, enlarges the stage, and pauses.

use super::index::Index;
use super::releases::{NEW, Releases};

/// Share of the fleet that may install the bundle in each stage, ten-thousandths.
const STAGES: [u64; 4] = [100, 1000, 5000, 10_000];

/// Shortest duration of a stage, hours.
const SOAK: u32 = 24;

/// The next stage starts when this share of the current one has reported, 0 to 1.
const REPORTED: f64 = 0.5;

/// A larger share of failures among the reports pauses the roll-out, 0 to 1.
const MOST_FAILED: f64 = 0.02;

/// Minimum number of failures for a pause; in a fleet smaller than [`SMALL`] one is enough.
const FAILURES: u32 = 3;

/// Size of a small fleet, badges.
const SMALL: usize = 100;

/// Result of the new bundle on a badge; a badge reports nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// It ran for a healthy minute.
    Confirmed,
    /// It failed its self-test, or ended within a minute; the previous bundle runs.
    RolledBack,
}

/// One roll-out.
pub(super) struct Owner {
    index: Index,
    /// The ids of all badges, which the owner set up.
    badges: Vec<String>,
    /// Number of badges that may install the bundle.
    invited: usize,
    pauses: bool,
    stage: usize,
    since: u32,
    confirmed: u32,
    rolled_back: u32,
    /// When the pause rule paused the roll-out, hours from the start.
    pub(super) paused_at: Option<u32>,
}

impl Owner {
    /// Starts the first stage for a fleet of these badges.
    pub(super) fn begin(releases: &Releases, badges: Vec<String>, pauses: bool) -> Self {
        let sha256 = releases.sha256.clone();
        let index = Index { sequence: 2, release: NEW, sha256, stage: STAGES[0], paused: false };
        Self {
            invited: invited(&index, &badges),
            index,
            badges,
            pauses,
            stage: 0,
            since: 0,
            confirmed: 0,
            rolled_back: 0,
            paused_at: None,
        }
    }

    /// The index that badges get now.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Whether the last stage is reached.
    pub(super) fn is_open(&self) -> bool {
        self.stage + 1 == STAGES.len()
    }

    /// The share of the fleet that may install it, percent.
    pub(super) fn percent(&self) -> u64 {
        STAGES[self.stage] / 100
    }

    /// Counts a report.
    pub(super) fn hear(&mut self, report: Report) {
        match report {
            Report::Confirmed => self.confirmed += 1,
            Report::RolledBack => self.rolled_back += 1,
        }
    }

    /// Applies the rules, once an hour; returns whether the index has changed.
    pub(super) fn decide(&mut self, hour: u32) -> bool {
        if self.paused_at.is_some() {
            return false;
        }
        let ended = self.confirmed + self.rolled_back;
        let least = if self.badges.len() < SMALL { 1 } else { FAILURES };
        if self.pauses
            && self.rolled_back >= least
            && f64::from(self.rolled_back) > MOST_FAILED * f64::from(ended)
        {
            self.index.paused = true;
            self.paused_at = Some(hour);
        } else if !self.is_open()
            && hour >= self.since + SOAK
            && f64::from(ended) >= REPORTED * self.invited as f64
        {
            self.stage += 1;
            self.since = hour;
            self.index.stage = STAGES[self.stage];
            self.invited = invited(&self.index, &self.badges);
        } else {
            return false;
        }
        self.index.sequence += 1;
        true
    }
}

fn invited(index: &Index, badges: &[String]) -> usize {
    badges.iter().filter(|badge| index.is_for(badge)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(pauses: bool) -> Owner {
        let badges = (0..10_000).map(|number| format!("badge-{number}")).collect();
        Owner::begin(&Releases::make().unwrap(), badges, pauses)
    }

    #[test]
    fn a_stage_is_widened_after_its_time_and_its_reports() {
        let mut owner = owner(true);
        assert!(!owner.decide(100), "nobody has reported");
        (0..60).for_each(|_| owner.hear(Report::Confirmed));
        assert!(!owner.decide(SOAK - 1));
        assert!(owner.decide(SOAK));
        assert_eq!((owner.percent(), owner.index().stage, owner.index().sequence), (10, 1000, 3));
        assert!(!owner.decide(SOAK + 1));
    }

    #[test]
    fn a_stage_without_a_badge_is_widened_after_its_time() {
        let badges = vec!["alone".to_owned()];
        let mut owner = Owner::begin(&Releases::make().unwrap(), badges, true);
        assert_eq!(owner.invited, 0);
        let widened: Vec<_> = (0..200).filter(|hour| owner.decide(*hour)).collect();
        assert!(!widened.is_empty() && (owner.invited == 1 || owner.is_open()), "{widened:?}");
        owner.hear(Report::RolledBack);
        assert!(owner.decide(201) && owner.index().paused, "one failure of a small fleet pauses");
    }

    #[test]
    fn three_failures_of_many_pause_and_two_do_not() {
        let mut bad = owner(true);
        (0..2).for_each(|_| bad.hear(Report::RolledBack));
        assert!(!bad.decide(1));
        bad.hear(Report::RolledBack);
        assert!(bad.decide(2));
        assert!(bad.index().paused && bad.paused_at == Some(2) && !bad.decide(100));
        let mut mostly_good = owner(true);
        (0..200).for_each(|_| mostly_good.hear(Report::Confirmed));
        (0..4).for_each(|_| mostly_good.hear(Report::RolledBack));
        mostly_good.decide(2);
        assert!(!mostly_good.index().paused, "2 % are allowed");
        let mut ruleless = owner(false);
        (0..50).for_each(|_| ruleless.hear(Report::RolledBack));
        ruleless.decide(SOAK);
        assert!(!ruleless.index().paused);
    }
}
