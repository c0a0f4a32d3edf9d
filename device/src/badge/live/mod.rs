//! The badge with a live camera: it processes the newest frame, reacts to the button, and waits for missing parts.

mod cues;
mod diary;
mod events;
mod keep;
mod menu;
mod meter;
mod notice;
mod play;
#[cfg(test)]
mod tests;
mod wearer;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use emocue_config::{Mode, PaceSettings, SessionSettings, VibrationSettings};

use super::capture::{Lamp, capture};
use super::mailbox::{Event, Mailbox, Wanted};
use super::update::UpdateMonitor;
use super::watchdog::Watchdog;
use super::{BadgeError, SessionState, Tally};
use crate::answer::GameKind;
use crate::camera::Camera;
use crate::cue::{CueError, Input, Motor, Output, TimedPress, Voice};
use crate::link::Hub;
use crate::show::{self, Display};
use crate::thermometer::Thermometer;
use crate::vision::Vision;
use events::{LiveRun, LiveState};
pub use notice::Notice;
pub use wearer::WearerOptions;

/// Interval at which the badge checks whether to stop.
const WAKE: Duration = Duration::from_millis(200);

/// How long a camera may take to close at the end.
const CLOSE: Duration = Duration::from_secs(3);

/// Waits for a press of the button, at most for the given time.
pub type Presses = Box<dyn FnMut(Duration) -> Result<Option<TimedPress>, CueError> + Send>;

/// A whole badge, ready to run.
pub struct Live {
    /// A live camera ([`Camera::is_live`]).
    pub camera: Box<dyn Camera>,
    /// Its parts.
    pub parts: LiveParts,
    /// Its options.
    pub options: LiveOptions,
}

/// The parts of a badge.
pub struct LiveParts {
    /// Finds and classifies faces.
    pub vision: Vision,
    /// Show the answers.
    pub displays: Vec<Box<dyn Display>>,
    /// Button, LED, motor, voice and battery input.
    pub cues: Cues,
    /// The board's temperature.
    pub thermometer: Thermometer,
    /// systemd's watchdog.
    pub watchdog: Watchdog,
    /// Monitors new bundles and questions, if there is a folder for them.
    pub monitor: Option<UpdateMonitor>,
    /// Receives the badge's status.
    pub hub: Arc<Hub>,
}

/// The devices on a badge's pins, and its voice.
#[derive(Default)]
pub struct Cues {
    /// Short press: next mode, and while paused the menu's next entry. Long press: pause, resume, or choose the entry.
    /// While a question is shown, its answer.
    pub button: Option<Presses>,
    /// Lit exactly while the camera may stream.
    pub led: Option<Box<dyn Output>>,
    /// Plays a pattern when the answer changes, by the rules of [`Vibration`](crate::cue::Vibration).
    pub motor: Option<Motor>,
    /// Speaks the answer when it changes.
    pub voice: Option<Voice>,
    /// On while the battery is nearly empty.
    pub battery_low: Option<Box<dyn Input>>,
}

/// Options of a badge.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// What panels show at first.
    pub mode: Mode,
    /// Whether to begin paused, as before a restart of the loop.
    pub paused: bool,
    /// The frame rate.
    pub pace: PaceSettings,
    /// When the motor plays, and which patterns.
    pub vibration: VibrationSettings,
    /// How long a session lasts.
    pub session: SessionSettings,
    /// The session that continues.
    pub session_state: SessionState,
    /// Presses that came too late for the run before.
    pub presses: Vec<TimedPress>,
    /// What the wearer may choose.
    pub wearer: WearerOptions,
    /// A game to play, with which the run ends.
    pub game: Option<GameKind>,
    /// Seed of the order of a game's expressions.
    pub seed: u64,
    /// Whether to wait for a camera that is missing from the start, instead of ending.
    pub wait_for_camera: bool,
    /// Ends after this number of processed frames.
    pub limit: Option<u64>,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Counters of the run.
    pub tally: Tally,
    /// Whether to start again, with another bundle or configuration, and in which state.
    pub again: Option<Again>,
}

