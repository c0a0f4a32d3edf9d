//! The loop itself: one event after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use emocue_config::{Mode, Patterns};
use emocue_link::message::CameraState;
use emocue_models::luma::Luma;

use super::WAKE;
use super::notice::Notice;
use crate::answer::Answer;
use crate::badge::capture::Lamp;
use crate::badge::keeper::{Keeper, Kept};
use crate::badge::pace::Pace;
use crate::badge::slot::{Event, Slot, Wanted};
use crate::badge::status::Status;
use crate::badge::thermometer::Thermometer;
use crate::badge::watchdog::{STUCK, Watchdog};
use crate::badge::{BadgeError, Tally};
use crate::camera::FrameInfo;
use crate::cue::{self, Input, Motor, Press};
use crate::link::Hub;
use crate::show::Display;
use crate::vision::Vision;

/// How often displays may act on time passing, and the battery is asked.
const TICK: Duration = Duration::from_secs(1);

/// How often the temperature is read.
const FEEL: Duration = Duration::from_secs(5);

/// What [`super::Live::run`] keeps from one event to the next.
pub(super) struct Run<'a> {
    pub(super) slot: &'a Slot,
    pub(super) lamp: &'a Lamp,
    pub(super) vision: Vision,
    pub(super) displays: Vec<Box<dyn Display>>,
    pub(super) mode: Mode,
    pub(super) motor: Option<Motor>,
    pub(super) patterns: Patterns,
    pub(super) battery_low: Option<Box<dyn Input>>,
    pub(super) pace: Pace,
    pub(super) thermometer: Thermometer,
    pub(super) watchdog: Watchdog,
    pub(super) wait_for_camera: bool,
    /// It was there once, so it may come back.
    pub(super) streamed: bool,
    pub(super) limit: u64,
    pub(super) status: Status,
    pub(super) tally: Tally,
    /// How many frames had an age, and the sum of those.
    pub(super) ages: (u64, Duration),
    pub(super) meter: Meter,
    pub(super) keeper: Option<Keeper>,
    pub(super) hub: &'a Hub,
    pub(super) tell: &'a mut dyn FnMut(Notice),
}

/// What the last telling to the hub knew.
#[derive(Default)]
pub(super) struct Meter {
    since: Option<Instant>,
    shown: u64,
    ages: (u64, Duration),
}

/// Whether to go on, or why not: only the last is a failure.
enum Stop {
    End,
    /// To start anew.
    Again,
    Failed(BadgeError),
}

