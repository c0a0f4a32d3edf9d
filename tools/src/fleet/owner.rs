//! The owner of a fleet: counts what badges report, widens the stage, and pauses.

use super::index::Index;
use super::releases::{NEW, Releases};

/// How much of the fleet may take the bundle, ten-thousandths, one stage after the other.
const STAGES: [u64; 4] = [100, 1000, 5000, 10_000];

/// A stage lasts so long at least, hours.
const SOAK: u32 = 24;

/// A stage is widened when so much of it has reported, of 1.
const REPORTED: f64 = 0.5;

/// More failures than this share of all that ended pause the roll-out, of 1.
const MOST_FAILED: f64 = 0.02;

/// So many failures are no accident; of a fleet of less than [`SMALL`] one is enough.
const FAILURES: u32 = 3;

/// Badges.
const SMALL: usize = 100;

/// What became of the new bundle on a badge; all that a badge says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// It ran for a healthy minute.
    Confirmed,
    /// It failed its self-test, or did not last a minute; the one before runs.
    RolledBack,
}

/// One roll-out.
pub(super) struct Owner {
    index: Index,
    /// The ids of all badges, which the owner knows: it set them up.
    badges: Vec<String>,
    /// How many of them may install the bundle.
    invited: usize,
    pauses: bool,
    stage: usize,
    since: u32,
    confirmed: u32,
    rolled_back: u32,
    /// When the rule paused it, hours from the beginning.
    pub(super) paused_at: Option<u32>,
}

impl Owner {
    /// Begins with the first stage, for a fleet of these badges.
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

    /// What badges are told now.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The last stage is reached.
    pub(super) fn is_open(&self) -> bool {
        self.stage + 1 == STAGES.len()
    }

    /// The share of the fleet that may take it, percent.
    pub(super) fn percent(&self) -> u64 {
        STAGES[self.stage] / 100
    }

    /// Takes a report.
    pub(super) fn hear(&mut self, report: Report) {
        match report {
            Report::Confirmed => self.confirmed += 1,
            Report::RolledBack => self.rolled_back += 1,
        }
    }

    /// Decides, once an hour. Whether the index has changed.
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
