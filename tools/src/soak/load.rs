//! The long form: the badge processes very many frames with disturbances of its camera, cable and wearer.

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

/// Range of the option `--frames`.
pub(super) const FEWEST: u64 = 10_000;
pub(super) const MOST: u64 = 100_000_000;

/// Number of frames between two disturbances.
const EVERY: u64 = 2_500;

/// Minimum number of disturbances in a run after the warm-up.
const TIMES: u64 = 12;

/// Number of disturbances of each kind in the warm-up.
const ROUNDS: u64 = 2;

/// Interval of the host's status requests.
const ASK: Duration = Duration::from_secs(1);

/// Polling interval for the number of frames.
const AGAIN: Duration = Duration::from_millis(50);

/// Interval of progress messages.
const TELL: Duration = Duration::from_secs(60);

/// Minimum share of frames with a detected face, 0 to 1, as evidence that frames were really processed.
const FACES: f64 = 0.9;

/// Runs a badge under load until it has processed `frames` frames, and compares its resource usage.
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

    /// Reads the badge's resource usage, unless it holds an interrupted transfer open.
    fn read(&mut self) -> Result<()> {
        if self.schedule.is_cut() {
            return Ok(());
        }
        let taken = self.badge.takes_calmly(self.readings.first())?;
        self.readings.add(self.badge.looks(), taken);
        Ok(())
    }

    /// Requests the status regularly until the badge has processed `looks` frames in total.
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
