//! `cargo xtask full`: what takes too long for every push.

use crate::bench::{self, BenchArgs};
use crate::cargo::{Profile, cargo, check};
use crate::{Result, privacy};

/// Cases of each property test; 256 otherwise.
const PROPERTY_CASES: &str = "5000";

/// Runs everything that takes longer and stops at the first failure.
pub(crate) fn run() -> Result<()> {
    privacy::run()?;
    // As a newcomer types it: the badge alone, with the features that it alone resolves.
    check(cargo().args(["run", "--release", "--", "demo"]))?;
    check(
        cargo()
            .args(["test", "--release", "--workspace", "--", "--include-ignored"])
            .env("PROPTEST_CASES", PROPERTY_CASES),
    )?;
    for profile in [Profile::Release, Profile::Dist] {
        bench::run(&BenchArgs { profile, no_build: false })?;
    }
    Ok(())
}
