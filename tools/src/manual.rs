//! `cargo xtask manual`: man pages and shell completions of both programs, written by an example of each crate.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::Result;
use crate::cargo::{cargo, check, target_folder};

/// A program, and the example that writes its manual.
struct Manual {
    program: &'static str,
    package: &'static str,
    example: &'static str,
}

const MANUALS: [Manual; 2] = [
    Manual { program: BADGE, package: "emocue-device", example: "badge_manual" },
    Manual { program: COMPANION, package: "emocue-host", example: "companion_manual" },
];

/// The badge's program.
pub(crate) const BADGE: &str = "emocue-badge";

/// The host's program.
pub(crate) const COMPANION: &str = "emocue";

/// Options of `cargo xtask manual`.
#[derive(Args)]
pub(crate) struct ManualArgs {
    /// Folder to write into (default: target/manual)
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Use the examples below this folder, such as target/release, instead of building them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Writes the manual of both programs, each into a folder of its own, and prints the paths.
pub(crate) fn run(args: &ManualArgs) -> Result<()> {
    let output = args.output.clone().unwrap_or_else(|| target_folder().join("manual"));
    for program in [BADGE, COMPANION] {
        let share = write(program, &output, args.programs.as_deref())?;
        println!("{}", share.display());
    }
    println!("read a page with `man -l FILE`");
    Ok(())
}

/// Writes the manual of one program below `folder` and returns the folder that corresponds to `/usr/share`. `built` is
/// the folder of examples that were built before.
pub(crate) fn write(program: &str, folder: &Path, built: Option<&Path>) -> Result<PathBuf> {
    let manual = MANUALS.iter().find(|manual| manual.program == program);
    let Manual { package, example, .. } =
        manual.ok_or_else(|| format!("no manual of {program}"))?;
    let share = folder.join(program).join("share");
    // Removes pages of commands that no longer exist.
    if share.exists() {
        std::fs::remove_dir_all(&share)?;
    }
    let mut command = match built {
        Some(built) => Command::new(built.join("examples").join(example)),
        None => {
            let mut run = cargo();
            run.args(["run", "--quiet", "--release", "--package", package, "--example", example]);
            run.arg("--");
            run
        }
    };
    check(command.arg(&share))?;
    Ok(share)
}
