//! A camera that streams: the newest frame is looked at, the button obeyed, and what goes missing waited for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use emocue_models::luma::Luma;

use super::capture::{Lamp, capture};
use super::pace::{self, Pace};
use super::slot::{Event, Slot, Wanted};
use super::status::Status;
use super::thermometer::Thermometer;
use super::watchdog::{STUCK, Watchdog};
use super::{BadgeError, Tally};
use crate::answer::Answer;
use crate::camera::{Camera, CameraError, FrameInfo};
use crate::cue::{CueError, Input, Motor, Output, Patterns, Press};
use crate::show::{Display, Mode};
use crate::vision::Vision;

/// The longest time without looking whether the badge shall stop.
const WAKE: Duration = Duration::from_millis(200);

/// How often displays may act on time passing, and the battery is asked.
const TICK: Duration = Duration::from_secs(1);

/// How often the temperature is read.
const FEEL: Duration = Duration::from_secs(5);

/// How long a camera may take to close at the end.
const CLOSE: Duration = Duration::from_secs(3);

/// Waits for a press of the button, at most for the time that it is given.
pub type Presses = Box<dyn FnMut(Duration) -> Result<Option<Press>, CueError> + Send>;

/// A whole badge, ready to run.
pub struct Live {
    /// Streams by itself ([`Camera::is_live`]).
    pub camera: Box<dyn Camera>,
    /// Looks at the frames.
    pub vision: Vision,
    /// Show the answers.
    pub displays: Vec<Box<dyn Display>>,
    /// What panels show at first.
    pub mode: Mode,
    /// Short press: next mode. Long press: pause, or go on.
    pub button: Option<Presses>,
    /// Lit exactly while the camera may see.
    pub led: Option<Box<dyn Output>>,
    /// Plays a pattern when the answer becomes another one.
    pub motor: Option<Motor>,
    /// What it plays.
    pub patterns: Patterns,
    /// On while the battery is nearly empty.
    pub battery_low: Option<Box<dyn Input>>,
    /// How often to look.
    pub pace: pace::Settings,
    /// The board's temperature.
    pub thermometer: Thermometer,
    /// systemd's.
    pub watchdog: Watchdog,
    /// Wait for a camera that is missing from the start, instead of ending.
    pub wait_for_camera: bool,
    /// End after so many looks.
    pub limit: Option<u64>,
}

/// What a log is told.
#[derive(Debug)]
pub enum Notice {
    /// The camera streams.
    Streams,
    /// The camera gives nothing; it is tried again until it does.
    Missing(CameraError),
    /// The camera is closed by the wearer's wish.
    Paused,
    /// The wearer wants to go on.
    GoesOn,
    /// Heat slows the badge by this factor; 1 is its usual pace.
    Slowed(u32),
    /// A pin does not do as it should.
    Pin(CueError),
    /// The camera did not close in time.
    Stuck,
    /// How often was looked, and how old frames were on average when they were shown.
    Stopped {
        /// Frames looked at.
        looks: u64,
        /// From the sensor to the displays, where the camera tells.
        age: Option<Duration>,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Streams => f.write_str("camera streams"),
            Self::Missing(error) => write!(f, "camera missing: {error}"),
            Self::Paused => f.write_str("paused: the camera is closed"),
            Self::GoesOn => f.write_str("goes on"),
            Self::Slowed(1) => f.write_str("cool again: at its usual pace"),
            Self::Slowed(factor) => write!(f, "hot: looks {factor} times less often"),
            Self::Pin(error) => error.fmt(f),
            Self::Stuck => f.write_str("the camera does not close; the LED is off all the same"),
            Self::Stopped { looks, age: Some(age) } => {
                let age = age.as_millis();
                write!(f, "stopped after {looks} looks at frames {age} ms old on average")
            }
            Self::Stopped { looks, age: None } => write!(f, "stopped after {looks} looks"),
        }
    }
}

