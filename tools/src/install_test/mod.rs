//! `cargo xtask install-test`: the badge's package in bare Debian systems without a network: installed, used, upgraded,
//! removed and purged, and refused where it must be.

mod root;
mod steps;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, ValueEnum};
use emocue_models::bundle::{Bundle, SecretKey};
use emocue_models::failure::Problem;
use serde::Deserialize;

use crate::cargo::{Profile, output, root as sources_root, target_folder};
use crate::release::deb::{self, Parts};
use crate::release::platform::Platform;
use crate::release::source::Sources;
use crate::release::{build, licences_of};
use crate::{Result, manual};
use root::Root;
use steps::Step;

/// Prints every file and folder of a system, but for what dpkg and its kin write for themselves.
const LIST: &str = include_str!("list.sh");

/// Packages that must be refused: what is changed in their description, from what, to what.
const OTHERS: [(&str, &str, &str); 2] = [
    ("foreign.deb", "Architecture: amd64", "Architecture: arm64"),
    ("later.deb", "libc6 (>= 2.", "libc6 (>= 9."),
];

/// Options of `cargo xtask install-test`.
#[derive(Args)]
pub(crate) struct InstallTestArgs {
    /// Package the program of this folder, and use the manual's example there, instead of building
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Install mmdebstrap with apt-get, through sudo where that is needed
    #[arg(long)]
    install: bool,
}

impl InstallTestArgs {
    /// The whole test of a program that is built for it.
    pub(crate) fn usual(install: bool) -> Self {
        Self { programs: None, install }
    }
}

/// A Debian system to install into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum System {
    /// Nothing but what every Debian has, so no systemd
    Bare,
    /// With systemd, which does not run: as where an image is made
    Systemd,
}

impl System {
    /// Its packages besides those of every Debian.
    fn packages(self) -> &'static str {
        match self {
            Self::Bare => "",
            Self::Systemd => "systemd,udev",
        }
    }

    /// Its name in file names.
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Systemd => "systemd",
        }
    }
}

/// Makes the packages, and installs them in each kind of system.
pub(crate) fn run(args: &InstallTestArgs) -> Result<()> {
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err(Problem::usage("a system to install into needs root")
            .help("Run it as root in a virtual machine or a container, or with sudo.")
            .into());
    }
    if args.install {
        root::install()?;
    }
    let folder = target_folder().join("install-test");
    fs::create_dir_all(&folder)?;
    let packages = tempfile::Builder::new().prefix(".packages-").tempdir_in(&folder)?;
    let newer = make_packages(args, packages.path())?;
    deb::lint(&newer)?;
    println!("lintian has no error and no warning");
    for system in System::value_variants() {
        println!("\n{}, Debian {}", system.name(), root::suite()?);
        let root = Root::new(*system, &folder)?;
        root.bring(packages.path())?;
        for step in steps::of(*system)? {
            take(&root, &step)?;
        }
    }
    println!("\nall steps as expected");
    Ok(())
}

/// Takes a step, shows it, and compares with what it should do.
fn take(root: &Root, step: &Step) -> Result<()> {
    println!("  {}", step.says);
    let done = root.run(&step.run)?;
    for line in done.text.lines() {
        println!("      {line}");
    }
    let missing: Vec<_> = step.words.iter().filter(|word| !done.text.contains(*word)).collect();
    if done.works != step.fails && missing.is_empty() {
        return Ok(());
    }
    let wanted = if step.fails { "fails" } else { "succeeds" };
    let ended = if done.works { "succeeded" } else { "failed" };
    let message =
        format!("{:?}: expected that it {wanted}; it {ended}, without {missing:?}", step.says);
    Err(Problem::new(message).help("The step is in tools/src/install_test/steps.toml.").into())
}

/// Puts an older and a newer package, one for other machines, and a signed bundle into `folder`; returns the newer one.
fn make_packages(args: &InstallTestArgs, folder: &Path) -> Result<PathBuf> {
    let facts = Platform::Amd64.facts();
    let sources = Sources::here(true)?;
    let badge = std::slice::from_ref(facts.badge());
    let programs = match &args.programs {
        Some(programs) => programs.clone(),
        None => build::programs(Platform::Amd64, badge, Profile::Dist, &sources, false)?,
    };
    let pages = target_folder().join("manual");
    let manual = manual::write(manual::BADGE, &pages, args.programs.as_deref())?;
    let licences = licences_of(facts, badge)?;
    let parts = Parts {
        facts,
        programs: &programs,
        manual: &manual,
        licences: &licences,
        sources: &sources,
    };
    let newer = deb::make(&parts, &deb::version(sources.version), folder)?;
    // A tilde sorts before everything.
    let older = deb::make(&parts, &deb::version(&format!("{}~before", sources.version)), folder)?;
    for (name, from, to) in OTHERS {
        changed(&newer, from, to, &folder.join(name))?;
    }
    fs::rename(&older, folder.join("older.deb"))?;
    fs::copy(&newer, folder.join("newer.deb"))?;
    fs::write(folder.join("list"), LIST)?;
    let key = SecretKey::from_seed(&[7; 32]);
    let bundle = fs::read(sources_root().join("models/bundles/default.emocue"))?;
    let signed = Bundle::sign(&bundle, &key).map_err(|e| format!("the default bundle: {e}"))?;
    fs::write(folder.join("signed.emocue"), signed)?;
    fs::write(folder.join("keys.toml"), format!("\n[update]\nkeys = [\"{}\"]\n", key.public()))?;
    Ok(newer)
}

/// A copy of a package with another word in its description.
fn changed(package: &Path, from: &str, to: &str, copy: &Path) -> Result<()> {
    let unpacked = copy.with_extension("unpacked");
    output(Command::new("dpkg-deb").arg("--raw-extract").args([package, &unpacked]))?;
    let control = unpacked.join("DEBIAN/control");
    let text = fs::read_to_string(&control)?;
    fs::write(&control, text.replace(from, to))?;
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "-Znone", "--build"]);
    output(build.args([unpacked.as_path(), copy]))?;
    Ok(fs::remove_dir_all(&unpacked)?)
}
