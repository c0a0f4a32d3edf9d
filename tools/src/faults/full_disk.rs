//! A full disk at every write: on file systems of different sizes, and with a limit on a file's length.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::boot::{Badge, May, Status, allowed, done, status};
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, ONE, Reported, THREE, TWO, Verdict};
use super::namespace::Namespace;
use super::process::Done;
use super::tree::{Node, Tree};
use crate::Result;

/// Page size, bytes: the unit of allocation in tmpfs.
const PAGE: u64 = 4096;

/// Largest free space, bytes: more than a release and everything else needs.
const MOST: u64 = 3 << 20;

/// With this much more space than the release, bytes, nothing may fail.
const ENOUGH: u64 = 64 << 10;

/// Block size of `ulimit -f`, bytes.
const BLOCK: u64 = 512;

/// What was installed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    Good,
    Trial,
}

impl Before {
    /// The disk in this state.
    fn disk(self, lab: &Lab) -> Reported<Tree> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let badge = Badge::new(lab, folder.path())?;
        if self != Self::Nothing {
            badge.install(ONE)?;
            badge.confirm()?;
        }
        if self == Self::Trial {
            badge.install(TWO)?;
        }
        badge.tree()
    }

    /// What the badge may run when nothing could be written; a trial start that cannot be counted may be skipped.
    fn may(self) -> May {
        match self {
            Self::Nothing => May::default().or_embedded(),
            Self::Good => May::run(&[ONE]),
            Self::Trial => May::run(&[ONE, TWO]),
        }
    }
}

/// The release that is installed on the full disk.
const NEW: u64 = THREE;

/// The state before a case.
struct Start<'lab> {
    lab: &'lab Lab,
    before: Before,
    disk: Tree,
    /// Size of the new release, bytes.
    bundle: u64,
}

/// The limit on free space.
#[derive(Clone, Copy, Debug)]
enum Room {
    /// This many more bytes.
    Bytes(u64),
    /// This many more files.
    Files(u64),
}

/// Runs the cases.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let bundle = fs::metadata(lab.release(NEW)?)?.len();
    let befores = [Before::Nothing, Before::Good, Before::Trial];
    let disks =
        befores.map(|before| before.disk(lab).map(|disk| Start { lab, before, disk, bundle }));
    let starts = disks.into_iter().collect::<Reported<Vec<_>>>()?;
    let mut cases = Vec::new();
    if let Some(namespace) = Namespace::find() {
        for start in &starts {
            for room in rooms(lab, bundle) {
                let name = match room {
                    Room::Bytes(bytes) => format!("{:?}-{}k", start.before, bytes >> 10),
                    Room::Files(files) => format!("{:?}-{files}-files", start.before),
                }
                .to_lowercase();
                cases
                    .push(Case::new(name, move |folder| start.small_disk(namespace, folder, room)));
            }
        }
    } else {
        println!(
            "  no file systems of any size: this machine lets nobody mount one; lengths of files alone"
        );
    }
    for start in &starts {
        for signal in [false, true] {
            for length in lengths(lab, bundle) {
                let how = if signal { "killed" } else { "refused" };
                let name = format!("{:?}-length-{length}-{how}", start.before).to_lowercase();
                cases
                    .push(Case::new(name, move |folder| start.short_files(folder, length, signal)));
            }
        }
    }
    group.run(cases)
}

/// From no free space to enough, in small steps around the size of the release.
fn rooms(lab: &Lab, bundle: u64) -> Vec<Room> {
    let step = if lab.quick { 128 * PAGE } else { 16 * PAGE };
    let just = bundle.div_ceil(PAGE);
    let mut bytes: Vec<_> = (0..=MOST / step).map(|at| at * step).collect();
    bytes.extend([1, 2, 3].map(|pages| pages * PAGE));
    bytes.extend((just.saturating_sub(2)..just + 6).map(|pages| pages * PAGE));
    bytes.sort_unstable();
    bytes.dedup();
    bytes.into_iter().map(Room::Bytes).chain((0..6).map(Room::Files)).collect()
}

fn lengths(lab: &Lab, bundle: u64) -> Vec<u64> {
    let step = if lab.quick { 1024 } else { 256 };
    let blocks = bundle.div_ceil(BLOCK);
    let mut lengths: Vec<_> = (0..=blocks / step).map(|at| at * step).collect();
    lengths.extend([1, blocks - 1, blocks, blocks + 1]);
    lengths
}

