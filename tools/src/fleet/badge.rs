//! One badge of a simulated fleet: the real slot code in a folder of its own, and a board with faults.

use std::fs;
use std::path::{Path, PathBuf};

use emocue_device::slots::consent::ConsentError;
use emocue_device::slots::{
    Held, Install, PowerCut, Refusal, SlotError, Store, Trust, choose, with_power_cut,
};
use emocue_link::random::Random;
use emocue_models::bundle::Bundle;

use super::index::Index;
use super::owner::Report;
use super::releases::{NEW, OLD, Releases};
use super::scenario::{
    DAMAGED_DOWNLOAD, HOSTILE, OFFLINE, POWER_ELSEWHERE, POWER_IN_INSTALLATION, SWITCHED_OFF,
    Scenario,
};
use super::tally::Tally;

/// Approximate number of disk operations of a start or a confirmation.
const FEW_OPERATIONS: usize = 8;

/// Longest time without a connection, days.
const LONGEST_OFFLINE: usize = 10;

/// The bundle that a start runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    /// The embedded bundle.
    Own,
    /// An installed bundle.
    Slot { release: u32, trial: bool },
}

/// How the new bundle behaves on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Board {
    Works,
    /// The self-test fails before the installation.
    FailsTest,
    /// The self-test passes before the installation and fails when the bundle starts.
    FailsTestAtStart,
    /// The program ends in the first minute.
    FailsMinute,
}

/// A badge with its wearer and its connection.
pub(super) struct Badge<'a> {
    id: String,
    releases: &'a Releases,
    folder: PathBuf,
    store: Store,
    trust: Trust,
    random: Random,
    board: Board,
    /// What it ran before the roll-out: the embedded bundle, or [`OLD`].
    before: Running,
    /// Number of disk operations of an installation.
    operations: u32,
    /// The largest sequence number of an index that it has seen.
    seen: u64,
    /// Whether it began to confirm the new bundle.
    confirming: bool,
    /// Result of the new bundle, once it is known.
    outcome: Option<Report>,
    /// Whether the result was reported.
    has_reported: bool,
    /// Whether it began to install the new bundle, so that the bundle may run.
    offered: bool,
    /// Whether the new bundle was ever on trial here.
    pub(super) tried: bool,
    /// The day on which its connection returns.
    online_from: u32,
}

/// The id of the badge with this number.
pub(super) fn id_of(number: usize) -> String {
    format!("badge-{number}")
}

/// A violated invariant, as a message.
pub(super) type Broken = String;

impl<'a> Badge<'a> {
    /// A badge in `folder` before the roll-out. Every tenth has no installed bundle, the others have one or two.
    pub(super) fn new(
        number: usize,
        folder: PathBuf,
        releases: &'a Releases,
        scenario: &Scenario,
        operations: u32,
        seed: u64,
    ) -> Result<Self, Broken> {
        let id = id_of(number);
        let mut random = Random::of(seed, &format!("{} {id}", scenario.name));
        let draw = random.part();
        let test = scenario.fails_test;
        let board = match draw {
            draw if draw < test / 2.0 => Board::FailsTest,
            draw if draw < test => Board::FailsTestAtStart,
            draw if draw < test + scenario.fails_minute => Board::FailsMinute,
            _ => Board::Works,
        };
        let (store, trust) = (Store::new(&folder), Trust::new(&[releases.key], &folder));
        let mut badge = Self {
            id,
            releases,
            folder,
            store,
            trust,
            random,
            board,
            before: Running::Slot { release: OLD, trial: false },
            operations,
            seen: 0,
            confirming: false,
            outcome: None,
            has_reported: false,
            offered: false,
            tried: false,
            online_from: 0,
        };
        fs::create_dir_all(&badge.folder).map_err(|error| error.to_string())?;
        match number % 10 {
            0 => badge.before = Running::Own,
            even if even % 2 == 0 => badge.keep(&[&releases.older, &releases.old])?,
            _ => badge.keep(&[&releases.old])?,
        }
        Ok(badge)
    }

    /// Number of disk operations of an installation, counted in the case that needs most.
    pub(super) fn count_operations(folder: PathBuf, releases: &'a Releases) -> Result<u32, Broken> {
        let good = &super::scenario::SCENARIOS[0];
        let badge = Self::new(2, folder, releases, good, 0, 0)?;
        let (installed, operations) = badge.install(&releases.new, None);
        installed.map_err(|error| error.to_string())?;
        Ok(operations)
    }

