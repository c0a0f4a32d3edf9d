//! The long form: the badge looks at very many frames while everything around it comes and goes.

use std::process::id;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::badge::Badge;
use super::camera::Camera;
use super::disturb::{Disturbance, Schedule};
use super::host::Host;
use super::process::Taken;
use super::table::Readings;
use crate::Result;

/// How many frames may be asked for.
pub(super) const FEWEST: u64 = 10_000;
pub(super) const MOST: u64 = 100_000_000;

/// Something happens after so many frames.
const EVERY: u64 = 2_500;

/// How often in a run something happens at least, besides the first time.
const TIMES: u64 = 12;

/// How often each kind has happened in a badge that is warm.
const ROUNDS: u64 = 2;

/// How often the host asks how the badge is.
const ASK: Duration = Duration::from_secs(1);

/// How often to look how far it is.
const AGAIN: Duration = Duration::from_millis(50);

/// How often to tell how far it is.
const TELL: Duration = Duration::from_secs(60);

/// At least this part of the frames has a face that is found: what is counted was really looked at.
const FACES: f64 = 0.9;

/// Runs a badge under load until it has looked at `frames`, and compares what it took.
pub(super) fn run(frames: u64, seed: u64) -> Result<()> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&interrupted);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))?;
    let folder = tempfile::Builder::new().prefix("soak").tempdir()?;
    let camera = Camera::new(folder.path(), seed)?;
    let host = Host::new(folder.path(), seed)?;
    let badge = Badge::start(folder.path(), &Host::key())?;
    let mut load = Load {
        badge,
        camera,
        host,
        schedule: Schedule::new(seed),
        readings: Readings::default(),
        begun: Instant::now(),
        told: Instant::now(),
        interrupted,
    };
    let done = load.until(frames);
    load.tell(frames);
    let Load { badge, readings, schedule, interrupted, .. } = load;
    let looks = badge.looks();
    let faces = badge.faces() as f64 / looks.max(1) as f64;
    let (table, verdict) = readings.table()?;
    println!("{table}{}", schedule.told());
    done?;
    let counted = badge.stop()?;
    println!(
        "{looks} frames looked at and shown, {:.1} % with a face; the badge counts {counted} looks",
        faces * 1e2
    );
    verdict?;
    if counted < looks {
        return Err(format!("{looks} frames were shown, but {counted} looked at").into());
    }
    if faces < FACES {
        return Err(format!("a face was found in {:.1} % of the frames alone", faces * 1e2).into());
    }
    match interrupted.load(Ordering::Relaxed) {
        true => Err(format!("ended early, after {looks} of {frames} frames").into()),
        false => Ok(()),
    }
}

struct Load {
    badge: Badge,
    camera: Camera,
    host: Host,
    schedule: Schedule,
    readings: Readings,
    begun: Instant,
    told: Instant,
    interrupted: Arc<AtomicBool>,
}

impl Load {
    fn until(&mut self, frames: u64) -> Result<()> {
        let every = EVERY.min(frames / TIMES);
        self.badge.looks_on(1)?;
        for _ in 0..ROUNDS * Disturbance::ALL.len() as u64 {
            self.disturb()?;
            if self.is_interrupted() {
                return Ok(());
            }
        }
        println!(
            "process {} runs the badge, process {} its camera, cable and wearer; it is warm after {} frames",
            self.badge.process(),
            id(),
            self.badge.looks(),
        );
        self.read()?;
        while self.badge.looks() < frames && !self.is_interrupted() {
            self.watch((self.badge.looks() + every).min(frames))?;
            self.disturb()?;
            self.read()?;
            if self.told.elapsed() >= TELL {
                self.told = Instant::now();
                self.tell(frames);
            }
        }
        Ok(())
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn disturb(&mut self) -> Result<()> {
        self.schedule.next(&mut self.badge, &self.camera, &mut self.host)
    }

    /// Reads what the badge takes, unless it holds a transfer open.
    fn read(&mut self) -> Result<()> {
        if self.schedule.is_cut() {
            return Ok(());
        }
        let taken = self.badge.takes_calmly(self.readings.first())?;
        self.readings.add(self.badge.looks(), taken);
        Ok(())
    }

    /// Asks how the badge is until it has looked at so many frames in all.
    fn watch(&mut self, looks: u64) -> Result<()> {
        let mut asked = Instant::now();
        let interrupted = Arc::clone(&self.interrupted);
        while self.badge.looks() < looks && !interrupted.load(Ordering::Relaxed) {
            if asked.elapsed() >= ASK {
                asked = Instant::now();
                self.host.status().map_err(|error| format!("asking how it is: {error}"))?;
            }
            self.badge.check()?;
            thread::sleep(AGAIN);
        }
        Ok(())
    }

    fn tell(&self, frames: u64) {
        let (looks, seconds) = (self.badge.looks(), self.begun.elapsed().as_secs_f64());
        let [written, damaged, starts] = self.camera.counts();
        let taken = self.badge.takes().map_or_else(
            |error| error.to_string(),
            |it| {
                let Taken { resident_kb, own_kb, descriptors, threads } = it;
                format!(
                    "{resident_kb} kB ({own_kb} of its own), {descriptors} descriptors, {threads} threads"
                )
            },
        );
        println!(
            "{looks} of {frames} frames, {:.0} a second: {taken}; {written} written, {damaged} damaged, camera started \
             {starts} times, cable plugged in {} times",
            looks as f64 / seconds,
            self.host.plugged(),
        );
    }
}
