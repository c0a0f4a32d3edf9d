//! Power loss at every write: the disk operations of the real commands are recorded, and a badge is started on every
//! state that can remain.

use std::fs;
use std::process::Command;

use super::boot::{Badge, May, Status};
use super::cases::{Case, Group, Tally};
use super::crash::{Run, State};
use super::disk::Disk;
use super::lab::{Lab, NEWEST, ONE, Reported, THREE, TWO, Verdict};
use super::record::record;
use super::tree::Tree;
use crate::Result;
use emocue_link::random::Random;

/// Number of states in a quick run.
const QUICK: usize = 300;

/// In one of this many states another release is installed afterwards.
const RECOVERS: usize = 10;

/// A command that loses power, and what the badge may run then.
struct Scenario {
    name: &'static str,
    /// Preparation.
    before: fn(&Badge<'_>) -> Verdict,
    /// The command that loses power.
    command: fn(&Badge<'_>) -> Reported<Command>,
    /// What may run after a loss at any moment.
    during: May,
    /// What may run after a loss that follows the command's return.
    after: May,
    /// What the badge's status must report in that case.
    settled: fn(&Status) -> Verdict,
}

fn scenarios() -> Vec<Scenario> {
    let install = |name, before, command, during: May, new: u64| Scenario {
        name,
        before,
        command,
        during,
        after: May::run(&[new]),
        settled: |_| Ok(()),
    };
    let one_or_none = || May::run(&[ONE]).or_embedded();
    let mut all = vec![
        install("install-first", |_| Ok(()), |b| b.install_command(ONE), one_or_none(), ONE),
        install(
            "install-without-folder",
            no_folder,
            |b| b.install_command(ONE),
            one_or_none(),
            ONE,
        ),
        install("install-over-good", good, |b| b.install_command(TWO), May::run(&[ONE, TWO]), TWO),
        // The release on trial is replaced; meanwhile the badge may run the confirmed one.
        install(
            "install-over-trial",
            trial,
            |b| b.install_command(THREE),
            May::run(&[ONE, TWO, THREE]),
            THREE,
        ),
        install(
            "install-over-two",
            two_good,
            |b| b.install_command(THREE),
            May::run(&[TWO, THREE]),
            THREE,
        ),
        install(
            "install-over-failed",
            failed,
            |b| b.install_command(THREE),
            May::run(&[ONE, THREE]),
            THREE,
        ),
    ];
    let command = |name, before, command, during: &[u64], after: &[u64], settled| Scenario {
        name,
        before,
        command,
        during: May::run(during),
        after: May::run(after),
        settled,
    };
    let anything: fn(&Status) -> Verdict = |_| Ok(());
    all.extend([
        command(
            "confirm",
            trial,
            |b| Ok(b.slot(&["confirm"])),
            &[TWO],
            &[TWO],
            |s| state(s, "good"),
        ),
        command(
            "confirm-first",
            first,
            |b| Ok(b.slot(&["confirm"])),
            &[ONE],
            &[ONE],
            |s| state(s, "good"),
        ),
        command(
            "rollback-trial",
            trial,
            |b| Ok(b.slot(&["rollback"])),
            &[ONE, TWO],
            &[ONE],
            anything,
        ),
        command(
            "rollback-good",
            two_good,
            |b| Ok(b.slot(&["rollback"])),
            &[ONE, TWO],
            &[ONE],
            anything,
        ),
        command("start-on-trial", trial, |b| Ok(b.start()), &[TWO], &[TWO], |s| starts_left(s, 2)),
        // Whether a loss has used up a start is visible in the number of starts left.
        command("start-last", |b| tried(b, 2), |b| Ok(b.start()), &[ONE, TWO], &[ONE], anything),
        command("start-after-last", |b| tried(b, 3), |b| Ok(b.start()), &[ONE], &[ONE], anything),
    ]);
    all.push(Scenario {
        name: "start-after-last-of-all",
        before: |badge| {
            first(badge)?;
            starts(badge, 3)
        },
        command: |badge| Ok(badge.start()),
        during: May::default().or_embedded(),
        after: May::default().or_embedded(),
        settled: anything,
    });
    all
}

fn no_folder(badge: &Badge<'_>) -> Verdict {
    fs::remove_dir(badge.state()).map_err(|e| e.to_string())
}

/// Release 1 on trial.
fn first(badge: &Badge<'_>) -> Verdict {
    badge.install(ONE)
}

/// Release 1 confirmed.
fn good(badge: &Badge<'_>) -> Verdict {
    badge.install(ONE)?;
    badge.confirm()
}

/// Release 1 confirmed, release 2 on trial.
fn trial(badge: &Badge<'_>) -> Verdict {
    good(badge)?;
    badge.install(TWO)
}

/// Releases 1 and 2 confirmed.
fn two_good(badge: &Badge<'_>) -> Verdict {
    trial(badge)?;
    badge.confirm()
}

/// Release 1 confirmed, release 2 rolled back.
fn failed(badge: &Badge<'_>) -> Verdict {
    trial(badge)?;
    let done = super::boot::done(&mut badge.slot(&["rollback"]))?;
    if done.code == Some(0) { Ok(()) } else { Err(format!("slot rollback: {}", done.told())) }
}

/// Release 1 confirmed, release 2 on trial and started this many times.
fn tried(badge: &Badge<'_>, times: u32) -> Verdict {
    trial(badge)?;
    starts(badge, times)
}

fn starts(badge: &Badge<'_>, times: u32) -> Verdict {
    (0..times).try_for_each(|_| badge.boot().map(drop))
}

/// Checks that the slot of the next start is in this state.
fn state(status: &Status, expected: &str) -> Verdict {
    let next = status.slots.get(&status.next.slot);
    match next.filter(|slot| slot.state == expected) {
        Some(_) => Ok(()),
        None => Err(format!("what runs next should be {expected}: {status:?}")),
    }
}

/// Checks that the slot of the next start has at most this many starts left.
fn starts_left(status: &Status, most: u64) -> Verdict {
    let left = status.slots.get(&status.next.slot).and_then(|slot| slot.starts_left);
    match left.filter(|left| *left <= most) {
        Some(_) => Ok(()),
        None => Err(format!("what runs next should have {most} starts left: {status:?}")),
    }
}

/// Records every scenario and checks the states.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let mut runs = Vec::new();
    for scenario in scenarios() {
        let run = recorded(lab, &scenario).map_err(|e| format!("{}: {e}", scenario.name))?;
        let states = run.states().map_err(|e| format!("{}: {e}", scenario.name))?;
        println!("  {}: {} operations, {} states", scenario.name, run.ops.len(), states.len());
        runs.push((scenario, run, states));
    }
    let all: Vec<_> = runs
        .iter()
        .flat_map(|(scenario, run, states)| {
            states.iter().enumerate().map(move |(at, state)| (scenario, run, at, state))
        })
        .collect();
    let most = if lab.quick && group.only.is_none() { QUICK } else { usize::MAX };
    let chosen = Random::of(lab.seed, "power").sample(all.len(), most);
    println!("  {} states in all, {} of them looked at", all.len(), chosen.len());
    let cases = chosen.into_iter().map(|index| {
        let (scenario, run, at, state) = all[index];
        Case::new(format!("{}-{at}", scenario.name), move |folder| {
            let tree = run.tree(state).map_err(|e| e.to_string())?;
            let badge = Badge::with(lab, folder, &tree)?;
            survives(&badge, scenario, state, at % RECOVERS == 0).map_err(|why| {
                format!("after operation {} of {}: {why}", state.done, run.ops.len())
            })
        })
    });
    group.run(cases.collect())
}

/// Runs `scenario` without a loss and records its last command.
fn recorded(lab: &Lab, scenario: &Scenario) -> Result<Run> {
    let folder = tempfile::tempdir()?;
    // The trace has real paths.
    let badge = Badge::new(lab, &folder.path().canonicalize()?)?;
    (scenario.before)(&badge)?;
    let before = Disk::holding(&Tree::read(&badge.disk)?)?;
    let (ops, done) = record(&(scenario.command)(&badge)?, &badge.disk)?;
    if done.code != Some(0) {
        return Err(done.told().into());
    }
    let run = Run { before, ops };
    // The enumeration is valid only if the recorded operations are complete.
    match run.end()?.difference(&Tree::read(&badge.disk)?) {
        None => Ok(run),
        Some(difference) => Err(format!("the record is not what happened: {difference}").into()),
    }
}

fn survives(badge: &Badge<'_>, scenario: &Scenario, state: &State, recovers: bool) -> Verdict {
    let before = badge.tree()?;
    let status = badge.status()?;
    if let Some(difference) = before.difference(&badge.tree()?) {
        return Err(format!("slot status changes the state: {difference}"));
    }
    let may = if state.returned {
        (scenario.settled)(&status)?;
        &scenario.after
    } else {
        &scenario.during
    };
    badge.boots(may)?;
    badge.status()?;
    if recovers { badge.takes(NEWEST) } else { Ok(()) }
}
