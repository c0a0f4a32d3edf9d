//! `emocue doctor`: checks this computer's prerequisites.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::doctor::examine;
use crate::output::out;

/// Check what this computer has for training and flashing, and print how to install what is missing.
///
/// The exit code is 1 if something is installed but does not work. What is missing is only a note.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Folder of the datasets [default: the one that EMOCUE_DATA names]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the findings; the exit code tells whether there is a problem.
pub fn run(args: &DoctorArgs) -> ExitCode {
    let named = std::env::var_os("EMOCUE_DATA").filter(|folder| !folder.is_empty());
    let data = args.data.clone().or_else(|| named.map(PathBuf::from));
    let findings = examine(data.as_deref());
    let mut text = Vec::new();
    let written = match args.json {
        true => findings.write_json(&mut text),
        false => findings.write_lines(&mut text),
    };
    debug_assert!(written.is_ok(), "memory takes every text");
    out!("{}", String::from_utf8_lossy(&text));
    ExitCode::from(u8::from(findings.problems() > 0))
}
