//! The files for a system: an older and a newer package, some that must be refused, a signed bundle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emocue_models::bundle::{Bundle, SecretKey};

use crate::Result;
use crate::cargo::{Profile, output, root, target_folder};
use crate::manual;
use crate::release::deb::{self, Parts};
use crate::release::platform::Platform;
use crate::release::source::Sources;
use crate::release::{build, licences_of};

/// Script that prints every file and folder of a system, except the package manager's own.
const LIST: &str = include_str!("list.sh");

/// Script that fills a disk.
const FILL: &str = include_str!("fill.sh");

/// Puts everything for a platform into `folder`, and returns the newer package. `programs` is the folder of built
/// programs, if any.
pub(super) fn make(platform: Platform, programs: Option<&Path>, folder: &Path) -> Result<PathBuf> {
    let facts = platform.facts();
    let sources = Sources::here(true)?;
    let badge = std::slice::from_ref(facts.badge());
    let built = match programs {
        Some(programs) => programs.to_owned(),
        None => build::programs(platform, badge, Profile::Dist, &sources, false)?,
    };
    // The manual is generated on this computer.
    let example = match (programs, facts.board) {
        (None, _) => None,
        (Some(_), Some(_)) => Some(target_folder().join(Profile::Release.name())),
        (Some(programs), None) => Some(programs.to_owned()),
    };
    let pages = target_folder().join("manual");
    let manual = manual::write(manual::BADGE, &pages, example.as_deref())?;
    let licences = licences_of(facts, badge)?;
    let parts =
        Parts { facts, programs: &built, manual: &manual, licences: &licences, sources: &sources };
    let newer = deb::make(&parts, &deb::version(sources.version), folder)?;
    // In Debian versions a tilde sorts before everything.
    let older = deb::make(&parts, &deb::version(&format!("{}~before", sources.version)), folder)?;
    let other = if platform == Platform::Amd64 { "arm64" } else { "amd64" };
    let architecture = |name: &str| format!("Architecture: {name}");
    let (here, there) = (architecture(facts.debian), architecture(other));
    changed(&newer, &here, &there, &folder.join("foreign.deb"))?;
    changed(&newer, "libc6 (>= 2.", "libc6 (>= 9.", &folder.join("later.deb"))?;
    fs::rename(&older, folder.join("older.deb"))?;
    fs::copy(&newer, folder.join("newer.deb"))?;
    fs::write(folder.join("list"), LIST)?;
    fs::write(folder.join("fill"), FILL)?;
    let key = SecretKey::from_seed(&[7; 32]);
    let bundle = fs::read(root().join("models/bundles/default.emocue"))?;
    let signed = Bundle::sign(&bundle, &key).map_err(|e| format!("the default bundle: {e}"))?;
    fs::write(folder.join("signed.emocue"), signed)?;
    fs::write(folder.join("keys.toml"), format!("\n[update]\nkeys = [\"{}\"]\n", key.public()))?;
    Ok(newer)
}

/// Makes a copy of a package in which `from` is replaced in its description.
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
