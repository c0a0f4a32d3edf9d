//! Zig as the linker: it links against an old version of the C library, so that one program runs on all later systems.
//!
//! [cargo-zigbuild](https://github.com/rust-cross/cargo-zigbuild) calls it; both are installed from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::elf;
use crate::Result;
use crate::cargo::{cache, check, output, root};

/// The packages that `--install` installs, a line each; a version found in `PATH` may differ.
const PACKAGES: &str = include_str!("requirements.txt");

/// The virtual environment of `--install`. Below the workspace, Zig would print paths of its headers relative to it,
/// and build scripts run in other folders.
fn venv() -> Result<PathBuf> {
    Ok(cache()?.join("zig"))
}

/// Installs them in the virtual environment.
pub(super) fn install() -> Result<()> {
    let venv = venv()?;
    let packages = PACKAGES.lines();
    println!("{}: {}", venv.display(), packages.clone().collect::<Vec<_>>().join(", "));
    check(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    check(Command::new(venv.join("bin/pip")).args(["install", "--quiet"]).args(packages))
}

/// The command for users who install them themselves.
pub(super) fn advice() -> String {
    format!("pipx install --include-deps {}", PACKAGES.lines().next().unwrap_or_default())
}

/// `cargo` with a verb of cargo-zigbuild, `zigbuild` or `test`; `None` when it is not installed.
pub(super) fn cargo(triple: &str, verb: &str) -> Option<Command> {
    let bin = venv().ok()?.join("bin");
    let ours = bin.join("cargo-zigbuild");
    let program = if ours.is_file() { ours.as_path() } else { Path::new("cargo-zigbuild") };
    let mut cargo = Command::new(program);
    if program == ours {
        // cargo-zigbuild searches `PATH` for a Python that has the package `ziglang`.
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(bin).chain(std::env::split_paths(&usual));
        cargo.env("PATH", std::env::join_paths(path).ok()?);
    }
    let there = output(Command::new(program).arg("--version")).is_ok();
    cargo.current_dir(root()).arg(verb).arg("--target").arg(format!("{triple}.{}", elf::OLDEST));
    there.then_some(cargo)
}
