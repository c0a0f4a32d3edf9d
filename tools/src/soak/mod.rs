//! `cargo xtask soak`: checks that the badge's resource usage does not grow.

mod badge;
mod camera;
mod damage;
mod disturb;
mod host;
mod load;
mod process;
mod quick;
mod table;

use clap::Args;

use crate::Result;
use crate::cargo::{Profile, build_badge};

/// Largest relative growth of memory.
const GROWTH: f64 = 0.02;

/// Options of `cargo xtask soak`.
#[derive(Args)]
pub(crate) struct SoakArgs {
    /// Process this many frames with disturbances of camera, cable and wearer: unplugging, damaged frames, pauses,
    /// bundles, settings. An hour has some 650,000; Ctrl-C ends it early, with what was measured so far
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(load::FEWEST..=load::MOST))]
    pub(crate) frames: Option<u64>,
    /// Seed of the disturbances
    #[arg(long, default_value_t = 1, requires = "frames")]
    pub(crate) seed: u64,
    /// Run the badge without a new build
    #[arg(long)]
    pub(crate) no_build: bool,
}

impl SoakArgs {
    /// The short form.
    pub(crate) fn usual() -> Self {
        Self { frames: None, seed: 1, no_build: false }
    }
}

/// Runs the badge and compares its early and late resource usage.
pub(crate) fn run(args: &SoakArgs) -> Result<()> {
    if !args.no_build {
        build_badge(Profile::Release)?;
    }
    match args.frames {
        Some(frames) => load::run(frames, args.seed),
        None => quick::run(),
    }
}
