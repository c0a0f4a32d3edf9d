//! The manual of `emocue`, written into a folder: `cargo xtask manual`.

use std::process::ExitCode;

use clap::CommandFactory as _;
use emocue_host::cli::Cli;

fn main() -> ExitCode {
    emocue_manual::main(Cli::command())
}
