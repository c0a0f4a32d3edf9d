//! Compilers for a board: the Rust toolchain that runs this program, or Debian's, with Zig as the linker.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{BoardTarget, folder, zig};
use crate::Result;
use crate::cargo::{check, output, root};

/// The verb for `cargo build`; see [`cargo`].
pub(crate) const BUILD: &str = "zigbuild";
/// The verb for `cargo test`; see [`cargo`].
pub(crate) const TEST: &str = "test";

/// Debian's packages `cargo-web` and `rustc-web`, newer than its other Rust packages.
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

impl BoardTarget {
    /// Debian's name of the architecture, if Debian packages a compiled standard library for it. On 32-bit ARM not
    /// every version has one, so it is compiled from `rust-web-src`.
    fn debian(self) -> Option<&'static str> {
        match self {
            Self::Aarch64 => Some("arm64"),
            Self::Armv7 => None,
        }
    }

    /// The Debian packages that a build needs.
    fn packages(self) -> Vec<String> {
        let (gnu, libc) = match self {
            Self::Aarch64 => ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
            Self::Armv7 => ("gcc-arm-linux-gnueabihf", "libc6-dev-armhf-cross"),
        };
        let std = self.debian().map_or_else(
            || "rust-web-src".to_owned(),
            |architecture| format!("libstd-rust-web-dev:{architecture}"),
        );
        ["rustc-web", "cargo-web", &std, gnu, libc, "libclang1", "python3-venv"]
            .map(str::to_owned)
            .into()
    }

    /// The commands that install everything on Debian.
    fn install_script(self, sudo: &str) -> String {
        let architecture = self.debian().map_or_else(String::new, |architecture| {
            format!("{sudo}dpkg --add-architecture {architecture} && ")
        });
        format!(
            "{architecture}{sudo}apt-get update && \
             {sudo}apt-get install --yes --no-install-recommends {}",
            self.packages().join(" ")
        )
    }
}

/// Installs what [`cargo`] needs, unless it is installed.
pub(crate) fn install(target: BoardTarget) -> Result<()> {
    if !missing(target).is_empty() {
        as_root(|sudo| target.install_script(sudo))?;
    }
    if zig::cargo(target.triple(), BUILD).is_none() {
        zig::install()?;
    }
    Ok(())
}

/// Runs a shell script; `script` gets `sudo ` as a prefix for its commands, or nothing for root.
pub(crate) fn as_root(script: impl FnOnce(&str) -> String) -> Result<()> {
    let root = output(Command::new("id").arg("-u"))?.trim() == "0";
    let script = script(if root { "" } else { "sudo " });
    println!("{script}");
    check(Command::new("sh").args(["-c", &script]))
}

/// A cargo command that compiles for `target` and links against the oldest C library of boards, with its own target
/// folder. `verb` is [`BUILD`] or [`TEST`]; its options follow, all but `--target`.
pub(crate) fn cargo(target: BoardTarget, verb: &str) -> Result<Command> {
    let mut missing = missing(target);
    match zig::cargo(target.triple(), verb) {
        Some(mut cargo) if missing.is_empty() => {
            choose_rust(&mut cargo, target);
            cargo.env("CARGO_TARGET_DIR", folder(target));
            if let Some(libclang) = libclang() {
                cargo.env("LIBCLANG_PATH", libclang);
            }
            Ok(cargo)
        }
        found => {
            if found.is_none() {
                missing.push("cargo-zigbuild, which links for older systems".to_owned());
            }
            Err(advice(target, &missing).into())
        }
    }
}

/// What is not installed, except Zig.
fn missing(target: BoardTarget) -> Vec<String> {
    let mut missing = Vec::new();
    if !is_there(target.tool("gcc").arg("--version")) {
        missing.push(format!("{}-gcc", target.gnu()));
    }
    if libclang().is_none() {
        missing.push("libclang, which reads the kernel's headers".to_owned());
    }
    if Rust::find(target).is_none() {
        missing.push(format!("a Rust standard library for {}", target.triple()));
    }
    missing
}

fn advice(target: BoardTarget, missing: &[String]) -> String {
    format!(
        "not here: {}\n  on Debian 12 and later, `cargo xtask cross --install` runs\n    {}\n  \
         and puts cargo-zigbuild into the user's cache; elsewhere, `{zig}`\n  \
         with rustup, `rustup target add {triple}` brings the standard library\n  \
         in a container, `cross build --profile dist --package emocue-device --features \
         emocue-device/board --target {triple}` brings all",
        missing.join("; "),
        target.install_script(""),
        zig = zig::advice(),
        triple = target.triple()
    )
}

