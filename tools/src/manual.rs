//! `cargo xtask manual`: man pages and shell completions of both programs, by the example of each crate that knows its
//! command line.

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
    /// Folder to write into; target/manual where none is given
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Use the examples below this folder, such as target/release, instead of building them
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

/// Writes the manual of both programs, each into a folder of its own, and says where.
pub(crate) fn run(args: &ManualArgs) -> Result<()> {
    let output = args.output.clone().unwrap_or_else(|| target_folder().join("manual"));
    for program in [BADGE, COMPANION] {
        let share = write(program, &output, args.programs.as_deref())?;
        println!("{}", share.display());
    }
    println!("read a page with `man -l FILE`");
    Ok(())
}

/// Writes the manual of one program below `folder` and returns what stands for `/usr/share` there. `built` is where
/// examples were built already.
pub(crate) fn write(program: &str, folder: &Path, built: Option<&Path>) -> Result<PathBuf> {
    let manual = MANUALS.iter().find(|manual| manual.program == program);
    let Manual { package, example, .. } =
        manual.ok_or_else(|| format!("no manual of {program}"))?;
    let share = folder.join(program).join("share");
    // A page of a verb that is gone would stay.
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
