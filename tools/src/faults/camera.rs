//! Cameras that start slowly, write nothing or invalid data, or do not end: the state of a bundle on trial afterwards,
//! and the remaining processes of a camera's program.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::boot::Badge;
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, ONE, Reported, Verdict};
use crate::Result;

/// How long a bundle on trial has to run before it is confirmed, s.
const HEALTHY: u64 = 1;

/// How long a badge runs that must not confirm its bundle, after its camera has started: several times [`HEALTHY`].
const NO_LOOK: Duration = Duration::from_secs(5);

/// Time limit for a stop, as in the systemd unit.
const STOP: Duration = Duration::from_secs(5);

/// Time limit of every wait.
const LONGEST: Duration = Duration::from_secs(40);

/// Polling interval.
const PAUSE: Duration = Duration::from_millis(50);

/// Endless frames.
const FRAMES: &str = "cat header; while cat frame; do :; done";

/// Delays of a camera's first frame, s.
const STARTS: [&str; 4] = ["0.5", "1.2", "4", "9"];

/// Cameras without any frame.
const NO_FRAMES: [(&str, &str); 4] = [
    ("silent", "sleep 60"),
    ("dead", "exit 1"),
    ("garbage", "head -c 100000 /dev/urandom"),
    ("half-a-frame", "cat header; head -c 100 frame; sleep 60"),
];

/// Neither a signal that can be caught nor a closed pipe ends it.
const STUBBORN: &str = "trap '' INT TERM HUP PIPE; while :; do sleep 60; done";

/// Runs the cases.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let mut cases = Vec::new();
    for start in STARTS {
        cases.push(Case::new(format!("slow-camera-{start}"), move |folder| {
            let mut run = Run::on_trial(lab, folder, &format!("sleep {start}; {FRAMES}"))?;
            run.until("its bundle is confirmed", |run| Ok(run.slot_a()? == "good"))?;
            let told = run.stop()?;
            match told.contains("camera missing") {
                true => Err(format!("a slow camera counts as missing: {told}")),
                false => Ok(()),
            }
        }));
    }
    for (name, script) in NO_FRAMES {
        cases.push(Case::new(format!("trial-without-a-look-{name}"), move |folder| {
            let mut run = Run::on_trial(lab, folder, &format!("echo >up; {script}"))?;
            run.until("its camera runs", |run| Ok(run.folder.join("up").exists()))?;
            thread::sleep(NO_LOOK);
            let state = run.slot_a()?;
            let told = run.stop()?;
            match state.as_str() {
                "trial" => Ok(()),
                _ => Err(format!("the bundle is {state} without one look: {told}")),
            }
        }));
    }
    // No process of the camera's program, or of its children, may remain after the badge has ended.
    let stubborn = format!("(echo >up; {STUBBORN}) & {FRAMES}");
    let programs = [("plain", format!("echo >up; {FRAMES}")), ("stubborn", stubborn)];
    for (name, script) in programs {
        for (way, signal) in [("killed", "KILL"), ("stopped", "TERM")] {
            let script = script.clone();
            cases.push(Case::new(format!("{way}-{name}"), move |folder| {
                let mut run = Run::on_trial(lab, folder, &script)?;
                run.until("its camera runs", |run| Ok(run.folder.join("up").exists()))?;
                run.signal(signal)?;
                run.until("it ends", |run| Ok(run.child.try_wait().map_err(text)?.is_some()))?;
                let left = |run: &mut Run<'_>| Ok(processes_in(run.folder)?.is_empty());
                run.until("its camera's program ends", left)
            }));
        }
    }
    let large = "printf 'YUV4MPEG2 W7000 H7000 C420\\n'; while :; do echo FRAME; head -c 73500000 /dev/zero; done";
    cases.push(Case::new("large-frames", move |folder| {
        let mut run = Run::on_trial(lab, folder, large)?;
        run.until("its bundle is confirmed", |run| Ok(run.slot_a()? == "good"))?;
        let peak = run.peak()?;
        run.stop()?;
        // The systemd unit's memory limit, kB, for the badge and its camera's program together.
        match peak < 200_000 {
            true => Ok(()),
            false => Err(format!("frames of 49 megapixels take {peak} kB")),
        }
    }));
    group.run(cases)
}

/// A running badge with a camera, in the folder of its case.
struct Run<'a> {
    badge: Badge<'a>,
    folder: &'a Path,
    child: Child,
}

impl<'a> Run<'a> {
    /// Starts a badge with a new release on trial and the output of `script` as its camera.
    fn on_trial(lab: &'a Lab, folder: &'a Path, script: &str) -> Reported<Self> {
        let badge = Badge::new(lab, folder)?;
        let config = fs::read_to_string(&badge.config).map_err(text)?;
        let config = config.replace("healthy_s = 60", &format!("healthy_s = {HEALTHY}"));
        fs::write(&badge.config, config).map_err(text)?;
        badge.install(ONE)?;
        fs::write(folder.join("header"), "YUV4MPEG2 W64 H64 F25:1 Cmono\n").map_err(text)?;
        fs::write(folder.join("frame"), [b"FRAME\n".as_slice(), &[128; 64 * 64]].concat())
            .map_err(text)?;
        let log = fs::File::create(folder.join("log")).map_err(text)?;
        let mut command = lab.badge();
        command.args(["run", "--display", "json", "--camera", &format!("pipe:{script}")]);
        command.arg("--config").arg(&badge.config).current_dir(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().map_err(text)?;
        Ok(Self { badge, folder, child })
    }

    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> Reported<bool>) -> Verdict {
        let begun = Instant::now();
        while begun.elapsed() < LONGEST {
            if is_so(self)? {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        Err(format!("after {LONGEST:?} it is not so that {what}: {}", self.told()))
    }

    /// The state of the release's slot.
    fn slot_a(&self) -> Reported<String> {
        let status = self.badge.status()?;
        Ok(status.slots.get("a").map(|slot| slot.state.clone()).unwrap_or_default())
    }

    fn signal(&self, signal: &str) -> Verdict {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().map_err(text)?;
        if sent.success() { Ok(()) } else { Err(format!("SIG{signal} could not be sent")) }
    }

    /// Peak memory of the badge, kB.
    fn peak(&self) -> Reported<u64> {
        let status = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(status).map_err(text)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak.ok_or_else(|| format!("no peak is known: {status}"))
    }

    /// Stops it as systemd does, and returns its log.
    fn stop(mut self) -> Reported<String> {
        self.signal("TERM")?;
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().map_err(text)? {
                return match status.success() {
                    true => Ok(self.told()),
                    false => Err(format!("it does not stop well: {status}, {}", self.told())),
                };
            }
            if begun.elapsed() > STOP {
                return Err(format!("it has not stopped within {STOP:?}: {}", self.told()));
            }
            thread::sleep(PAUSE);
        }
    }

    fn told(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Ids of the processes with this working directory.
fn processes_in(folder: &Path) -> Reported<Vec<u32>> {
    let folder = folder.canonicalize().map_err(text)?;
    let entries = fs::read_dir("/proc").map_err(text)?.flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let in_folder =
        |pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|path| path == folder);
    Ok(numbers.filter(in_folder).collect())
}
