//! The manual of `emocue-badge`, written into a folder: `cargo xtask manual`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use emocue_device::cli::Cli;

fn main() -> ExitCode {
    emocue_manual::main(Cli::command())
}