impl<E: Into<BadgeError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Run<'_> {
    /// Whether it is to start anew.
    pub(super) fn until(&mut self, stop: &AtomicBool) -> Result<bool, BadgeError> {
        match self.events(stop) {
            Err(Stop::Failed(BadgeError::Show(error))) if error.is_closed() => Ok(false),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Again) => Ok(true),
            Err(Stop::End) | Ok(()) => Ok(false),
        }
    }

    fn events(&mut self, stop: &AtomicBool) -> Result<(), Stop> {
        let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
        let start = Instant::now();
        let (mut ready, mut tick, mut feel) = (start, start, start);
        self.say(Answer::Starting)?;
        while !stop.load(Ordering::Relaxed) && self.tally.shown < self.limit {
            let deadline = (Instant::now() + WAKE).min(tick);
            match self.slot.wait(&mut frame, &mut info, ready, deadline) {
                Event::Frame => {
                    let begin = Instant::now();
                    self.look(&frame, &info)?;
                    ready = begin + self.pace.interval(begin.elapsed());
                }
                Event::Nothing => {}
                event => self.obey(event)?,
            }
            let now = Instant::now();
            if now >= tick {
                tick = now + TICK;
                self.tick(now)?;
            }
            if now >= feel {
                feel = now + FEEL;
                self.feel();
            }
            self.watchdog.feed(now, self.slot.capture_age() < STUCK);
        }
        Ok(())
    }

    fn look(&mut self, frame: &Luma, info: &FrameInfo) -> Result<(), Stop> {
        // The wearer may have paused while this frame was under way.
        if self.status.paused {
            return Ok(());
        }
        let report = self.vision.look(frame, info)?;
        let changed = self.status.see(report);
        let shown = report.shown;
        if self.status.cover().is_none() {
            for display in &mut self.displays {
                display.show(frame, report)?;
            }
        }
        if let Some(captured) = info.captured {
            self.ages = (self.ages.0 + 1, self.ages.1 + captured.elapsed());
        }
        self.tally.shown += 1;
        if let (true, Some(motor)) = (changed, &self.motor) {
            motor.play(cue::pattern(&self.patterns, shown));
        }
        Ok(())
    }

    fn obey(&mut self, event: Event) -> Result<(), Stop> {
        match event {
            Event::Press(press) if self.keeper.as_mut().is_some_and(|it| it.press(press)) => {
                self.asked(false)?;
            }
            Event::Press(Press::Short) => {
                self.mode = self.mode.next();
                for display in &mut self.displays {
                    display.set_mode(self.mode)?;
                }
            }
            Event::Press(Press::Long) => {
                self.status.paused = !self.status.paused;
                if self.status.paused {
                    self.slot.want(Wanted::Closed);
                } else {
                    (self.tell)(Notice::GoesOn);
                    // One that is still missing is to be told and shown again.
                    self.status.missing = false;
                    self.slot.want(Wanted::Stream);
                    self.say(Answer::Starting)?;
                }
            }
            // Said only once it is true.
            Event::Closed if self.status.paused => {
                (self.tell)(Notice::Paused);
                self.say(Answer::Paused)?;
            }
            Event::Closed => {}
            Event::Streams => {
                self.streamed = true;
                self.status.missing = false;
                self.watchdog.ready();
                (self.tell)(Notice::Streams);
            }
            Event::Missing(error) => {
                if !error.may_heal() || !(self.streamed || self.wait_for_camera) {
                    return Err(Stop::Failed(error.into()));
                }
                if !self.status.missing {
                    self.status.missing = true;
                    self.tally.unreadable += 1;
                    // A badge that waits for its camera works as it should.
                    self.watchdog.ready();
                    (self.tell)(Notice::Missing(error));
                    self.say(Answer::CameraMissing)?;
                }
            }
            Event::Pin(error) => (self.tell)(Notice::Pin(error)),
            Event::Ended => return Err(Stop::End),
            Event::Frame | Event::Nothing => {}
        }
        Ok(())
    }

    /// Shows a state of the badge itself.
    fn say(&mut self, answer: Answer) -> Result<(), Stop> {
        let report = self.status.say(answer);
        for display in &mut self.displays {
            display.show(&Luma::default(), report)?;
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<(), Stop> {
        let low = match self.battery_low.as_mut().map(|input| input.is_on()) {
            Some(Ok(low)) => low,
            Some(Err(error)) => {
                // Asking again each second would only fill the log.
                self.battery_low = None;
                (self.tell)(Notice::Pin(error));
                false
            }
            None => false,
        };
        if self.status.battery(low, now) {
            let report = self.status.shown();
            for display in &mut self.displays {
                display.show(&Luma::default(), report)?;
            }
        }
        if let Some(error) = self.lamp.failure() {
            (self.tell)(Notice::Pin(error));
        }
        for display in &mut self.displays {
            display.tick()?;
        }
        self.measure(now, low);
        self.keep(now)
    }

    /// Looks after new bundles and questions.
    fn keep(&mut self, now: Instant) -> Result<(), Stop> {
        let well = self.slot.capture_age() < STUCK;
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        match keeper.tick(now, well) {
            Kept::Nothing => {}
            Kept::Yes(slot) => (self.tell)(Notice::Kept(slot)),
            Kept::Not(error) => (self.tell)(Notice::NotKept(error)),
            Kept::Ask(text) => {
                (self.tell)(Notice::Asks(text));
                self.asked(true)?;
            }
            Kept::Asked => self.asked(false)?,
            Kept::Again => {
                (self.tell)(Notice::Changes);
                return Err(Stop::Again);
            }
        }
        Ok(())
    }

    /// Shows that a question waits for the button, or no longer.
    fn asked(&mut self, asking: bool) -> Result<(), Stop> {
        let report = self.status.ask(asking);
        for display in &mut self.displays {
            display.show(&Luma::default(), report)?;
        }
        Ok(())
    }

    /// Tells the hub what happened since the last time.
    fn measure(&mut self, now: Instant, battery_low: bool) {
        let last = std::mem::replace(
            &mut self.meter,
            Meter { since: Some(now), shown: self.tally.shown, ages: self.ages },
        );
        let Some(since) = last.since else { return };
        let elapsed_ms = now.saturating_duration_since(since).as_millis().max(1) as u64;
        let looks = self.tally.shown - last.shown;
        let aged = self.ages.0 - last.ages.0;
        let age = self.ages.1.saturating_sub(last.ages.1);
        let state = match &self.status {
            Status { paused: true, .. } => CameraState::Paused,
            Status { missing: true, .. } => CameraState::CameraMissing,
            _ if self.streamed => CameraState::Streaming,
            _ => CameraState::Starting,
        };
        let watched = self.battery_low.is_some();
        let slowdown = self.pace.slowdown();
        self.hub.update(|status| {
            status.state = state;
            status.fps_milli = u32::try_from(looks * 1_000_000 / elapsed_ms).unwrap_or(u32::MAX);
            status.latency_ms = (aged > 0).then(|| (age.as_millis() / u128::from(aged)) as u32);
            status.battery_low = watched.then_some(battery_low);
            status.slowdown = slowdown;
        });
    }

    fn feel(&mut self) {
        let Some(celsius) = self.thermometer.celsius() else { return };
        self.hub.update(|status| status.temperature_milli = Some((celsius * 1000.0) as i32));
        let before = self.pace.slowdown();
        self.pace.feel(celsius);
        if self.pace.slowdown() != before {
            (self.tell)(Notice::Slowed(self.pace.slowdown()));
        }
    }
}
