//! `cargo xtask full`: the checks that take too long for every push.

use clap::Args;

use crate::bench::{self, BenchArgs};
use crate::cargo::{Profile, cargo, check};
use crate::cross::{self, BoardTarget, CrossArgs};
use crate::faults::{self, FaultsArgs};
use crate::fleet::{self, FleetArgs};
use crate::install_test::{self, InstallTestArgs};
use crate::instructions::{self, InstructionsArgs};
use crate::kernels::{self, KernelsArgs};
use crate::reproducible::{self, ReproducibleArgs};
use crate::soak::{self, SoakArgs};
use crate::steadiness::{self, SteadinessArgs};
use crate::virtual_badge::{self, VirtualBadgeArgs};
use crate::{Result, privacy};

/// Number of cases of each property test; the default is 256.
const PROPERTY_CASES: &str = "5000";

/// Options of `cargo xtask full`.
#[derive(Args)]
pub(crate) struct FullArgs {
    /// Install missing compilers and machines with apt-get, with sudo if needed
    #[arg(long)]
    install: bool,
}

/// Runs the long checks and stops at the first failure.
pub(crate) fn run(args: &FullArgs) -> Result<()> {
    privacy::run()?;
    // The command of the README: the badge alone, with its own feature resolution.
    check(cargo().args(["run", "--release", "--", "demo"]))?;
    check(
        cargo()
            .args(["test", "--release", "--workspace", "--", "--include-ignored"])
            .env("PROPTEST_CASES", PROPERTY_CASES),
    )?;
    for profile in [Profile::Release, Profile::Dist] {
        bench::run(&BenchArgs { profile, no_build: false, forms: true })?;
    }
    soak::run(&SoakArgs::usual())?;
    steadiness::run(&SteadinessArgs::brief())?;
    faults::run(&FaultsArgs::all())?;
    fleet::run(&FleetArgs::usual())?;
    for target in [BoardTarget::Aarch64, BoardTarget::Armv7] {
        cross::run(&CrossArgs { target, profile: Profile::Dist, install: args.install })?;
    }
    kernels::run(&KernelsArgs { arm: true, install: args.install })?;
    for badge in VirtualBadgeArgs::every(args.install) {
        virtual_badge::run(&badge)?;
    }
    install_test::run(&InstallTestArgs::every(args.install))?;
    reproducible::run(&ReproducibleArgs::brief())?;
    instructions::run(&InstructionsArgs::usual())
}