/// The state that a restart of the loop continues with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// What panels show of an answer.
    pub mode: Mode,
    /// Whether the camera is closed.
    pub paused: bool,
    /// How long the session has lasted.
    pub session: SessionState,
    /// Presses that came too late for this run.
    pub presses: Vec<TimedPress>,
}

impl Live {
    /// Runs until `stop` is set, the limit is reached, the source ends or a display is closed by its reader. Then the
    /// camera is closed, the LED, the motor and the voice are off and the panels dark.
    ///
    /// # Errors
    /// [`BadgeError`] when the camera cannot be used and waiting would not help, or a network or a display fails.
    pub fn run(
        self,
        stop: &Arc<AtomicBool>,
        mut tell: impl FnMut(Notice),
    ) -> Result<Ended, BadgeError> {
        let Self { camera, mut parts, mut options } = self;
        let mailbox = Arc::new(Mailbox::new());
        for press in mem::take(&mut options.presses) {
            mailbox.post(Event::Press(press));
        }
        if options.paused {
            mailbox.want(Wanted::Closed);
        }
        let lamp = Lamp::new(parts.cues.led.take());
        let (closes, closed) = channel();
        let ended = Arc::new(AtomicBool::new(false));
        if let Some(button) = parts.cues.button.take() {
            start_button(button, &mailbox, &ended, closes.clone());
        }
        start_capture(camera, &mailbox, &lamp, stop, closes);
        let state = LiveState::new(&parts, &options);
        let mut run =
            LiveRun { parts, options, state, mailbox: &mailbox, lamp: &lamp, tell: &mut tell };
        let done = run.until(stop);
        let (tally, age) = (run.state.tally, run.state.ages.mean());
        let LiveState { mode, screen, session, play, .. } = &run.state;
        // Games are started from a pause.
        let paused = screen.paused || play.is_some();
        let (mode, session) = (*mode, session.state());
        ended.store(true, Ordering::Relaxed);
        mailbox.want(Wanted::End);
        // Displays first: whatever the camera does, none stays lit.
        let finished = show::finish(&mut run.parts.displays);
        drop(run);
        // Also for the button's thread: after a restart it would take a press from the next one.
        let is_stuck = closed.recv_timeout(CLOSE) == Err(RecvTimeoutError::Timeout);
        if is_stuck {
            lamp.set(false);
            tell(Notice::Stuck);
        }
        let restarts = done?;
        finished?;
        if restarts && is_stuck {
            return Err(BadgeError::Stuck);
        }
        let presses = mailbox.presses();
        let again = restarts.then_some(Again { mode, paused, session, presses });
        tell(Notice::Stopped { looks: tally.shown, age });
        Ok(Ended { tally, again })
    }
}

/// Starts the capture thread; it drops `closes` once its camera is closed.
fn start_capture(
    mut camera: Box<dyn Camera>,
    mailbox: &Arc<Mailbox>,
    lamp: &Lamp,
    stop: &Arc<AtomicBool>,
    closes: Sender<()>,
) {
    let (mailbox, lamp, stop) = (Arc::clone(mailbox), lamp.clone(), Arc::clone(stop));
    thread::spawn(move || {
        capture(camera.as_mut(), &mailbox, &lamp, &stop);
        // Whoever waits for `closes` may open the devices.
        drop((camera, lamp));
        drop(closes);
    });
}

/// Starts the thread that watches the button; it drops `closes` at its end, at most [`WAKE`] after `ended` is set.
fn start_button(
    mut button: Presses,
    mailbox: &Arc<Mailbox>,
    ended: &Arc<AtomicBool>,
    closes: Sender<()>,
) {
    let (mailbox, ended) = (Arc::clone(mailbox), Arc::clone(ended));
    thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            match button(WAKE) {
                Ok(None) => {}
                Ok(Some(press)) => mailbox.post(Event::Press(press)),
                Err(error) => {
                    mailbox.post(Event::Pin(error));
                    break;
                }
            }
        }
        drop(button);
        drop(closes);
    });
}