impl Start<'_> {
    /// Runs a case in a tmpfs with `room` in addition to what was installed before.
    fn small_disk(&self, namespace: Namespace, folder: &Path, room: Room) -> Verdict {
        let told = |e: std::io::Error| e.to_string();
        let badge = Badge::with(self.lab, folder, &self.disk)?;
        let filled = folder.join("before");
        fs::rename(&badge.disk, &filled).map_err(told)?;
        fs::create_dir(&badge.disk).map_err(told)?;
        let (pages, files) = used(&self.disk);
        // `size=0` means no limit for tmpfs, so one page is added and then filled.
        let options = match room {
            Room::Bytes(bytes) => format!("size={}", (pages + 1) * PAGE + bytes),
            Room::Files(more) => {
                format!("size={},nr_inodes={}", 4 * MOST + pages * PAGE, files + 1 + more)
            }
        };
        let commands = [
            badge.install_command(NEW)?,
            badge.slot(&["status", "--json"]),
            badge.start(),
            badge.slot(&["status", "--json"]),
            // Free space again.
            badge.install_command(NEW + 1)?,
            badge.start(),
        ];
        let ballast = match room {
            Room::Bytes(_) => "head -c 4096 /dev/zero >\"$1/ballast\"",
            Room::Files(_) => "true",
        };
        let mut script = format!(
            "mount -t tmpfs -o {options} tmpfs \"$1\" && cp -a \"$2/.\" \"$1/\" && {ballast} || exit 99\n"
        );
        for (at, command) in commands.iter().enumerate() {
            if at == 4 {
                script += "mount -o remount,size=64m,nr_inodes=1000 \"$1\" || exit 98\n";
            }
            script += &format!(
                "timeout -s KILL 30 {} >\"$3/{at}.out\" 2>\"$3/{at}.err\" </dev/null; echo $? >\"$3/{at}.code\"\n",
                quoted(command)
            );
        }
        script += "cp -a \"$1\" \"$3/left\"\n";
        let paths =
            [&badge.disk, &filled, &folder.to_owned()].map(|path| path.display().to_string());
        let paths = paths.each_ref().map(String::as_str);
        let mounted = namespace.script(&script, &paths).map_err(|e| e.to_string())?;
        if mounted.code != Some(0) {
            return Err(format!("the file system could not be made: {}", mounted.told()));
        }
        let results = (0..commands.len())
            .map(|at| result(folder, at))
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(told)?;
        let enough = match room {
            Room::Bytes(bytes) => bytes >= self.bundle.next_multiple_of(PAGE) + ENOUGH,
            Room::Files(_) => false,
        };
        installed_or_not(&results[0], enough, true)?;
        as_told(&results[0], &status(&results[1])?)?;
        let runs = badge.answered(&results[2])?;
        let may = self.may(&results[0], enough);
        allowed(runs, &may)?;
        status(&results[3])?;
        if results[4].code != Some(0) {
            return Err(format!("slot install with room again: {}", results[4].told()));
        }
        allowed(badge.answered(&results[5])?, &May::run(&[NEW + 1]))
    }

    /// Runs a case with a limit on a file's length, at which a write fails or the program is killed.
    fn short_files(&self, folder: &Path, length: u64, signal: bool) -> Verdict {
        let badge = Badge::with(self.lab, folder, &self.disk)?;
        let limited = |command: &Command| {
            let trap = if signal { "" } else { "trap '' XFSZ; " };
            let mut limited = Command::new("sh");
            limited.args(["-c", &format!("{trap}ulimit -f {length}; exec {}", quoted(command))]);
            limited
        };
        let install = done(&mut limited(&badge.install_command(NEW)?))?;
        as_told(&install, &badge.status()?)?;
        let enough = length > self.bundle.div_ceil(BLOCK);
        if !(signal && install.code.is_none() && !install.hung) {
            installed_or_not(&install, enough, false)?;
        }
        let start = done(&mut limited(&badge.start()))?;
        // A start that cannot count itself is killed too; then the next start is checked.
        if !(signal && start.code.is_none() && !start.hung) {
            allowed(badge.answered(&start)?, &self.may(&install, enough))?;
        }
        badge.boots(&self.may(&install, enough))?;
        badge.takes(NEW + 1)
    }

    /// What may run after an installation on a full disk.
    fn may(&self, install: &Done, enough: bool) -> May {
        if enough {
            return May::run(&[NEW]);
        }
        let mut may = self.before.may();
        if install.code == Some(0) {
            may.versions.push(NEW);
        }
        may
    }
}

/// An installation either succeeds or reports the full disk.
fn installed_or_not(install: &Done, enough: bool, full: bool) -> Verdict {
    let text = install.stderr.to_lowercase();
    match install.code {
        Some(0) => Ok(()),
        _ if enough => Err(format!("slot install with enough room: {}", install.told())),
        Some(7) if !full && !text.is_empty() => Ok(()),
        Some(7) if text.contains("no space") || text.contains("full") => Ok(()),
        _ => Err(format!("slot install does not tell of the full disk: {}", install.told())),
    }
}

/// The reported result of an installation is correct.
fn as_told(install: &Done, status: &Status) -> Verdict {
    let there = status.next.content_version == Some(NEW);
    match install.code {
        Some(0) if !there => Err(format!("slot install tells of no fault, but {status:?}")),
        Some(7) if there => Err(format!("slot install tells of a fault, but {status:?}")),
        _ => Ok(()),
    }
}

/// Number of pages and files of a folder.
fn used(tree: &Tree) -> (u64, u64) {
    let pages = |node: &Node| match node {
        Node::File(bytes) => (bytes.len() as u64).div_ceil(PAGE),
        _ => 0,
    };
    (tree.0.values().map(pages).sum(), tree.0.len() as u64)
}

/// The result of a command that the script ran.
fn result(folder: &Path, at: usize) -> std::io::Result<Done> {
    let read = |what: &str| fs::read_to_string(folder.join(format!("{at}.{what}")));
    let code: Option<i32> = read("code")?.trim().parse().ok();
    // The shell's exit code for a killed command is 128 plus the signal's number.
    let killed = code.is_none_or(|code| code > 128);
    Ok(Done {
        code: code.filter(|_| !killed),
        hung: false,
        stdout: read("out")?,
        stderr: read("err")?,
    })
}

/// The command quoted for a shell.
fn quoted(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quote =
        |word: &std::ffi::OsStr| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
    words.map(quote).collect::<Vec<_>>().join(" ")
}
