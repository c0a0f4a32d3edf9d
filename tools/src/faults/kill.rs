//! `kill -9` at random moments, repeatedly on the same badge: spread over a command's whole time, and over the short
//! time in which it changes the disk.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::boot::{Badge, May, Runs, allowed};
use super::cases::{Group, Tally};
use super::lab::{Lab, ONE, Reported};
use crate::Result;
use emocue_link::random::Random;

/// Number of kills.
const KILLS: usize = 200;

/// Number of kills in a quick run.
const QUICK: usize = 60;

/// Latest moment of a kill, as a multiple of a command's usual time; some commands end before.
const SPREAD: f64 = 1.1;

/// Latest moment of a kill after the last observed change on the disk; some commands end before.
const LATER: Duration = Duration::from_millis(1);

/// Polling interval for changes on the disk.
const PAUSE: Duration = Duration::from_micros(20);

/// Time limit; a command that takes longer counts as hung.
const LONGEST: Duration = Duration::from_secs(30);

/// The command that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Install,
    Start,
    Confirm,
}

/// The repeated sequence: a confirmation or a start needs a release on trial, so an installation precedes it.
const TURNS: [What; 4] = [What::Install, What::Confirm, What::Install, What::Start];

/// When to kill.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// This long after the command's start.
    Begun(Duration),
    /// This long after the first change on the disk.
    Changed(Duration),
    Never,
}

/// Timing of a command.
#[derive(Clone, Copy, Debug)]
struct Went {
    status: ExitStatus,
    took: Duration,
    /// From the first to the last observed change on the disk.
    changing: Duration,
}

/// Kills installations, starts and confirmations; after each the badge must answer.
pub(super) fn run(lab: &Lab, group: &Group) -> Result<Tally> {
    let folder = tempfile::tempdir()?;
    let badge = Badge::new(lab, folder.path())?;
    let mut story = Story { badge: &badge, newest: ONE, confirmed: ONE, ended: 0 };
    badge.install(ONE)?;
    badge.confirm()?;
    let usual =
        TURNS.iter().map(|what| story.kill(*what, Moment::Never)).collect::<Reported<Vec<_>>>()?;
    story.ended = 0;
    let mut random = Random::of(lab.seed, "kill");
    let kills = if lab.quick { QUICK } else { KILLS };
    let mut tally = Tally::default();
    for round in 0..kills {
        let (turn, times) = (round % TURNS.len(), round / TURNS.len());
        // Each moment kind gets every second kill of a command: stratified over the range, in shuffled order.
        let parts = kills.div_ceil(2 * TURNS.len());
        let part = ((times / 2 * 37 % parts) as f64 + random.part()) / parts as f64;
        let moment = if times % 2 == 0 {
            Moment::Begun(usual[turn].took.mul_f64(SPREAD * part))
        } else {
            Moment::Changed((usual[turn].changing + LATER).mul_f64(part))
        };
        let name = format!("round-{round}");
        tally.cases += 1;
        if let Err(why) = story.kill(TURNS[turn], moment) {
            tally.lost += 1;
            let why = format!("{:?} killed at {moment:?}: {why}", TURNS[turn]);
            group.lost(&name, &why, folder.path())?;
        }
        // A case includes all kills before it.
        if group.only.as_ref() == Some(&name) {
            break;
        }
    }
    let Story { newest, confirmed, ended, .. } = story;
    println!(
        "  {ended} of the commands ended before; release {newest} was the newest, {confirmed} was kept"
    );
    if tally.cases == kills && ended > kills / 2 {
        return Err(format!("{ended} of {kills} commands ended before they were killed").into());
    }
    Ok(tally)
}

/// The badge's history.
struct Story<'a> {
    badge: &'a Badge<'a>,
    /// The newest release that was passed to the badge.
    newest: u64,
    /// The last release whose confirmation is certain.
    confirmed: u64,
    /// Number of commands that ended before their kill.
    ended: usize,
}