/// Facts about the Rust compiler of a build.
pub(crate) struct Compiler {
    /// What `rustc --version` prints.
    pub(crate) version: String,
    /// The commit of its sources, or its version if it tells none.
    pub(crate) commit: String,
    /// The folder of the standard library's sources, which may not exist.
    pub(crate) sources: PathBuf,
}

impl Compiler {
    /// The compiler for a board, or for this computer.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn for_board(board: Option<BoardTarget>) -> Result<Self> {
        let debian = board.is_some_and(|board| !matches!(Rust::find(board), Some(Rust::This)));
        let rustc = if debian { DEBIAN_RUSTC } else { "rustc" };
        let told =
            |arguments: &[&str]| output(Command::new(rustc).current_dir(root()).args(arguments));
        let all = told(&["--version", "--verbose"])?;
        let fact = |name: &str| all.lines().find_map(|line| line.strip_prefix(name));
        let commit = fact("commit-hash: ").filter(|hash| *hash != "unknown");
        Ok(Self {
            version: all.lines().next().unwrap_or_default().to_owned(),
            commit: commit.or(fact("release: ")).unwrap_or_default().to_owned(),
            sources: Path::new(told(&["--print", "sysroot"])?.trim()).join("lib/rustlib/src/rust"),
        })
    }
}

/// The Rust toolchain.
enum Rust {
    /// The toolchain that runs this program.
    This,
    /// Debian's.
    Debian,
    /// Debian's, which also compiles the standard library.
    DebianWithStd,
}

impl Rust {
    /// The first that can compile for `target`.
    fn find(target: BoardTarget) -> Option<Self> {
        if has_std(Command::new("rustc").current_dir(root()), target) {
            return Some(Self::This);
        }
        if has_std(&mut Command::new(DEBIAN_RUSTC), target) {
            return Some(Self::Debian);
        }
        let sources = sysroot()?.join("lib/rustlib/src/rust/library/std");
        (target.debian().is_none() && sources.is_dir()).then_some(Self::DebianWithStd)
    }
}

fn choose_rust(cargo: &mut Command, target: BoardTarget) {
    let Some(rust @ (Rust::Debian | Rust::DebianWithStd)) = Rust::find(target) else { return };
    // Under rustup, these would select rustup's compiler again.
    cargo.env_remove("RUSTUP_TOOLCHAIN").env("CARGO", DEBIAN_CARGO);
    cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTDOC", "/usr/bin/rustdoc");
    if matches!(rust, Rust::DebianWithStd) {
        // A distribution's stable compiler accepts this nightly flag only with this variable.
        cargo.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
    }
}

fn sysroot() -> Option<PathBuf> {
    let printed = printed(Command::new(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
    Some(PathBuf::from(printed.trim()))
}

fn has_std(rustc: &mut Command, target: BoardTarget) -> bool {
    rustc.args(["--print", "target-libdir", "--target", target.triple()]);
    let folder = printed(rustc).map(|folder| std::fs::read_dir(folder.trim()));
    let Some(Ok(files)) = folder else { return false };
    files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
}

/// The output of `command`, if it can be run and succeeds.
fn printed(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn is_there(command: &mut Command) -> bool {
    printed(command).is_some()
}

/// The folder of libclang, found in the same way as bindgen finds it.
fn libclang() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("LIBCLANG_PATH") {
        return Some(folder.into());
    }
    let has_it = |folder: &Path| {
        let files = std::fs::read_dir(folder).ok()?;
        let mut names = files.flatten().map(|file| file.file_name());
        // (libclang-cpp is another library)
        let is_it = |name: &str| name.starts_with("libclang") && !name.starts_with("libclang-cpp");
        names.any(|name| is_it(&name.to_string_lossy())).then(|| folder.to_owned())
    };
    let versions = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let versions = versions.filter(|file| file.file_name().to_string_lossy().starts_with("llvm-"));
    let mut folders: Vec<_> =
        versions.filter_map(|file| has_it(&file.path().join("lib"))).collect();
    folders.sort();
    folders.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_compiler_comes_with_the_command_that_installs_it() {
        let advice = advice(BoardTarget::Aarch64, &["aarch64-linux-gnu-gcc".to_owned()]);
        for part in [
            "not here: aarch64-linux-gnu-gcc\n",
            "dpkg --add-architecture arm64 && apt-get update",
            "libstd-rust-web-dev:arm64",
            "rustup target add aarch64-unknown-linux-gnu",
            "pipx install --include-deps cargo-zigbuild",
            "cross build",
        ] {
            assert!(advice.contains(part), "{part}: {advice}");
        }
        let script = BoardTarget::Armv7.install_script("sudo ");
        assert!(script.starts_with("sudo apt-get update"), "{script}");
        assert!(script.contains("rust-web-src gcc-arm-linux-gnueabihf"), "{script}");
    }
}
