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

/// Project tasks.
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
    /// Boot the badge for ARM boards in a virtual machine and check that it answers, pauses, and recovers from loss of
    /// its camera
    VirtualBadge(virtual_badge::VirtualBadgeArgs),
    /// Count the instructions of a frame on ARM processors
    Instructions(instructions::InstructionsArgs),
    /// Run the integer kernels' tests, here or in ARM instructions
    Kernels(kernels::KernelsArgs),
    /// Compare the classifier's speed with ONNX Runtime and LiteRT; needs Python and a package index
    Peers(peers::PeersArgs),
    /// Process 20,000 frames, or many more under load, and check that memory use does not grow
    Soak(soak::SoakArgs),
    /// Measure how steady the shown answer is on clips and synthetic scenes
    Steadiness(steadiness::SteadinessArgs),
    /// Cut the power, kill, fill the disk and damage files while a badge is updated, and check that it still works
    Faults(faults::FaultsArgs),
    /// Roll a new bundle out to thousands of simulated badges with faults, and check that each runs it or the previous
    /// one
    Fleet(fleet::FleetArgs),
    /// Fuzz everything that reads bytes from outside with libFuzzer; needs a C++ compiler
    Fuzz(fuzz::FuzzArgs),
    /// Write man pages and shell completions of both programs
    Manual(manual::ManualArgs),
    /// Make the files of a release: packages, archives, hashes, licences, bills of materials
    Release(release::ReleaseArgs),
    /// Install, upgrade, remove and purge the badge's package in bare Debian systems, also in a virtual board with systemd;
    /// needs root and mmdebstrap
    InstallTest(install_test::InstallTestArgs),
    /// Make a release from two folders, and check that both are identical; takes long
    Reproducible(reproducible::ReproducibleArgs),
    /// Run all long checks: long property tests, the dist build and its bench, the soak, the faults, the fleet, builds
    /// for boards, virtual machines, instructions
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
