//! `cargo xtask`: what the project does to itself.

mod bench;
mod budget;
mod calibration;
mod cargo;
mod full;
mod privacy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Everything that takes longer than a quick check: long property tests, the dist build, its bench
    Full,
}

/// What went wrong, ready to print.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Bench(args) => bench::run(&args),
        Task::Privacy => privacy::run(),
        Task::Full => full::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
