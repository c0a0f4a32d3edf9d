//! A bad cable between the real `emocue flash` and the real badge: each opens a pseudoterminal, and bytes between the
//! two are lost and changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use emocue_link::faulty::Faults;

use super::boot::{Badge, May};
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, ONE, Reported, TWO, Verdict};
use super::process::{Done, finish_within};
use crate::Result;
use crate::cable::Cable;

/// Time limit for a bundle over a bad cable on a machine under load.
const PATIENCE: Duration = Duration::from_secs(240);

/// The host or the badge is killed after this many bytes of the bundle.
const CUT: u64 = 500_000;

/// A camera without a face, which needs little CPU time.
const CAMERA: &str = "printf 'YUV4MPEG2 W64 H64 F5:1 Cmono\\n'; while printf 'FRAME\\n' && cat frame; do sleep 0.2; done";

/// The cables: their names and the faults of each.
const CABLES: &[(&str, Faults)] = &[
    ("good", Faults { lose: 0.0, flip: 0.0, insert: 0.0, repeat: 0.0 }),
    ("loses-1-percent", Faults { lose: 0.01, flip: 0.0, insert: 0.0, repeat: 0.0 }),
    ("flips-bits", Faults { lose: 0.0, flip: 0.005, insert: 0.0, repeat: 0.0 }),
    ("all-at-once", Faults { lose: 0.003, flip: 0.003, insert: 0.0, repeat: 0.05 }),
];

/// Which program is killed during the transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dies {
    Host,
    Badge,
}

/// Runs the cases: a complete transfer over each cable, interrupted transfers, and two hosts on one cable.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let mut cases = Vec::new();
    for (at, (name, faults)) in (0..).zip(CABLES) {
        cases.push(Case::new(*name, move |folder| {
            let bench = Bench::new(lab, folder, *faults, group.seed + at)?;
            let mut badge = bench.start()?;
            let flashed = bench.flash(ONE);
            stop(&mut badge);
            flashed?;
            bench.badge.boots(&May::run(&[ONE])).map(drop)
        }));
    }
    for (name, dies) in [("host-killed", Dies::Host), ("badge-killed", Dies::Badge)] {
        cases.push(Case::new(name, move |folder| cut(lab, folder, group.seed, dies)));
    }
    cases.push(Case::new("two-hosts", move |folder| two_hosts(lab, folder, group.seed)));
    group.run(cases)
}

/// An interrupted transfer is resumed, and nothing is installed before it is complete.
fn cut(lab: &Lab, folder: &Path, seed: u64, dies: Dies) -> Verdict {
    let bench = Bench::new(lab, folder, Faults::default(), seed)?;
    let mut badge = bench.start()?;
    let mut host = bench.begin(ONE)?;
    while bench.cable.to_badge() < CUT {
        if let Some(status) = host.try_wait().map_err(|e| e.to_string())? {
            stop(&mut badge);
            return Err(format!("emocue flash ended too early: {status}"));
        }
        thread::sleep(Duration::from_millis(5));
    }
    stop(&mut host);
    if dies == Dies::Badge {
        stop(&mut badge);
        bench.badge.boots(&May::default().or_embedded())?;
        badge = bench.start()?;
    }
    let before = bench.cable.to_badge();
    let flashed = bench.flash(ONE);
    let again = bench.cable.to_badge() - before;
    stop(&mut badge);
    flashed?;
    let whole = fs::metadata(bench.bundle(ONE)?).map_err(|e| e.to_string())?.len();
    // Bytes on the disk are not sent again, except the last 64 KiB, which may not be synced.
    if again > whole - CUT / 2 {
        return Err(format!("the second transfer sent {again} of {whole} bytes again"));
    }
    bench.badge.boots(&May::run(&[ONE])).map(drop)
}

