//! `cargo xtask fleet`: a new bundle is rolled out to thousands of simulated badges (docs/fleet.md).
//!
//! Every badge has a folder of its own in which the real slot code installs, starts, confirms and rolls back; power can
//! fail before any of its disk operations. Networks are not loaded, and time is simulated in hours.

mod badge;
mod index;
mod owner;
mod releases;
mod scenario;
mod tally;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use emocue_link::random::Random;

use self::badge::{Badge, id_of};
use self::owner::{Owner, Report};
use self::releases::Releases;
use self::scenario::{SCENARIOS, Scenario};
use self::tally::{Outcome, Tally, tables};
use crate::Result;

/// Badges of a fleet.
const BADGES: u32 = 10_000;

/// Longest simulated time of a roll-out, days.
const LONGEST: u32 = 60;

/// Simulated time after a pause, in which trials end, days.
const AFTER_PAUSE: u32 = 3;

/// A file system in memory, if there is one: real files without wear of a disk.
const MEMORY: &str = "/dev/shm";

/// Options of `cargo xtask fleet`.
#[derive(Args)]
pub(crate) struct FleetArgs {
    /// Badges of each fleet
    #[arg(long, default_value_t = BADGES, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    badges: u32,
    /// Seed: the same seed gives the same table
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder of the badges' folders (default: in memory if the system has a file system for that)
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl FleetArgs {
    /// The defaults of the command line.
    pub(crate) fn usual() -> Self {
        Self { badges: BADGES, seed: 1, folder: None }
    }
}

/// Rolls out every scenario's bundle and prints the tables.
pub(crate) fn run(args: &FleetArgs) -> Result<()> {
    let usual = usual_folder();
    let folder = args.folder.as_deref().unwrap_or(&usual);
    let releases = Releases::make()?;
    let mut outcomes = Vec::new();
    for scenario in &SCENARIOS {
        let begun = Instant::now();
        let outcome = roll_out(scenario, &releases, folder, args.badges as usize, args.seed)?;
        eprintln!("{}: {:.1} s", scenario.name, begun.elapsed().as_secs_f64());
        outcomes.push(outcome);
    }
    print!("{}", tables(&outcomes));
    match outcomes.iter().find_map(|outcome| outcome.broken.first()) {
        Some(broken) => Err(broken.as_str().into()),
        None => Ok(()),
    }
}

/// The default folder: in memory, if the system has a file system for that.
fn usual_folder() -> PathBuf {
    let memory = Path::new(MEMORY);
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// Rolls the new bundle out to a fleet of `count` badges below `folder`.
fn roll_out(
    scenario: &Scenario,
    releases: &Releases,
    folder: &Path,
    count: usize,
    seed: u64,
) -> Result<Outcome> {
    let folder = tempfile::tempdir_in(folder)?;
    let operations = Badge::count_operations(folder.path().join("count"), releases)?;
    let place = |number: usize| folder.path().join(number.to_string());
    let new = |at| Badge::new(at, place(at), releases, scenario, operations, seed);
    let mut badges = (0..count).map(new).collect::<std::result::Result<Vec<_>, _>>()?;
    // The hour of the day in which each badge is switched on.
    let mut random = Random::of(seed, "hours");
    let mut by_hour = vec![Vec::new(); 24];
    (0..count).for_each(|at| by_hour[random.below(24)].push(at));

    let ids = (0..count).map(id_of).collect();
    let mut owner = Owner::begin(releases, ids, scenario.pauses);
    let mut served = owner.index().sign(&releases.index_key);
    let (mut tally, mut broken, mut returned) = (Tally::default(), Vec::new(), 0);
    let mut hour = 0;
    while hour < LONGEST * 24 && !is_over(&owner, &badges, hour) {
        for at in &by_hour[hour as usize % 24] {
            let badge = &mut badges[*at];
            if badge.is_done() {
                continue;
            }
            match badge.day(hour, &served, &mut tally) {
                Ok(Some(report)) => {
                    owner.hear(report);
                    returned += usize::from(report == Report::RolledBack);
                }
                Ok(None) => {}
                Err(what) => broken.push(what),
            }
        }
        hour += 1;
        if owner.decide(hour) {
            served = owner.index().sign(&releases.index_key);
        }
    }

    let tried = badges.iter().filter(|badge| badge.tried).count();
    let (mut new, mut old) = (0, 0);
    for badge in &mut badges {
        match badge.runs_new() {
            Ok(true) => new += 1,
            Ok(false) => old += 1,
            Err(what) => broken.push(what),
        }
    }
    Ok(Outcome {
        name: scenario.name,
        hours: hour,
        percent: owner.percent(),
        paused_at: owner.paused_at,
        tried,
        new,
        old,
        returned,
        broken,
        tally,
    })
}

/// Whether the roll-out has ended: all badges have reported, or the trials after a pause have ended.
fn is_over(owner: &Owner, badges: &[Badge<'_>], hour: u32) -> bool {
    match owner.paused_at {
        Some(paused) => hour >= paused + AFTER_PAUSE * 24,
        None => hour.is_multiple_of(24) && owner.is_open() && badges.iter().all(Badge::is_done),
    }
}
