//! A bare Debian system in a folder, without a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emocue_models::failure::Problem;

use super::{Done, Place};
use crate::Result;
use crate::cargo::{check, output};
use crate::cross::toolchain::as_root;
use crate::scratch::Scratch;

/// Files that list this computer's package sources, which are usually faster than Debian's default mirror.
const SOURCES: [&str; 2] = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

/// A system that is removed when this is dropped.
pub(super) struct Root {
    folder: Scratch,
}

/// Installs the tools that make systems.
pub(super) fn install() -> Result<()> {
    as_root(|sudo| {
        format!(
            "{sudo}apt-get update && {sudo}apt-get install --yes --no-install-recommends mmdebstrap lintian dpkg-dev e2fsprogs"
        )
    })
}

/// The code name of this computer's Debian release, since the programs are built for its C library.
pub(super) fn suite() -> Result<String> {
    let release = fs::read_to_string("/etc/os-release")?;
    let find = |name: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim_matches('"'))
    };
    match (find("ID="), find("VERSION_CODENAME=")) {
        (Some("debian"), Some(suite)) => Ok(suite.to_owned()),
        _ => Err(Problem::new("this is no Debian")
            .help("Run it in a Debian container, as CI does.")
            .into()),
    }
}

impl Root {
    /// A new system with the packages `with` in addition to the essential ones, and the files of `brought` at
    /// `/packages`. It is unpacked from an archive of its name in `folder`, which is made if it is missing.
    pub(super) fn new(name: &str, with: &str, folder: &Path, brought: &Path) -> Result<Self> {
        let archive = folder.join(format!("{}-{name}.tar", suite()?));
        if !archive.exists() {
            make(with, &archive)?;
        }
        let root = Self { folder: Scratch::new(".root-", folder)? };
        check(
            Command::new("tar")
                .args(["--extract", "--numeric-owner", "--file"])
                .arg(&archive)
                .arg("--directory")
                .arg(root.folder.path()),
        )?;
        root.bring(brought)?;
        Ok(root)
    }

    fn bring(&self, folder: &Path) -> Result<()> {
        let to = self.folder.path().join("packages");
        fs::create_dir(&to)?;
        for file in fs::read_dir(folder)? {
            let file = file?;
            fs::copy(file.path(), to.join(file.file_name()))?;
        }
        Ok(())
    }
}

impl Place for Root {
    /// In its own namespaces of processes, mounts and network; the network has no connection.
    fn run(&mut self, command: &str) -> Result<Done> {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"]);
        unshare.arg("--root").arg(self.folder.path()).args(["--wd", "/", "--mount-proc"]);
        unshare.args(["sh", "-c", &format!("set -e\nexec 2>&1\n{command}")]);
        unshare.env_clear().env("LC_ALL", "C.UTF-8").env("HOME", "/root");
        unshare.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        unshare.env("DEBIAN_FRONTEND", "noninteractive");
        let done = unshare.output().map_err(|e| format!("cannot start unshare: {e}"))?;
        let mut text = String::from_utf8_lossy(&done.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&done.stderr));
        Ok(Done { works: done.status.success(), text })
    }
}

/// Makes a system's archive.
fn make(with: &str, archive: &Path) -> Result<()> {
    if Command::new("mmdebstrap").arg("--version").output().is_err() {
        return Err(Problem::new("no mmdebstrap here")
            .help("`apt-get install mmdebstrap lintian`, or --install does it.")
            .into());
    }
    println!("makes a system: {}", archive.display());
    // A partial archive has another name, so that it is never used.
    let partial = PathBuf::from(format!("{}.partial", archive.display()));
    let mut make = Command::new("mmdebstrap");
    make.args(["--variant=minbase", "--quiet", "--format=tar"]);
    if !with.is_empty() {
        make.arg(format!("--include={with}"));
    }
    make.arg(suite()?).arg(&partial);
    make.args(SOURCES.iter().find(|sources| Path::new(sources).exists()));
    output(&mut make)?;
    Ok(fs::rename(&partial, archive)?)
}
