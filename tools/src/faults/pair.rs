//! Concurrent updates.

use std::thread;

use super::boot::{Badge, May, done};
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, NEWEST, ONE, Reported, TWO, Verdict};
use crate::Result;

/// Number of rounds for each number of updates.
const ROUNDS: usize = 20;

/// Number of rounds in a quick run.
const QUICK: usize = 5;

/// Installs two and four releases concurrently, on an empty badge and on one that runs another release.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let rounds = if lab.quick { QUICK } else { ROUNDS };
    let mut cases = Vec::new();
    for round in 0..rounds {
        for count in [2, 4] {
            for good in [false, true] {
                let before = if good { "good" } else { "empty" };
                let name = format!("{count}-on-{before}-{round}");
                cases.push(Case::new(name, move |folder| {
                    let badge = Badge::new(lab, folder)?;
                    if good {
                        badge.install(ONE)?;
                        badge.confirm()?;
                    }
                    at_once(&badge, count)
                }));
            }
        }
    }
    group.run(cases)
}

fn at_once(badge: &Badge<'_>, count: u64) -> Verdict {
    let mut commands = (TWO..TWO + count)
        .map(|version| badge.install_command(version))
        .collect::<Reported<Vec<_>>>()?;
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            commands.iter_mut().map(|command| scope.spawn(|| done(command))).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let mut installed = Vec::new();
    for (version, result) in (TWO..).zip(results) {
        let done = result.map_err(|_| "an install could not be waited for")??;
        match done.code {
            Some(0) => installed.push(version),
            Some(7) if done.told().contains("another installation is under way") => {}
            // A release that is installed after a newer one is a downgrade.
            Some(5) if version < TWO + count - 1 => {}
            _ => return Err(format!("slot install of release {version}: {}", done.told())),
        }
    }
    if installed.is_empty() {
        return Err("none of the installs has succeeded".into());
    }
    let status = badge.status()?;
    if let Some((name, slot)) =
        status.slots.iter().find(|(_, slot)| matches!(&*slot.state, "damaged" | "failed"))
    {
        return Err(format!("slot {name} is {}: {:?}", slot.state, status.notes));
    }
    badge.boots(&May::run(&installed))?;
    badge.takes(NEWEST)
}
