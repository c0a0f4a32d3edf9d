//! Attacks by someone with access to the cable, or with links planted in the badge's folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use emocue_link::faulty::Faults;

use super::boot::{Badge, May, done};
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, ONE, THREE, TWO, Verdict};
use super::serial::{Bench, stop};
use crate::Result;

/// Every file in the state folder that the badge may write.
const WRITTEN: &[&str] = &[
    "slots/a.emocue.new",
    "slots/b.emocue.new",
    "slots/state.new",
    "slots/lock",
    "keys.new",
    "run.lock",
    "ask.lock",
    "ask.new",
    "answer.new",
    "settings.toml.new",
    "settings.before.new",
    "incoming/incoming.part",
    "incoming/incoming.info.new",
    "incoming/received.emocue",
];

/// Contents of another user's file.
const PRECIOUS: &str = "not the badge's";

/// Runs the cases.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let seed = group.seed;
    let cases = vec![
        Case::new("rollback-without-consent", move |folder| rollback(lab, folder, seed)),
        Case::new("planted-links-cable", move |folder| {
            let bench = Bench::new(lab, folder, Faults::default(), seed)?;
            planted(&bench.badge, folder, || {
                let mut badge = bench.start()?;
                let flashed = bench.flash(TWO);
                stop(&mut badge);
                flashed
            })
        }),
        Case::new("planted-links-install", move |folder| {
            let badge = Badge::new(lab, folder)?;
            planted(&badge, folder, || badge.install(TWO))
        }),
    ];
    group.run(cases)
}

/// A badge that cannot ask for consent refuses a rollback over the cable and keeps its confirmed bundle.
fn rollback(lab: &Lab, folder: &Path, seed: u64) -> Verdict {
    let bench = Bench::new(lab, folder, Faults::default(), seed)?;
    for version in [ONE, TWO] {
        bench.badge.install(version)?;
        bench.badge.confirm()?;
    }
    let mut badge = bench.start()?;
    let tried = bench.roll_back();
    stop(&mut badge);
    let tried = tried?;
    if tried.code == Some(0) || !tried.stderr.contains("keeps its bundle") {
        return Err(format!("the badge is rolled back without consent: {}", tried.told()));
    }
    bench.badge.boots(&May::run(&[TWO]))?;
    // The owner may roll back on the badge itself.
    let by_hand = done(&mut bench.badge.slot(&["rollback"]))?;
    if by_hand.code != Some(0) {
        return Err(format!("slot rollback: {}", by_hand.told()));
    }
    bench.badge.boots(&May::run(&[ONE])).map(drop)
}

/// Installation with `install` succeeds and does not touch the targets of planted links, whether they exist or not.
fn planted(badge: &Badge<'_>, folder: &Path, install: impl Fn() -> Verdict) -> Verdict {
    let told = |e: std::io::Error| e.to_string();
    badge.install(ONE)?;
    badge.confirm()?;
    let (victim, missing) = (folder.join("victim"), folder.join("missing"));
    fs::write(&victim, PRECIOUS).map_err(told)?;
    for (at, name) in WRITTEN.iter().enumerate() {
        let path = badge.state().join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(told)?;
        let _ = fs::remove_file(&path);
        symlink(if at % 2 == 0 { &victim } else { &missing }, &path).map_err(told)?;
    }
    install()?;
    if fs::read_to_string(&victim).map_err(told)? != PRECIOUS {
        return Err("a planted link was written through".into());
    }
    if missing.exists() {
        return Err("a file was made through a planted link".into());
    }
    badge.boots(&May::run(&[TWO]))?;
    badge.takes(THREE)
}
