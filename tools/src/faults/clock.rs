//! A wrong clock, as on a board without a battery: files from 1970 and from 2106, and wrong system time.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::boot::{Badge, May, allowed, done};
use super::cases::{Case, Group, Tally};
use super::lab::{Lab, NEWEST, ONE, TWO, Verdict};
use super::process::finish;
use crate::Result;

/// Unix times, s: zero, the largest of 31 bits, the largest of 32 bits, and one beyond.
const TIMES: [u64; 4] = [0, (1 << 31) - 1, (1 << 32) - 1, (1 << 32) + 1];

/// Times set by `faketime`: an update at the first is followed by a start at the second.
const CLOCKS: [[&str; 2]; 4] = [
    ["1970-01-02 00:00:10", "1970-01-02 00:00:10"],
    ["2106-02-07 06:28:20", "2106-02-07 06:28:20"],
    ["2106-02-07 06:28:20", "1970-01-02 00:00:10"],
    ["1970-01-02 00:00:10", "2037-12-31 00:00:00"],
];

/// Runs the cases.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let mut cases: Vec<_> = TIMES
        .iter()
        .flat_map(|seconds| TIMES.iter().map(move |later| (*seconds, *later)))
        .map(|(seconds, later)| {
            Case::new(format!("files-{seconds}-{later}"), move |folder| {
                let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
                let badge = Badge::new(lab, folder)?;
                touched(&badge, ONE, at(seconds))?;
                badge.confirm()?;
                everything(&badge.disk, at(later))?;
                badge.boots(&May::run(&[ONE]))?;
                touched(&badge, TWO, at(later))?;
                everything(&badge.disk, at(seconds))?;
                badge.boots(&May::run(&[TWO]))?;
                badge.takes(NEWEST)
            })
        })
        .collect();
    // Check that `faketime` works: without its library the time would be unchanged.
    let year = finish(Command::new("faketime").args(["-f", "@1970-01-02 00:00:10", "date", "+%Y"]));
    if year.is_ok_and(|year| year.stdout.trim() == "1970") {
        cases.extend(CLOCKS.iter().map(|[update, start]| {
            let words =
                |time: &str| time.split_once('-').map_or(String::new(), |(year, _)| year.into());
            Case::new(format!("clock-{}-{}", words(update), words(start)), move |folder| {
                let badge = Badge::new(lab, folder)?;
                at_time(&badge.install_command(ONE)?, update)?;
                at_time(&badge.slot(&["confirm"]), update)?;
                at_time(&badge.install_command(TWO)?, update)?;
                let started = done(&mut faked(&badge.start(), start))?;
                allowed(badge.answered(&started)?, &May::run(&[TWO]))?;
                badge.takes(NEWEST)
            })
        }));
    } else if std::env::var_os("CI").is_some() {
        return Err("faketime is not there: apt install faketime".into());
    } else {
        println!("  the clock itself is left alone: faketime is not there (apt install faketime)");
    }
    group.run(cases)
}

/// Installs a release whose file has this modification time.
fn touched(badge: &Badge<'_>, version: u64, time: SystemTime) -> Verdict {
    let copy = badge.config.with_file_name(format!("{version}.emocue"));
    let release = badge.lab.release(version).map_err(|e| e.to_string())?;
    fs::copy(release, &copy).map_err(|e| e.to_string())?;
    touch(&copy, time)?;
    let installed = done(&mut badge.install_file(&copy))?;
    if installed.code == Some(0) { Ok(()) } else { Err(installed.told()) }
}

/// Sets this modification time for everything below `folder`.
fn everything(folder: &Path, time: SystemTime) -> Verdict {
    for entry in fs::read_dir(folder).map_err(|e| e.to_string())?.flatten() {
        if entry.path().is_dir() {
            everything(&entry.path(), time)?;
        } else {
            touch(&entry.path(), time)?;
        }
    }
    touch(folder, time)
}

fn touch(path: &Path, time: SystemTime) -> Verdict {
    let times = FileTimes::new().set_modified(time).set_accessed(time);
    File::open(path)
        .and_then(|file| file.set_times(times))
        .map_err(|e| format!("{}: {e}", path.display()))
}

fn faked(command: &Command, time: &str) -> Command {
    let mut faked = Command::new("faketime");
    faked.args(["-f", &format!("@{time}")]).arg(command.get_program()).args(command.get_args());
    if let Some(here) = command.get_current_dir() {
        faked.current_dir(here);
    }
    faked
}

fn at_time(command: &Command, time: &str) -> Verdict {
    let done = done(&mut faked(command, time))?;
    if done.code == Some(0) { Ok(()) } else { Err(format!("at {time}: {}", done.told())) }
}
