//! `cargo xtask install-test`: the badge's package in bare Debian systems without a network: installed, used, upgraded,
//! removed and purged, and refused where required. Systems for computers are folders; the system for boards is on the
//! disk of a virtual machine, where systemd runs.

mod disk;
mod machine;
mod packages;
mod root;
mod steps;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};
use emocue_models::failure::Problem;
use serde::Deserialize;

use crate::Result;
use crate::cargo::{output, target_folder};
use crate::cross::{self, BoardTarget};
use crate::release::deb;
use crate::release::platform::Platform;
use crate::scratch::Scratch;
use crate::virtual_badge;
use machine::Booted;
use root::Root;
use steps::Step;

/// Options of `cargo xtask install-test`.
#[derive(Args)]
pub(crate) struct InstallTestArgs {
    /// Only in this system; repeatable (default: those for computers)
    #[arg(long, value_enum, value_name = "SYSTEM")]
    on: Vec<System>,
    /// Package the program in this folder, and use the manual's example there (for a board's program, that in
    /// target/release), instead of building
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Install what is missing with apt-get, with sudo if needed
    #[arg(long)]
    install: bool,
}

impl InstallTestArgs {
    /// The full test in every system, with newly built programs.
    pub(crate) fn every(install: bool) -> Self {
        Self { on: System::value_variants().to_vec(), programs: None, install }
    }
}

/// A Debian system to install into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum System {
    /// Only what every Debian has, so no systemd
    Bare,
    /// With systemd, which does not run, as when an image is made
    Systemd,
    /// For boards (arm64), on the disk of a virtual machine, where systemd runs
    Disk,
}

impl System {
    /// The platform of the package for it.
    fn platform(self) -> Platform {
        match self {
            Self::Bare | Self::Systemd => Platform::Amd64,
            Self::Disk => Platform::Arm64,
        }
    }

    /// Its name in file names.
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Systemd => "systemd",
            Self::Disk => "disk",
        }
    }
}

/// Result of a command in a system.
struct Done {
    works: bool,
    /// Its standard output and standard error.
    text: String,
}

/// A system to install into.
trait Place {
    /// Runs shell commands in it as root, up to the first failure.
    fn run(&mut self, command: &str) -> Result<Done>;

    /// Additional information about a failed step.
    fn hints(&mut self) -> String {
        String::new()
    }
}

/// Makes the packages, and installs them in each kind of system.
pub(crate) fn run(args: &InstallTestArgs) -> Result<()> {
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(Problem::usage("a system to install into needs root")
            .help("Run it as root in a virtual machine or a container, or with sudo.")
            .into());
    }
    let systems = match &args.on[..] {
        [] => &[System::Bare, System::Systemd],
        on => on,
    };
    let on = |platform| systems.iter().copied().filter(move |on| on.platform() == platform);
    let boards = on(Platform::Arm64).count();
    if args.programs.is_some() && ![0, systems.len()].contains(&boards) {
        return Err(Problem::usage("a folder has programs of one kind of machine")
            .help("Give --programs with --on disk, or with --on bare and --on systemd.")
            .into());
    }
    if args.install {
        root::install()?;
        if boards > 0 {
            cross::toolchain::install(BoardTarget::Aarch64)?;
            virtual_badge::machine::install()?;
        }
    }
    let folder = target_folder().join("install-test");
    fs::create_dir_all(&folder)?;
    let mut passed = 0;
    for platform in [Platform::Amd64, Platform::Arm64] {
        if on(platform).count() == 0 {
            continue;
        }
        let packages = Scratch::new(".packages-", &folder)?;
        let newer = packages::make(platform, args.programs.as_deref(), packages.path())?;
        deb::lint(&newer)?;
        println!("lintian has no error and no warning");
        for system in on(platform) {
            passed += install_in(system, &folder, packages.path())?;
        }
    }
    println!("\n{passed} steps, all as expected");
    Ok(())
}

/// Runs every step in a system, and returns the number of steps.
fn install_in(system: System, folder: &Path, packages: &Path) -> Result<usize> {
    println!("\n{}, Debian {}", system.name(), root::suite()?);
    let mut place: Box<dyn Place> = match system {
        System::Bare => Box::new(Root::new(system.name(), "", folder, packages)?),
        System::Systemd => Box::new(Root::new(system.name(), "systemd,udev", folder, packages)?),
        System::Disk => Box::new(Booted::new(folder, packages, &folder.join("logs"))?),
    };
    let steps = steps::of(system)?;
    steps.iter().try_for_each(|step| take(place.as_mut(), step))?;
    Ok(steps.len())
}

/// Runs and prints a step, and compares the result with the expected one.
fn take(place: &mut dyn Place, step: &Step) -> Result<()> {
    println!("  {}", step.says);
    let done = place.run(&step.run)?;
    for line in done.text.lines() {
        println!("      {line}");
    }
    let missing: Vec<_> = step.words.iter().filter(|word| !done.text.contains(*word)).collect();
    if done.works != step.fails && missing.is_empty() {
        return Ok(());
    }
    for line in place.hints().lines() {
        println!("      hint: {line}");
    }
    let wanted = if step.fails { "fails" } else { "succeeds" };
    let ended = if done.works { "succeeded" } else { "failed" };
    let message =
        format!("{:?}: expected that it {wanted}; it {ended}, without {missing:?}", step.says);
    Err(Problem::new(message).help("The step is in tools/src/install_test/steps.toml.").into())
}
