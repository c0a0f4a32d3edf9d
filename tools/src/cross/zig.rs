//! Zig as the linker: it links against the C library of an old system, so that one program runs on all later ones.
//!
//! [cargo-zigbuild](https://github.com/rust-cross/cargo-zigbuild) calls it, and both come from PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::elf;
use crate::Result;
use crate::cargo::{cache, check, output, root};

/// Those that are installed; one in `PATH` may be another.
const PACKAGES: [&str; 2] = ["cargo-zigbuild==0.24.1", "ziglang==0.13.0.post1"];

/// Where `--install` puts them. Below the workspace, Zig would tell the paths of its headers relative to it, and build
/// scripts run elsewhere.
fn venv() -> Result<PathBuf> {
    Ok(cache()?.join("zig"))
}

/// Installs them for these tools alone.
pub(super) fn install() -> Result<()> {
    let venv = venv()?;
    println!("{}: {}", venv.display(), PACKAGES.join(", "));
    check(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    check(Command::new(venv.join("bin/pip")).args(["install", "--quiet"]).args(PACKAGES))
}

/// What installs them for everybody who reads it.
pub(super) fn advice() -> String {
    format!("pipx install --include-deps {}", PACKAGES[0])
}

/// `cargo` with one of cargo-zigbuild's verbs, `zigbuild` or `test`; `None` where it is not installed.
pub(super) fn cargo(triple: &str, verb: &str) -> Option<Command> {
    let bin = venv().ok()?.join("bin");
    let ours = bin.join("cargo-zigbuild");
    let program = if ours.is_file() { ours.as_path() } else { Path::new("cargo-zigbuild") };
    let mut cargo = Command::new(program);
    if program == ours {
        // It looks there for a Python that has Zig.
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(bin).chain(std::env::split_paths(&usual));
        cargo.env("PATH", std::env::join_paths(path).ok()?);
    }
    let there = output(Command::new(program).arg("--version")).is_ok();
    cargo.current_dir(root()).arg(verb).arg("--target").arg(format!("{triple}.{}", elf::OLDEST));
    there.then_some(cargo)
}
