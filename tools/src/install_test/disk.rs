//! A Debian system for boards on a disk image.
//!
//! Its packages are unpacked here and configured in a virtual machine, since their scripts run the programs of another
//! processor; and the image is filled without being mounted.

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

/// The smallest Debian with systemd as its first process; `?essential` is a pattern of apt's.
const PACKAGES: [&str; 5] = ["?essential", "apt", "systemd-sysv", "udev", "usr-is-merged"];

/// What lies below `/usr` since Debian merged them.
const MERGED: [&str; 3] = ["bin", "lib", "sbin"];

/// What the kernel needs for a disk.
pub(super) const MODULES: [(&str, &str); 3] =
    [("crc32c_generic", ""), ("virtio_blk", ""), ("ext4", "")];

/// How large its disk is; only what is used takes space here.
const SIZE: &str = "1G";

/// How long configuring it may take: some two minutes on a quiet computer.
const CONFIGURE: Duration = Duration::from_secs(1800);

/// The system's image in `folder`, made where it is not there yet. `logs` is where the machine's logs go.
pub(super) fn system(folder: &Path, logs: &Path) -> Result<PathBuf> {
    let image = folder.join(format!("{}-disk.img", suite()?));
    if !image.exists() {
        println!("makes a system: {}", image.display());
        let scratch = Scratch::new(".disk-", folder)?;
        // Moved when it is whole, so that a broken one is not taken for a system.
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

/// Unpacks a package's files. Folders that are links below `/usr` stay those, which `dpkg-deb --extract` replaces.
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

/// A file system of a size with the files of a folder.
pub(super) fn image(folder: &Path, image: &Path, size: &str) -> Result<()> {
    let mut make = Command::new("mke2fs");
    make.args(["-q", "-t", "ext4", "-m", "0", "-d"]);
    output(make.args([folder, image]).arg(size))?;
    Ok(())
}
