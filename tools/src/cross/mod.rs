//! `cargo xtask cross`: the badge for ARM boards, with Debian's compilers and Zig, without containers.

pub(crate) mod elf;
pub(crate) mod toolchain;
mod zig;

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};

use crate::Result;
use crate::cargo::{Profile, check, output, root};
use elf::Glibc;

/// A processor and its system, as compilers name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BoardTarget {
    /// Raspberry Pi Zero 2 W, 3, 4, 5 with a 64-bit system; Jetson Nano and Orin
    Aarch64,
    /// Raspberry Pi 2, 3, 4 and Zero 2 W with a 32-bit system
    Armv7,
}

impl BoardTarget {
    /// Rust target triple.
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64-unknown-linux-gnu",
            Self::Armv7 => "armv7-unknown-linux-gnueabihf",
        }
    }

    /// GNU target triple: prefix of the cross tools and name of the C library's folder.
    fn gnu(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64-linux-gnu",
            Self::Armv7 => "arm-linux-gnueabihf",
        }
    }

    /// A GNU cross tool for this target: `gcc`, `readelf`, `strip`.
    pub(crate) fn tool(self, name: &str) -> Command {
        Command::new(format!("{}-{name}", self.gnu()))
    }

    /// Path of a file of the target's C library, from the compiler.
    pub(crate) fn library(self, name: &str) -> Result<PathBuf> {
        let path = output(self.tool("gcc").arg(format!("-print-file-name={name}")))?;
        let path = PathBuf::from(path.trim());
        // The compiler prints an unknown name unchanged.
        if path.is_absolute() { Ok(path) } else { Err(format!("no {name} for {self:?}").into()) }
    }
}

/// Options of `cargo xtask cross`.
#[derive(Args)]
pub(crate) struct CrossArgs {
    /// Which boards to build for
    #[arg(long, value_enum, default_value = "aarch64")]
    pub(crate) target: BoardTarget,
    /// The build profile; boards get `dist`
    #[arg(long, value_enum, default_value = "dist")]
    pub(crate) profile: Profile,
    /// Install what is missing with apt-get, with sudo if needed, and pip
    #[arg(long)]
    pub(crate) install: bool,
}

/// Builds the badge with the `board` feature and prints its size and the systems that it runs on.
pub(crate) fn run(args: &CrossArgs) -> Result<()> {
    if args.install {
        toolchain::install(args.target)?;
    }
    let folder = build(args.target, args.profile, &BADGE)?;
    let badge = folder.join("emocue-badge");
    println!("{}", badge.display());
    println!(
        "  {:.1} MB stripped, the bundle inside it",
        stripped_size(args.target, &badge)? / 1e6
    );
    println!("  needs glibc {}", audit(args.target.tool("readelf"), elf::OLDEST, &badge)?);
    let wide = args.target == BoardTarget::Aarch64;
    for release in elf::RELEASES.iter().filter(|release| wide || release.has_32_bit) {
        println!("    runs on {} (glibc {})", release.name, release.glibc);
    }
    Ok(())
}

/// The glibc version that a program's symbols require.
///
/// # Errors
/// When it is newer than `oldest`, or the program requires none.
pub(crate) fn audit(mut readelf: Command, oldest: Glibc, program: &Path) -> Result<Glibc> {
    let versions = output(readelf.args(["--version-info", "--wide"]).arg(program))?;
    let needed = elf::glibc(&versions)
        .ok_or_else(|| format!("{}: linked to no glibc", program.display()))?;
    if needed > oldest {
        let program = program.display();
        return Err(
            format!("{program} needs glibc {needed}, systems to run on have {oldest}").into()
        );
    }
    Ok(needed)
}

/// A crate and its features, built for a board.
pub(crate) struct Built {
    pub(crate) package: &'static str,
    pub(crate) features: &'static str,
}

/// The badge's crate and features for a board.
pub(crate) const BADGE: [Built; 1] =
    [Built { package: "emocue-device", features: "emocue-device/board" }];

/// Builds the programs with one cargo call and returns their folder.
///
/// # Errors
/// When a compiler is missing (the error says how to install it), or compilation fails.
pub(crate) fn build(target: BoardTarget, profile: Profile, what: &[Built]) -> Result<PathBuf> {
    let mut cargo = toolchain::cargo(target, toolchain::BUILD)?;
    cargo.args(["--bins", "--profile", profile.name()]);
    if !profile.flags().is_empty() {
        cargo.env("CARGO_ENCODED_RUSTFLAGS", profile.flags().join("\u{1f}"));
    }
    for built in what {
        cargo.args(["--package", built.package, "--features", built.features]);
    }
    check(&mut cargo)?;
    Ok(folder(target).join(target.triple()).join(profile.name()))
}

/// A separate target folder for each compiler. A compiler that also builds the standard library needs an environment
/// variable on which build scripts depend; in a shared folder everything would be built again.
fn folder(target: BoardTarget) -> PathBuf {
    let usual = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(usual).join(match target {
        BoardTarget::Aarch64 => "cross",
        BoardTarget::Armv7 => "cross-armv7",
    })
}

/// Size of the stripped program, bytes.
fn stripped_size(target: BoardTarget, program: &Path) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let stripped = folder.path().join("stripped");
    output(target.tool("strip").arg("-o").args([stripped.as_path(), program]))?;
    Ok(std::fs::metadata(&stripped)?.len() as f64)
}
