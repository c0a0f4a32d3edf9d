//! `cargo xtask`: the project's development tasks.

mod bench;
mod budget;
mod cable;
mod calibration;
mod cargo;
mod cross;
mod faults;
mod fleet;
mod full;
mod fuzz;
mod install_test;
mod instructions;
mod kernels;
mod manual;
mod peers;
mod privacy;
mod release;
mod reproducible;
mod scratch;
mod soak;
mod steadiness;
mod virtual_badge;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use emocue_models::failure::{self, Failure as _, Problem};

/// What the project does to itself.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure the badge on this machine and compare with tools/budget.toml
    Bench(bench::BenchArgs),
    /// Check that the badge's default build has no way to the network
    Privacy,
    /// Build the badge for ARM boards with Debian's compilers
    Cross(cross::CrossArgs),
    /// Boot the badge for ARM boards in a virtual machine and see it answer, pause, lose its camera and recover
    VirtualBadge(virtual_badge::VirtualBadgeArgs),
    /// Count the instructions of a frame on ARM processors
    Instructions(instructions::InstructionsArgs),
    /// Run the integer kernels' tests, here or in ARM instructions
    Kernels(kernels::KernelsArgs),
    /// Compare the classifier's speed with ONNX Runtime and LiteRT; needs Python and a package index
    Peers(peers::PeersArgs),
    /// Look at 20,000 frames, or at many more under load, and see that memory stays what it was
    Soak(soak::SoakArgs),
    /// Measure on clips and drawn scenes how steady the shown answer is
    Steadiness(steadiness::SteadinessArgs),
    /// Cut the power, kill, fill the disk and damage files while a badge is updated, and see that it looks at faces all the same
    Faults(faults::FaultsArgs),
    /// Roll a new bundle out to thousands of simulated badges with faults, and see that each runs it or the one before
    Fleet(fleet::FleetArgs),
    /// Feed what libFuzzer invents to everything that reads bytes from outside; needs a C++ compiler
    Fuzz(fuzz::FuzzArgs),
    /// Write man pages and shell completions of both programs
    Manual(manual::ManualArgs),
    /// Make everything that strangers download: packages, archives, hashes, licences, bills of materials
    Release(release::ReleaseArgs),
    /// Install, upgrade, remove and purge the badge's package in bare Debian systems, also in a virtual board with systemd;
    /// needs root and mmdebstrap
    InstallTest(install_test::InstallTestArgs),
    /// Make a release from two folders, and see that it is the same; takes long
    Reproducible(reproducible::ReproducibleArgs),
    /// Everything that takes longer than a quick check: long property tests, the dist build and its bench, the soak, the
    /// faults, the fleet, builds for boards, virtual machines, instructions
    Full(full::FullArgs),
}

/// Result with any error.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Bench(args) => bench::run(&args),
        Task::Privacy => privacy::run(),
        Task::Cross(args) => cross::run(&args),
        Task::VirtualBadge(args) => virtual_badge::run(&args),
        Task::Instructions(args) => instructions::run(&args),
        Task::Kernels(args) => kernels::run(&args),
        Task::Peers(args) => peers::run(&args),
        Task::Soak(args) => soak::run(&args),
        Task::Steadiness(args) => steadiness::run(&args),
        Task::Faults(args) => faults::run(&args),
        Task::Fleet(args) => fleet::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Manual(args) => manual::run(&args),
        Task::Release(args) => release::run(&args),
        Task::InstallTest(args) => install_test::run(&args),
        Task::Reproducible(args) => reproducible::run(&args),
        Task::Full(args) => full::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<Problem>() {
            Some(problem) => {
                // Standard error may be closed.
                let _ = failure::write(problem, &mut std::io::stderr());
                ExitCode::from(problem.exit_code())
            }
            None => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
    }
}
