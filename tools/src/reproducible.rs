//! `cargo xtask reproducible`: checks that two copies of the last commit, in folders with different names, give the
//! same release.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum as _};
use emocue_models::failure::Problem;

use crate::Result;
use crate::cargo::{check, output, root, target_folder};
use crate::release::SUMS;
use crate::release::platform::Platform;

/// Options of `cargo xtask reproducible`.
#[derive(Args)]
pub(crate) struct ReproducibleArgs {
    /// Only for this kind of machine; repeatable
    #[arg(long, value_enum)]
    only: Vec<Platform>,
    /// Keep both copies
    #[arg(long)]
    keep: bool,
}

/// Names of different lengths, so that an embedded path causes a difference.
const NAMES: [&str; 2] = ["one", "a-second-folder"];

/// Makes a release twice and compares the hashes of all files.
pub(crate) fn run(args: &ReproducibleArgs) -> Result<()> {
    let above = target_folder().join("reproducible");
    if above.exists() {
        return Err(Problem::usage(format!("{} is there already", above.display()))
            .help("An earlier run left or kept it: remove it.")
            .into());
    }
    fs::create_dir_all(&above)?;
    let mut sums = Vec::new();
    for name in NAMES {
        let copy = above.join(name);
        println!("{}", copy.display());
        check(Command::new("git").args(["clone", "--quiet", "--shared"]).args([root(), &copy]))?;
        sums.push(release(&copy, &args.only)?);
        if !args.keep {
            fs::remove_dir_all(&copy)?;
        }
    }
    let differ: Vec<_> =
        sums[0].lines().filter(|line| !sums[1].lines().any(|other| other == *line)).collect();
    if differ.is_empty() && sums[0] == sums[1] {
        println!("{}the same from both folders", sums[0]);
        if !args.keep {
            fs::remove_dir(&above)?;
        }
        return Ok(());
    }
    let differ: Vec<_> = differ.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    Err(Problem::new(format!("not the same from both folders: {}", differ.join(", ")))
        .help("Keep both with --keep, and compare them, with diffoscope or by hand.")
        .into())
}

/// Makes a release in a copy of the sources, and returns its list of hashes.
fn release(copy: &Path, only: &[Platform]) -> Result<String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut release = Command::new(program);
    release.current_dir(copy).env_remove("CARGO_TARGET_DIR").args(["xtask", "release"]);
    for platform in only {
        let value = platform.to_possible_value().ok_or("a platform without a name")?;
        release.args(["--only", value.get_name()]);
    }
    output(&mut release)?;
    let sums: PathBuf = copy.join("target/release-files").join(SUMS);
    Ok(fs::read_to_string(sums)?)
}
