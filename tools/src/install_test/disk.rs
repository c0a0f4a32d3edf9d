//! A Debian system for boards on a disk image.
//!
//! Packages are unpacked on this computer and configured in a virtual machine, since their scripts run programs for
//! another processor. The image is filled without a mount.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::machine::script;
use super::root::suite;
use crate::Result;
use crate::cargo::{check, output};
use crate::scratch::Scratch;
use crate::virtual_badge::machine::{Board, Disk, Machine, Plan, last_lines};
use crate::virtual_badge::{INIT, add_modules, packages, tools};

/// The smallest Debian with systemd as its first process; `?essential` is a pattern of apt.
const PACKAGES: [&str; 5] = ["?essential", "apt", "systemd-sysv", "udev", "usr-is-merged"];

/// Folders that are links into `/usr` in Debian (merged `/usr`).
const MERGED: [&str; 3] = ["bin", "lib", "sbin"];

/// Kernel modules for the disk, with options.
pub(super) const MODULES: [(&str, &str); 3] =
    [("crc32c_generic", ""), ("virtio_blk", ""), ("ext4", "")];

/// Size of the disk; the image is sparse.
const SIZE: &str = "1G";

/// Time limit for the configuration, which takes about two minutes on an idle computer.
const CONFIGURE: Duration = Duration::from_secs(1800);

/// The system's image in `folder`, made if it is missing. `logs` is the folder for the machine's logs.
pub(super) fn system(folder: &Path, logs: &Path) -> Result<PathBuf> {
    let image = folder.join(format!("{}-disk.img", suite()?));
    if !image.exists() {
        println!("makes a system: {}", image.display());
        let scratch = Scratch::new(".disk-", folder)?;
        // Moved when complete, so that a partial image is never used.
        fs::rename(make(scratch.path(), logs)?, &image)?;
    }
    Ok(image)
}

fn make(folder: &Path, logs: &Path) -> Result<PathBuf> {
    let at = |name: &str| folder.join(name);
    fs::create_dir(at("packages"))?;
    packages::download(&PACKAGES, &at("packages"))?;
    let root = at("root");
    for name in MERGED {
        fs::create_dir_all(root.join("usr").join(name))?;
        std::os::unix::fs::symlink(format!("usr/{name}"), root.join(name))?;
    }
    for package in fs::read_dir(at("packages"))? {
        unpack(&package?.path(), &root)?;
    }
    for name in ["packages", "proc", "dev"] {
        fs::create_dir_all(root.join(name))?;
    }
    let (disk, packages) = (at("disk.img"), at("packages.img"));
    image(&root, &disk, SIZE)?;
    image(&at("packages"), &packages, "128M")?;
    fs::remove_dir_all(&root)?;
    let kernel = packages::kernel()?;
    let mut files = tools(INIT)?;
    files.folder("mnt");
    add_modules(&mut files, &kernel, &MODULES)?;
    let disks = [Disk { image: &disk, keeps: true }, Disk { image: &packages, keeps: false }];
    let plan = Plan {
        board: Board::Disks(&disks),
        kernel: &kernel.image,
        initramfs: &files.finish(),
        logs,
    };
    println!("configures it in a virtual machine, which takes minutes");
    let mut machine = Machine::start(&plan)?;
    match machine.shell.run(&script(include_str!("configure.sh")), CONFIGURE) {
        Ok((_, 0)) => Ok(disk),
        Ok((text, code)) => {
            let last = &text[text.floor_char_boundary(text.len().saturating_sub(4000))..];
            Err(format!("configuring it ended with {code}\n{last}{}", last_lines(logs)).into())
        }
        Err(error) => Err(format!("{error}{}", last_lines(logs)).into()),
    }
}

/// Unpacks a package's files. Unlike `dpkg-deb --extract`, it keeps folders that are links into `/usr`.
fn unpack(package: &Path, root: &Path) -> Result<()> {
    let mut files = Command::new("dpkg-deb");
    files.arg("--fsys-tarfile").arg(package).stdout(Stdio::piped());
    let mut files = files.spawn().map_err(|e| format!("cannot start dpkg-deb: {e}"))?;
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--numeric-owner", "--keep-directory-symlink", "--directory"]).arg(root);
    if let Some(archive) = files.stdout.take() {
        tar.stdin(archive);
    }
    check(&mut tar)?;
    match files.wait()?.success() {
        true => Ok(()),
        false => Err(format!("{} cannot be unpacked", package.display()).into()),
    }
}

/// Makes a file system image of this size with the files of a folder.
pub(super) fn image(folder: &Path, image: &Path, size: &str) -> Result<()> {
    let mut make = Command::new("mke2fs");
    make.args(["-q", "-t", "ext4", "-m", "0", "-d"]);
    output(make.args([folder, image]).arg(size))?;
    Ok(())
}