    fn keep(&self, bundles: &[&[u8]]) -> Result<(), Broken> {
        for bundle in bundles {
            self.install(bundle, None).0.map_err(|error| error.to_string())?;
            self.store.confirm(None).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Whether it has reported the result of the new bundle.
    pub(super) fn is_done(&self) -> bool {
        self.has_reported
    }

    /// Simulates one day: the badge is switched on in the hour `hour` and can get the channel's `served` index. Returns
    /// the result of the new bundle, once.
    pub(super) fn day(
        &mut self,
        hour: u32,
        served: &[u8],
        tally: &mut Tally,
    ) -> Result<Option<Report>, Broken> {
        let running = self.start(tally)?;
        let running = self.wear(running, tally)?;
        let day = hour / 24;
        if self.online_from <= day && self.chance(OFFLINE) {
            self.online_from = day + 1 + self.random.below(LONGEST_OFFLINE) as u32;
        }
        if self.online_from > day {
            tally.offline_days += 1;
            return Ok(None);
        }
        if self.chance(HOSTILE) {
            tally.hostile += 1;
            self.meet_hostile_server(served)?;
        } else if self.wants(running, served)? {
            self.update(tally)?;
        }
        let is_news = self.outcome.is_some() && !self.has_reported;
        self.has_reported |= is_news;
        Ok(self.outcome.filter(|_| is_news))
    }

    fn chance(&mut self, share: f64) -> bool {
        self.random.part() < share
    }

    /// Starts it, possibly twice because of a power failure, and checks that the running bundle is allowed.
    fn start(&mut self, tally: &mut Tally) -> Result<Running, Broken> {
        if self.chance(POWER_ELSEWHERE) {
            let cut = self.cut(FEW_OPERATIONS);
            let (_, asked) = with_power_cut(Some(cut), || self.boot());
            tally.cuts_elsewhere += u64::from(asked > cut.after);
        }
        let running = self.boot();
        tally.starts += 1;
        let is_new = |trial| Running::Slot { release: NEW, trial };
        let may = running == self.before && !matches!(self.outcome, Some(Report::Confirmed))
            || running == is_new(true) && self.offered
            || running == is_new(false) && self.confirming;
        if !may {
            return Err(format!("{} runs {running:?}, {:?}", self.id, self.outcome));
        }
        self.tried |= running == is_new(true);
        if running == is_new(false) {
            self.outcome = Some(Report::Confirmed);
        } else if running == self.before && self.has_failed() {
            self.outcome = Some(Report::RolledBack);
        }
        Ok(running)
    }

    fn boot(&self) -> Running {
        let mut notes = Vec::new();
        let load = |bytes: &[u8], start: emocue_device::slots::SlotStart| {
            let bundle = Bundle::read(bytes).map_err(|error| error.to_string())?;
            let release = bundle.manifest().content_version;
            let fails = matches!(self.board, Board::FailsTest | Board::FailsTestAtStart);
            if start.test && release == NEW && fails {
                return Err("the self-test fails on this board".to_owned());
            }
            Ok(Running::Slot { release, trial: start.trial.is_some() })
        };
        choose(&self.store, &self.trust, &mut notes, load).unwrap_or(Running::Own)
    }

    fn has_failed(&self) -> bool {
        let pointer = self.store.pointer().unwrap_or_default();
        [pointer.a, pointer.b].contains(&Held::Failed)
    }

    /// Simulates wearing until the badge is switched off: a bundle on trial is confirmed, or ends the program until the
    /// previous bundle runs.
    fn wear(&mut self, mut running: Running, tally: &mut Tally) -> Result<Running, Broken> {
        while let Running::Slot { trial: true, .. } = running {
            if self.board != Board::FailsMinute {
                if self.chance(SWITCHED_OFF) {
                    return Ok(running);
                }
                self.confirming = true;
                let cut = self.chance(POWER_ELSEWHERE).then(|| self.cut(FEW_OPERATIONS));
                let (confirmed, asked) = with_power_cut(cut, || self.store.confirm(None));
                match cut {
                    Some(cut) if asked > cut.after => tally.cuts_elsewhere += 1,
                    _ => drop(confirmed.map_err(|error| format!("{}: {error}", self.id))?),
                }
            }
            running = self.start(tally)?;
        }
        Ok(running)
    }

    /// Whether the channel offers a new bundle for it.
    fn wants(&mut self, running: Running, served: &[u8]) -> Result<bool, Broken> {
        let key = self.releases.index_key.verifying_key();
        let index = Index::read(served, &key, self.seen)
            .map_err(|error| format!("{}: the owner's index: {error}", self.id))?;
        self.seen = index.sequence;
        // A bundle that failed here is not tried again.
        Ok(running == self.before && self.outcome.is_none() && index.is_for(&self.id))
    }

    /// Downloads the new bundle, installs it, and starts it.
    fn update(&mut self, tally: &mut Tally) -> Result<(), Broken> {
        if self.chance(DAMAGED_DOWNLOAD) {
            tally.damaged += 1;
            let mut bytes = self.releases.new.clone();
            let at = self.random.below(bytes.len());
            match self.random.below(2) {
                0 => bytes.truncate(at),
                _ => bytes[at] = self.random.other_byte(bytes[at]),
            }
            return self.refuses(&bytes, "a damaged download");
        }
        let cut = match self.chance(POWER_IN_INSTALLATION) {
            true => Some(self.cut(self.operations as usize)),
            false => None,
        };
        self.offered = true;
        let new = &self.releases.new;
        let (installed, asked) = self.install(new, cut);
        tally.installations += 1;
        if cut.is_some_and(|cut| asked > cut.after) {
            tally.cuts_in_installation += 1;
        } else {
            match installed {
                Ok(()) => {}
                Err(SlotError::Refused { reason: Refusal::SelfTest(_), .. }) => {
                    self.outcome = Some(Report::RolledBack);
                }
                Err(error) => return Err(format!("{}: {error}", self.id)),
            }
        }
        let running = self.start(tally)?;
        self.wear(running, tally).map(drop)
    }

    /// Installs a bundle with the badge's slot code.
    fn install(&self, bundle: &[u8], cut: Option<PowerCut>) -> (Result<(), SlotError>, u32) {
        let path = self.folder.join("download");
        let test = |_: &Path| match self.board {
            Board::FailsTest if bundle == self.releases.new => Err("on this board".to_owned()),
            _ => Ok(()),
        };
        let written = fs::write(&path, bundle);
        let install = Install {
            store: &self.store,
            trust: &self.trust,
            test: &test,
            ask: &|_, _| Err(ConsentError::NobodyRuns),
            force: false,
        };
        let unwritten = |source| SlotError::Folder { what: "write", path: path.clone(), source };
        with_power_cut(cut, || {
            written.map_err(unwritten)?;
            install.take(&path).map(drop)
        })
    }

    /// Checks that the installation refuses the bundle, even when the downloading program has accepted it, and changes
    /// nothing.
    fn refuses(&self, bundle: &[u8], what: &str) -> Result<(), Broken> {
        let before = self.store.mark();
        match self.install(bundle, None).0 {
            Err(SlotError::Refused { .. }) if self.store.mark() == before => Ok(()),
            other => Err(format!("{}: {what} is not refused: {other:?}", self.id)),
        }
    }

    /// Contact with a hostile server, which has the owner's files but not the owner's keys.
    fn meet_hostile_server(&mut self, served: &[u8]) -> Result<(), Broken> {
        let releases = self.releases;
        let read = |file: &[u8]| Index::read(file, &releases.index_key.verifying_key(), self.seen);
        let believed = |what: &str| Err(format!("{}: {what} is believed", self.id));
        let all = Index {
            sequence: u64::MAX,
            release: NEW + 1,
            sha256: releases.sha256.clone(),
            stage: 10_000,
            paused: false,
        };
        let kind = self.random.clone().below(5);
        match kind {
            0 if read(&all.sign(&releases.other_index_key)).is_ok() => {
                believed("a stranger's index")
            }
            1 => {
                let mut changed = served.to_vec();
                let last = changed.len() - 2;
                changed[last] ^= 1;
                if read(&changed).is_ok() { believed("a changed index") } else { Ok(()) }
            }
            2 if self.seen > 1 => {
                let earlier = Index { sequence: 1, ..all };
                let file = earlier.sign(&releases.index_key);
                if read(&file).is_ok() { believed("an index from before") } else { Ok(()) }
            }
            3 => self.refuses(&releases.foreign, "a stranger's bundle"),
            // A badge without an installed bundle knows no earlier release.
            4 if self.before != Running::Own => self.refuses(&releases.older, "an older release"),
            // The server does not respond.
            _ => Ok(()),
        }
    }

    fn cut(&mut self, operations: usize) -> PowerCut {
        let after = self.random.below(operations.max(1)) as u32;
        PowerCut { after, torn: self.random.below(256) as u8 }
    }

    /// Whether it runs the new bundle in the end, after one more start without a fault.
    pub(super) fn runs_new(&mut self) -> Result<bool, Broken> {
        let running = self.boot();
        match running {
            Running::Slot { release: NEW, .. } => Ok(true),
            other if other == self.before => Ok(false),
            other => Err(format!("{} runs {other:?} in the end", self.id)),
        }
    }
}

#[cfg(test)]
impl Badge<'_> {
    /// Installs the new bundle during a power failure, and returns whether the next start runs it.
    pub(super) fn cut_and_started(&mut self, cut: PowerCut) -> Result<bool, Broken> {
        self.offered = true;
        // The result of an interrupted installation is meaningless.
        let _ = self.install(&self.releases.new, Some(cut));
        self.start(&mut Tally::default()).map(|running| running != self.before)
    }

    /// Installs the new bundle, and returns whether the next start runs it.
    pub(super) fn installed_and_started(&mut self) -> Result<bool, Broken> {
        self.install(&self.releases.new, None).0.map_err(|error| error.to_string())?;
        self.start(&mut Tally::default()).map(|running| running != self.before)
    }
}
