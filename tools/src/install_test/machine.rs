//! A virtual machine that runs a Debian system with systemd from a disk, and a shell in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::{self, image};
use super::{Done, Place};
use crate::Result;
use crate::scratch::Scratch;
use crate::virtual_badge::machine::{Board, Disk, Machine, Plan, last_lines};
use crate::virtual_badge::{add_modules, packages, tools};

/// The kernel's virtual webcam, for the badge.
const CAMERA: (&str, &str) = ("vivid", "n_devs=1 node_types=0x1 num_inputs=1 input_types=0");

/// Time limit of a step.
const STEP: Duration = Duration::from_secs(600);

/// A running system; its changes are lost when this is dropped.
pub(super) struct Booted {
    machine: Machine,
    logs: PathBuf,
    /// The packages' image.
    _files: Scratch,
}

impl Booted {
    /// Starts the system of an image in `folder`, with `packages` at `/packages`.
    pub(super) fn new(folder: &Path, packages: &Path, logs: &Path) -> Result<Self> {
        let system = disk::system(folder, logs)?;
        let files = Scratch::new(".machine-", folder)?;
        let brought = files.path().join("packages.img");
        image(packages, &brought, "256M")?;
        let kernel = packages::kernel()?;
        let mut initramfs = tools(include_bytes!("init.sh"))?;
        initramfs.file("steps.service", include_bytes!("steps.service"));
        let mut modules = disk::MODULES.to_vec();
        modules.push(CAMERA);
        add_modules(&mut initramfs, &kernel, &modules)?;
        // Writes to the disks are discarded with the machine.
        let disks = [&system, &brought].map(|image| Disk { image, keeps: false });
        let plan = Plan {
            board: Board::Disks(&disks),
            kernel: &kernel.image,
            initramfs: &initramfs.finish(),
            logs,
        };
        Ok(Self { machine: Machine::start(&plan)?, logs: logs.to_owned(), _files: files })
    }
}

/// Runs commands in a subshell that ends at the first failure, so that the machine's shell stays open.
pub(super) fn script(commands: &str) -> String {
    format!("(set -e\nexec 2>&1\n{commands}\n)")
}

impl Place for Booted {
    fn run(&mut self, command: &str) -> Result<Done> {
        let ran = self.machine.shell.run(&script(command), STEP);
        let (text, code) = ran.map_err(|error| format!("{error}{}", last_lines(&self.logs)))?;
        Ok(Done { works: code == 0, text })
    }

    fn hints(&mut self) -> String {
        let journal = self.run("journalctl --unit=emocue-badge --lines=40 --no-pager --quiet");
        journal.map_or_else(|error| error.to_string(), |journal| journal.text)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_first_command_that_fails_ends_a_step_and_not_the_shell() {
        let script = format!("{}\necho \"ended with $?\"", script("echo a >&2\nfalse\necho b"));
        let ran = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "a\nended with 1\n");
    }
}
