//! Writes the manual of `emocue` into a folder; run by `cargo xtask manual`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use emocue_host::cli::Cli;

fn main() -> ExitCode {
    emocue_manual::main(Cli::command())
}