impl Story<'_> {
    fn command(&self, what: What) -> Reported<Command> {
        match what {
            What::Install => self.badge.install_command(self.newest),
            What::Start => Ok(self.badge.start()),
            What::Confirm => Ok(self.badge.slot(&["confirm"])),
        }
    }

    /// Runs a command, kills it at `moment`, and checks that the badge answers with an allowed release.
    fn kill(&mut self, what: What, moment: Moment) -> Reported<Went> {
        let mut status = self.badge.status()?;
        let on_trial = status.slots.get(&status.next.slot).is_some_and(|s| s.state == "trial");
        if what != What::Install && !on_trial {
            // The installation before was killed: without a release on trial a start writes nothing, and there is
            // nothing to confirm.
            self.newest += 1;
            self.badge.install(self.newest)?;
            status = self.badge.status()?;
        }
        let next = status.next.content_version;
        let mut may = May::run(&[self.confirmed]);
        may.versions.extend(next);
        if what == What::Install {
            self.newest += 1;
            may.versions.push(self.newest);
        }
        let went = self.killed(self.command(what)?, moment)?;
        let status = went.status;
        let returned = status.success();
        self.ended += usize::from(status.code().is_some());
        // A command that ended by itself must not have failed.
        if !returned && status.code().is_some() {
            return Err(format!("{what:?} was not killed, but failed: {status}"));
        }
        if returned {
            match what {
                What::Install => may = May::run(&[self.newest]),
                What::Confirm => {
                    self.confirmed = next.unwrap_or(self.confirmed);
                    may = May::run(&[self.confirmed]);
                }
                What::Start => {}
            }
        }
        // Also keep the state before the start, for a case that fails.
        let killed = self.badge.config.with_file_name("as-killed");
        if killed.exists() {
            fs::remove_dir_all(&killed).map_err(|e| e.to_string())?;
        }
        self.badge.tree()?.write(&killed).map_err(|e| e.to_string())?;
        let runs = self.badge.boot()?;
        allowed(runs, &may)?;
        let status = self.badge.status()?;
        let good =
            |slot: char| status.slots.get(&slot.to_string()).is_some_and(|s| s.state == "good");
        // A killed confirmation may have been completed.
        if let Runs::Slot { slot, version } = runs
            && good(slot)
        {
            self.confirmed = version;
        }
        Ok(went)
    }

    fn killed(&self, mut command: Command, moment: Moment) -> Reported<Went> {
        let told = |e: std::io::Error| e.to_string();
        let before = self.disk();
        let begun = Instant::now();
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(told)?;
        let (mut seen, mut first, mut last) = (before, None, None);
        loop {
            let time = begun.elapsed();
            let now = self.disk();
            if now != seen {
                first.get_or_insert(time);
                last = Some(time);
                seen = now;
            }
            let over = match moment {
                Moment::Begun(moment) => time >= moment,
                Moment::Changed(moment) => first.is_some_and(|first| time - first >= moment),
                Moment::Never => false,
            };
            let hangs = time > LONGEST;
            let mut status = child.try_wait().map_err(told)?;
            if status.is_none() && (over || hangs) {
                child.kill().map_err(told)?;
                status = Some(child.wait().map_err(told)?);
            }
            if hangs {
                return Err(format!("it has not ended within {LONGEST:?}"));
            }
            if let Some(status) = status {
                let changing = last.zip(first).map_or(Duration::ZERO, |(last, first)| last - first);
                return Ok(Went { status, took: begun.elapsed(), changing });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Names, lengths and modification times of the files on the disk, to detect a change.
    fn disk(&self) -> Vec<(OsString, u64, Option<SystemTime>)> {
        let Ok(files) = fs::read_dir(self.badge.state().join("slots")) else { return Vec::new() };
        let mut all: Vec<_> = files
            .flatten()
            // A file that has disappeared meanwhile counts as a change.
            .map(|file| match file.metadata() {
                Ok(found) => (file.file_name(), found.len(), found.modified().ok()),
                Err(_) => (file.file_name(), 0, None),
            })
            .collect();
        all.sort_unstable();
        all
    }
}
