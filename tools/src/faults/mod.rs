//! `cargo xtask faults`: faults during an update, after which the badge must still classify faces.

mod bombs;
mod boot;
mod camera;
mod cases;
mod clock;
mod corrupt;
mod crash;
mod disk;
mod full_disk;
mod inode;
mod kill;
mod lab;
mod namespace;
mod pair;
mod power;
mod process;
mod record;
mod serial;
mod strace;
mod tree;
mod trust;

use std::time::Instant;

use clap::Args;

use crate::Result;
use crate::cargo::{Profile, build_badge, cargo, check};
use cases::{Group, Tally};
use lab::Lab;

/// Each group of faults: its name, and the function that runs its cases.
const GROUPS: &[(&str, GroupFn)] = &[
    ("power", power::run),
    ("kill", kill::run),
    ("full-disk", full_disk::run),
    ("corrupt", corrupt::run),
    ("clock", clock::run),
    ("pair", pair::run),
    ("bombs", bombs::run),
    ("camera", camera::run),
    ("serial", serial::run),
    ("trust", trust::run),
];

/// Runs a group's cases; an error is one of this machine or of the harness, not a failed case.
type GroupFn = fn(&Lab, &Group) -> Result<Tally>;

/// Options of `cargo xtask faults`.
#[derive(Args)]
pub(crate) struct FaultsArgs {
    /// A sample of the large groups of cases
    #[arg(long)]
    quick: bool,
    /// Only this group
    #[arg(long, value_name = "NAME", value_parser = names())]
    group: Option<String>,
    /// Only this case of the group
    #[arg(long, value_name = "NAME", requires = "group")]
    case: Option<String>,
    /// Seed of samples and random moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use the badge and the host's program without a new build
    #[arg(long)]
    no_build: bool,
}

impl FaultsArgs {
    /// Every case of every group.
    pub(crate) fn all() -> Self {
        Self { quick: false, group: None, case: None, seed: 1, no_build: false }
    }
}

fn names() -> clap::builder::PossibleValuesParser {
    GROUPS.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}

/// Runs the groups; the last line of output has the number of cases.
pub(crate) fn run(args: &FaultsArgs) -> Result<()> {
    if !args.no_build {
        build_badge(Profile::Release)?;
        check(cargo().args(["build", "--release", "--package", "emocue-host"]))?;
    }
    let lab = Lab::open(args.quick, args.seed)?;
    let mut all = Tally::default();
    for (name, cases) in GROUPS {
        if args.group.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let group = Group::new(name, args.seed, args.quick, args.case.clone());
        group.clear()?;
        let begun = Instant::now();
        let tally = cases(&lab, &group).map_err(|e| format!("{name}: {e}"))?;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{name}: {} cases, {} lost, {seconds:.1} s", tally.cases, tally.lost);
        all.cases += tally.cases;
        all.lost += tally.lost;
    }
    if all.cases == 0 {
        return Err("unknown case".into());
    }
    println!("cases {}, survived {}, lost {}", all.cases, all.cases - all.lost, all.lost);
    if all.lost > 0 {
        return Err("a badge was lost".into());
    }
    Ok(())
}