impl Live {
    /// Runs until `stop` is set, the limit is reached, the source ends or nobody reads a display any more. Then the
    /// camera is closed, the LED and the motor are off and the panels dark.
    ///
    /// # Errors
    /// [`BadgeError`] when the camera cannot be used and waiting would not help, or a network or a display fails.
    pub fn run(
        mut self,
        stop: &AtomicBool,
        mut tell: impl FnMut(Notice),
    ) -> Result<Tally, BadgeError> {
        let slot = Arc::new(Slot::new());
        let lamp = Lamp::new(self.led.take());
        let closed = start_capture(self.camera, &slot, &lamp);
        let ended = Arc::new(AtomicBool::new(false));
        if let Some(button) = self.button.take() {
            start_button(button, &slot, &ended);
        }
        let status = Status::new(self.vision.labels());
        let mut run = Run {
            slot: &slot,
            lamp: &lamp,
            vision: self.vision,
            displays: self.displays,
            mode: self.mode,
            motor: self.motor,
            patterns: self.patterns,
            battery_low: self.battery_low,
            pace: Pace::new(self.pace),
            thermometer: self.thermometer,
            watchdog: self.watchdog,
            wait_for_camera: self.wait_for_camera,
            streamed: false,
            limit: self.limit.unwrap_or(u64::MAX),
            status,
            tally: Tally::default(),
            ages: (0, Duration::ZERO),
            tell: &mut tell,
        };
        let done = run.until(stop);
        run.watchdog.stopping();
        let (tally, (aged, age)) = (run.tally, run.ages);
        ended.store(true, Ordering::Relaxed);
        slot.want(Wanted::End);
        // Panels first: whatever the camera does, nothing stays lit.
        let finished = run.displays.iter_mut().try_for_each(|display| display.finish());
        drop(run);
        if closed.recv_timeout(CLOSE) == Err(RecvTimeoutError::Timeout) {
            lamp.set(false);
            tell(Notice::Stuck);
        }
        done?;
        finished?;
        let age = (aged > 0).then(|| age / u32::try_from(aged).unwrap_or(u32::MAX));
        tell(Notice::Stopped { looks: tally.shown, age });
        Ok(tally)
    }
}

/// Starts the capture thread; the receiver is disconnected once its camera is closed.
fn start_capture(mut camera: Box<dyn Camera>, slot: &Arc<Slot>, lamp: &Lamp) -> Receiver<()> {
    let (slot, lamp) = (Arc::clone(slot), lamp.clone());
    let (closes, closed) = channel();
    thread::spawn(move || {
        capture(camera.as_mut(), &slot, &lamp);
        drop(closes);
    });
    closed
}

/// Starts the thread that watches the button.
fn start_button(mut button: Presses, slot: &Arc<Slot>, ended: &Arc<AtomicBool>) {
    let (slot, ended) = (Arc::clone(slot), Arc::clone(ended));
    thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            match button(WAKE) {
                Ok(None) => {}
                Ok(Some(press)) => slot.tell(Event::Press(press)),
                Err(error) => {
                    slot.tell(Event::Pin(error));
                    break;
                }
            }
        }
    });
}

/// What [`Live::run`] keeps from one event to the next.
struct Run<'a> {
    slot: &'a Slot,
    lamp: &'a Lamp,
    vision: Vision,
    displays: Vec<Box<dyn Display>>,
    mode: Mode,
    motor: Option<Motor>,
    patterns: Patterns,
    battery_low: Option<Box<dyn Input>>,
    pace: Pace,
    thermometer: Thermometer,
    watchdog: Watchdog,
    wait_for_camera: bool,
    /// It was there once, so it may come back.
    streamed: bool,
    limit: u64,
    status: Status,
    tally: Tally,
    /// How many frames had an age, and the sum of those.
    ages: (u64, Duration),
    tell: &'a mut dyn FnMut(Notice),
}

/// Whether to go on, or why not: [`Stop::End`] is no failure.
enum Stop {
    End,
    Failed(BadgeError),
}

impl<E: Into<BadgeError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Run<'_> {
    fn until(&mut self, stop: &AtomicBool) -> Result<(), BadgeError> {
        match self.events(stop) {
            Err(Stop::Failed(BadgeError::Show(error))) if error.is_closed() => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::End) | Ok(()) => Ok(()),
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
        if !self.status.is_covered() {
            for display in &mut self.displays {
                display.show(frame, report)?;
            }
        }
        if let Some(captured) = info.captured {
            self.ages = (self.ages.0 + 1, self.ages.1 + captured.elapsed());
        }
        self.tally.shown += 1;
        if let (true, Some(motor)) = (changed, &self.motor) {
            motor.play(self.patterns.of(shown));
        }
        Ok(())
    }

    fn obey(&mut self, event: Event) -> Result<(), Stop> {
        match event {
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
        if let Some(answer) = self.status.battery(low, now) {
            self.say(answer)?;
        }
        if let Some(error) = self.lamp.failure() {
            (self.tell)(Notice::Pin(error));
        }
        for display in &mut self.displays {
            display.tick()?;
        }
        Ok(())
    }

    fn feel(&mut self) {
        let Some(celsius) = self.thermometer.celsius() else { return };
        let before = self.pace.slowdown();
        self.pace.feel(celsius);
        if self.pace.slowdown() != before {
            (self.tell)(Notice::Slowed(self.pace.slowdown()));
        }
    }
}

#[cfg(test)]
mod tests;
