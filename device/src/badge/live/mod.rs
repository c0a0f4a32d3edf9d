//! A camera that streams: the newest frame is looked at, the button obeyed, and what goes missing waited for.

mod events;
mod notice;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use emocue_config::{Mode, PaceSettings, Patterns};

use super::capture::{Lamp, capture};
use super::keeper::Keeper;
use super::pace::Pace;
use super::slot::{Event, Slot, Wanted};
use super::status::Status;
use super::thermometer::Thermometer;
use super::watchdog::Watchdog;
use super::{BadgeError, Tally};
use crate::camera::Camera;
use crate::cue::{CueError, Input, Motor, Output, Press};
use crate::link::Hub;
use crate::show::Display;
use crate::vision::Vision;
use events::{Meter, Run};
pub use notice::Notice;

/// The longest time without looking whether the badge shall stop.
const WAKE: Duration = Duration::from_millis(200);

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
    pub pace: PaceSettings,
    /// The board's temperature.
    pub thermometer: Thermometer,
    /// systemd's.
    pub watchdog: Watchdog,
    /// Wait for a camera that is missing from the start, instead of ending.
    pub wait_for_camera: bool,
    /// Begin paused, as before a new start.
    pub paused: bool,
    /// Looks after new bundles and questions, where there is a folder for them.
    pub keeper: Option<Keeper>,
    /// Told how the badge is.
    pub hub: Arc<Hub>,
    /// End after so many looks.
    pub limit: Option<u64>,
}

/// How a badge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How the run went.
    pub tally: Tally,
    /// It is to start anew, with another bundle or configuration, and in this state.
    pub again: Option<Again>,
}

/// What the wearer chose before a new start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// What panels show.
    pub mode: Mode,
    /// The camera is closed.
    pub paused: bool,
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
    ) -> Result<Ended, BadgeError> {
        let slot = Arc::new(Slot::new());
        if self.paused {
            slot.want(Wanted::Closed);
        }
        let lamp = Lamp::new(self.led.take());
        let closed = start_capture(self.camera, &slot, &lamp);
        let ended = Arc::new(AtomicBool::new(false));
        if let Some(button) = self.button.take() {
            start_button(button, &slot, &ended);
        }
        let status = Status::new(self.vision.labels(), self.paused);
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
            meter: Meter::default(),
            keeper: self.keeper,
            hub: &self.hub,
            tell: &mut tell,
        };
        let done = run.until(stop);
        run.watchdog.stopping();
        let (tally, (aged, age)) = (run.tally, run.ages);
        let chosen = Again { mode: run.mode, paused: run.status.paused };
        ended.store(true, Ordering::Relaxed);
        slot.want(Wanted::End);
        // Panels first: whatever the camera does, nothing stays lit.
        let finished = run.displays.iter_mut().try_for_each(|display| display.finish());
        drop(run);
        if closed.recv_timeout(CLOSE) == Err(RecvTimeoutError::Timeout) {
            lamp.set(false);
            tell(Notice::Stuck);
        }
        let again = done?.then_some(chosen);
        finished?;
        let age = (aged > 0).then(|| age / u32::try_from(aged).unwrap_or(u32::MAX));
        tell(Notice::Stopped { looks: tally.shown, age });
        Ok(Ended { tally, again })
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
