//! `cargo xtask reproducible`: checks that two copies of the last commit give the same release: in folders with
//! different names, by different users with their own home folder, time zone and file mode mask.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum as _};
use emocue_models::failure::Problem;

use crate::Result;
use crate::cargo::{cargo, check, output, root, target_folder};
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

impl ReproducibleArgs {
    /// The smallest release: the badge for one board.
    pub(crate) fn brief() -> Self {
        Self { only: vec![Platform::Armhf], keep: false }
    }
}

/// Names of different lengths, so that an embedded path causes a difference.
const NAMES: [&str; 2] = ["one", "a-second-folder"];

/// User and group of the second build, by number.
const OTHER_USER: [&str; 3] = ["--user", "--map-user=4321", "--map-group=4321"];

/// Makes a release twice and compares the hashes of all files.
pub(crate) fn run(args: &ReproducibleArgs) -> Result<()> {
    let above = target_folder().join("reproducible");
    if above.exists() {
        return Err(Problem::usage(format!("{} is there already", above.display()))
            .help("An earlier run left or kept it: remove it.")
            .into());
    }
    fs::create_dir_all(&above)?;
    let copies = NAMES.map(|name| above.join(name));
    let home = above.join("home-of-another-user");
    let mut sums = Vec::new();
    for (copy, build) in copies.iter().zip([this_user(), another_user(&home)?]) {
        println!("{}", copy.display());
        check(Command::new("git").args(["clone", "--quiet", "--shared"]).args([root(), copy]))?;
        sums.push(release(build, copy, &args.only)?);
        if !args.keep {
            fs::remove_dir_all(copy)?;
        }
    }
    let differ: Vec<_> =
        sums[0].lines().filter(|line| !sums[1].lines().any(|other| other == *line)).collect();
    if differ.is_empty() && sums[0] == sums[1] {
        println!("{}the same from both folders", sums[0]);
        if !args.keep {
            fs::remove_dir_all(&above)?;
        }
        return Ok(());
    }
    let differ: Vec<_> = differ.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    Err(Problem::new(format!("not the same from both folders: {}", differ.join(", ")))
        .help("Keep both with --keep, and compare them, with diffoscope or by hand.")
        .into())
}

/// Cargo as it is here.
fn this_user() -> Command {
    Command::new(cargo().get_program())
}

/// Cargo for a user with another number, name, home, time zone and mode mask. Of this user's home it has what a build
/// reads, as links.
fn another_user(home: &Path) -> Result<Command> {
    fs::create_dir(home)?;
    for (variable, folder) in FOLDERS {
        let there = match std::env::var_os(variable) {
            Some(there) => PathBuf::from(there),
            None => PathBuf::from(std::env::var_os("HOME").ok_or("HOME is not set")?).join(folder),
        };
        fs::create_dir_all(&there)?;
        symlink(&there, home.join(folder))?;
    }
    let mut other = Command::new("unshare");
    other.args(OTHER_USER);
    let possible = Command::new("unshare").args(OTHER_USER).arg("true").status();
    if !possible.is_ok_and(|status| status.success()) {
        println!("no user namespaces here: the second build has the same user number");
        other = Command::new("env");
    }
    other.args(["sh", "-c", "umask 077; exec \"$@\"", "sh"]).arg(cargo().get_program());
    other.env("HOME", home).envs(FOLDERS.map(|(variable, folder)| (variable, home.join(folder))));
    other.envs([("USER", "somebody"), ("LOGNAME", "somebody"), ("TZ", "NZST-12")]);
    Ok(other)
}

/// Folders that a build reads in a home: the variable that names another one, and the name.
const FOLDERS: [(&str, &str); 3] =
    [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup"), ("XDG_CACHE_HOME", ".cache")];

/// Makes a release in a copy of the sources, and returns its list of hashes.
fn release(mut build: Command, copy: &Path, only: &[Platform]) -> Result<String> {
    build.current_dir(copy).env_remove("CARGO_TARGET_DIR").args(["xtask", "release"]);
    for platform in only {
        let value = platform.to_possible_value().ok_or("a platform without a name")?;
        build.args(["--only", value.get_name()]);
    }
    output(&mut build)?;
    let sums: PathBuf = copy.join("target/release-files").join(SUMS);
    Ok(fs::read_to_string(sums)?)
}
