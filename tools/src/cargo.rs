//! Running cargo and other programs in the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::Result;

/// How the badge is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Quick to build; for the tests and the demo
    Release,
    /// Fat LTO, takes minutes; for boards
    Dist,
}

impl Profile {
    /// Its name for cargo and in the target folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }

    /// Compiler flags that a profile cannot set. `dist` aborts on a panic and has no symbols, so it needs no unwind
    /// tables (0.3 MB).
    pub(crate) fn flags(self) -> &'static [&'static str] {
        match self {
            Self::Release => &[],
            Self::Dist => &["-Cforce-unwind-tables=no"],
        }
    }
}

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR"));
    tools.parent().unwrap_or(tools)
}

/// Cache folder for downloads: `$XDG_CACHE_HOME/emocue`, or `~/.cache/emocue`.
pub(crate) fn cache() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    let cache = cache.ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("emocue");
    std::fs::create_dir_all(&cache).map_err(|e| format!("{}: {e}", cache.display()))?;
    Ok(cache)
}

/// The cargo that runs this, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Runs `command` with the output to the terminal.
pub(crate) fn check(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|e| format!("cannot start {command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

/// Runs `command` and returns its standard output; its standard error goes to the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot start {command:?}: {e}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Builds the badge's program.
pub(crate) fn build_badge(profile: Profile) -> Result<()> {
    check(cargo().args(["build", "--package", "emocue-device", "--profile", profile.name()]))
}

/// Cargo's target folder.
pub(crate) fn target_folder() -> PathBuf {
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(folder)
}

/// Path of the built badge program.
pub(crate) fn badge(profile: Profile) -> PathBuf {
    let name = format!("emocue-badge{}", std::env::consts::EXE_SUFFIX);
    target_folder().join(profile.name()).join(name)
}
