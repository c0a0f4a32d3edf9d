//! The programs of a release: built without paths and names of this computer, so that the same sources give the same
//! bytes elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emocue_models::failure::Problem;

use super::platform::{Facts, Platform, Program};
use super::source::Sources;
use crate::Result;
use crate::cargo::{Profile, cargo, check, root, target_folder};
use crate::cross::{self, elf, toolchain};

/// The target folder for a platform's release programs, which no other build uses.
pub(crate) fn folder(platform: Platform, profile: Profile) -> PathBuf {
    let facts = platform.facts();
    target(platform).join(facts.triple).join(profile.name())
}

fn target(platform: Platform) -> PathBuf {
    target_folder().join("release-build").join(platform.facts().debian)
}

/// Checks that everything that a build for a platform needs is installed.
pub(crate) fn check_compilers(platform: Platform) -> Result<()> {
    let board = platform.facts().board;
    board.map_or(Ok(()), |board| cross::toolchain::cargo(board, cross::toolchain::BUILD).map(drop))
}

/// Builds programs of a platform, or checks that they exist, and returns their folder.
pub(crate) fn programs(
    platform: Platform,
    programs: &[Program],
    profile: Profile,
    sources: &Sources,
    no_build: bool,
) -> Result<PathBuf> {
    let facts = platform.facts();
    let folder = folder(platform, profile);
    if !no_build {
        for program in programs {
            // One cargo call per program: in one call, features would be unified.
            let mut build = match facts.board {
                Some(board) => cross::toolchain::cargo(board, cross::toolchain::BUILD)?,
                None => {
                    let mut build = cargo();
                    build.args(["build", "--target", facts.triple]);
                    build
                }
            };
            build.args(["--locked", "--bins", "--profile", profile.name()]);
            build.args(["--package", program.built.package]);
            build.args(["--features", program.built.features]);
            let paths = paths(facts, &target(platform))?;
            reproducible(&mut build, profile, sources, &paths);
            check(build.env("CARGO_TARGET_DIR", target(platform)))?;
            no_path(&folder.join(program.name), &paths)?;
        }
    }
    for program in programs {
        let file = folder.join(program.name);
        if !file.is_file() {
            return Err(Problem::usage(format!("no {} in {}", program.name, folder.display()))
                .help("Leave --no-build out, and it is built.")
                .into());
        }
        let oldest = if facts.board.is_some() { elf::OLDEST } else { elf::COMPUTERS };
        cross::audit(facts.tool("readelf"), oldest, &file)?;
    }
    Ok(folder)
}

/// Folders of this computer, and what programs have in their place. A later one has precedence.
fn paths(facts: &Facts, target: &Path) -> Result<[(PathBuf, String); 4]> {
    let compiler = toolchain::Compiler::for_board(facts.board)?;
    Ok([
        (cargo_home()?, "/cargo".to_owned()),
        // Where the sources of the standard library are installed, rustc names them by their place.
        (compiler.sources, format!("/rustc/{}", compiler.commit)),
        (root().to_owned(), "/emocue".to_owned()),
        (target.to_owned(), "/target".to_owned()),
    ])
}

/// Replaces paths of this computer by paths that are the same everywhere.
fn reproducible(
    build: &mut Command,
    profile: Profile,
    sources: &Sources,
    paths: &[(PathBuf, String)],
) {
    let mut flags: Vec<String> = profile.flags().iter().map(|flag| (*flag).to_owned()).collect();
    let mut c_flags = vec!["-g0".to_owned()];
    for (from, to) in paths {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        c_flags.push(format!("-ffile-prefix-map={}={to}", from.display()));
    }
    build
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .env("CARGO_INCREMENTAL", "0")
        .env("CFLAGS", c_flags.join(" "))
        .env("SOURCE_DATE_EPOCH", sources.time.to_string());
}

/// Checks that a program contains none of these folders.
fn no_path(program: &Path, paths: &[(PathBuf, String)]) -> Result<()> {
    let bytes = fs::read(program)?;
    for (path, _) in paths {
        let path_bytes = path.as_os_str().as_encoded_bytes();
        if bytes.windows(path_bytes.len()).any(|part| part == path_bytes) {
            let message = format!("{} contains the path {}", program.display(), path.display());
            return Err(Problem::new(message)
                .help("Builds in other folders would differ: map the path in tools/src/release/build.rs.")
                .into());
        }
    }
    Ok(())
}

fn cargo_home() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = folder("CARGO_HOME").or_else(|| folder("HOME").map(|home| home.join(".cargo")));
    Ok(home.ok_or("neither CARGO_HOME nor HOME is set")?)
}

/// Strips a program's symbols; writes the result to `to`.
pub(crate) fn strip(facts: &Facts, program: &Path, to: &Path) -> Result<()> {
    check(facts.tool("strip").arg("-o").args([to, program]))
}