/// A second host on the cable gets a clear error, and the first one is not disturbed.
fn two_hosts(lab: &Lab, folder: &Path, seed: u64) -> Verdict {
    let bench = Bench::new(lab, folder, Faults::default(), seed)?;
    let mut badge = bench.start()?;
    let mut first = bench.begin(ONE)?;
    while bench.cable.to_badge() < CUT / 4 && matches!(first.try_wait(), Ok(None)) {
        thread::sleep(Duration::from_millis(5));
    }
    let second = bench.flash(TWO);
    let first = first.wait().map_err(|e| e.to_string())?;
    stop(&mut badge);
    match second {
        Err(told) if told.contains("in use") || told.contains("another") => {}
        other => return Err(format!("the second host was not told: {other:?}")),
    }
    if !first.success() {
        return Err(format!("the first host ended with {first}"));
    }
    bench.badge.boots(&May::run(&[ONE])).map(drop)
}

/// A badge, a cable, and a host at the other end.
pub(super) struct Bench<'lab> {
    pub(super) badge: Badge<'lab>,
    cable: Cable,
    folder: PathBuf,
}

impl<'lab> Bench<'lab> {
    pub(super) fn new(lab: &'lab Lab, folder: &Path, faults: Faults, seed: u64) -> Reported<Self> {
        let badge = Badge::new(lab, folder)?;
        let cable = Cable::new(faults, seed).map_err(|e| format!("no terminals here: {e}"))?;
        fs::write(folder.join("frame"), [0; 64 * 64]).map_err(|e| e.to_string())?;
        let mut text = fs::read_to_string(&badge.config).map_err(|e| e.to_string())?;
        text += &format!(
            "[camera]\nsource = {:?}\n[pace]\nfps = 2.0\n[link]\nport = {:?}\n",
            format!("pipe:{CAMERA}"),
            cable.badge_port,
        );
        fs::write(&badge.config, text).map_err(|e| e.to_string())?;
        Ok(Self { badge, cable, folder: folder.to_owned() })
    }

    /// Starts the badge, which runs until it is stopped.
    pub(super) fn start(&self) -> Reported<Child> {
        let mut command = self.badge.lab.badge();
        command.args(["run", "--display", "json", "--config"]).arg(&self.badge.config);
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        let log = File::create(self.folder.join("badge.log")).map_err(|e| e.to_string())?;
        command.stderr(log).spawn().map_err(|e| e.to_string())
    }

    /// The release in this case's own folder, since the host writes the signed bundle next to it.
    fn bundle(&self, version: u64) -> Reported<PathBuf> {
        let bundle = self.folder.join(format!("{version}.emocue"));
        if !bundle.exists() {
            let release = self.badge.lab.release(version).map_err(|e| e.to_string())?;
            fs::copy(release, &bundle).map_err(|e| e.to_string())?;
        }
        Ok(bundle)
    }

    fn command(&self, version: u64) -> Reported<Command> {
        let mut command = self.badge.lab.host_command();
        let to = format!("serial:{}", self.cable.host_port);
        command.args(["flash", "--to", &to, "--what", "bundle", "--yes"]);
        command.args(["--intended-use", "testing"]);
        command.arg("--key").arg(self.badge.lab.key_file());
        command.arg("--bundle").arg(self.bundle(version)?);
        Ok(command)
    }

    /// Requests a rollback over the cable.
    pub(super) fn roll_back(&self) -> Reported<Done> {
        let mut command = self.badge.lab.host_command();
        let to = format!("serial:{}", self.cable.host_port);
        command.args(["flash", "--to", &to, "--rollback", "--yes"]);
        finish_within(&mut command, PATIENCE).map_err(|e| e.to_string())
    }

    /// Starts to flash a release.
    fn begin(&self, version: u64) -> Reported<Child> {
        let mut command = self.command(version)?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map_err(|e| e.to_string())
    }

    /// Flashes a release.
    pub(super) fn flash(&self, version: u64) -> Verdict {
        let done: Done =
            finish_within(&mut self.command(version)?, PATIENCE).map_err(|e| e.to_string())?;
        match done.code {
            Some(0) => Ok(()),
            _ => Err(format!("emocue flash of release {version}: {}", done.told())),
        }
    }
}

pub(super) fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
