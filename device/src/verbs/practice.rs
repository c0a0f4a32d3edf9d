//! `emocue-badge practice`: a game from the command line instead of the badge's menu.

use std::io::{self, BufRead as _};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use emocue_config::Config;
use emocue_device::answer::GameKind;
use emocue_device::badge::live::Presses;
use emocue_device::cli::{Practice, RunArgs};
use emocue_device::cue::{CueError, Press, TimedPress};

use super::Failure;
use super::run::{Started, run_started};

/// Plays a game to its end.
pub(crate) fn practice(practice: Practice) -> Result<ExitCode, Failure> {
    let Practice { game, camera, config, rounds, wait, mount, look, show } = practice;
    let run = RunArgs {
        camera,
        recursive: false,
        config,
        wait,
        state: None,
        limit: None,
        keyboard: true,
        mount,
        look,
        show,
    };
    run_started(&run, Some(Started { game, rounds }))
}

/// Whether `game` may be played where `config` says that the badge is used.
pub(super) fn check(game: GameKind, config: &Config) -> Result<(), Failure> {
    let is_allowed = !game.uses_camera()
        || !config.use_place.is_restricted()
        || config.reason != emocue_config::Reason::None;
    if is_allowed { Ok(()) } else { Err(Failure::NotAllowed { place: config.use_place }) }
}

/// The Enter key as a button, read from standard input until its end. One thread reads for all restarts of the loop: a
/// second one would take keys from the first, and a thread cannot be ended while it waits for a key.
#[derive(Clone)]
pub(super) struct Keyboard(Arc<Mutex<Receiver<TimedPress>>>);

impl Keyboard {
    /// Begins to read.
    pub(super) fn new() -> Self {
        let (tells, told) = channel();
        thread::spawn(move || read_keys(&tells));
        Self(Arc::new(Mutex::new(told)))
    }

    /// The presses, for one start of the loop.
    pub(super) fn presses(&self) -> Presses {
        let told = Arc::clone(&self.0);
        Box::new(move |wait| {
            let pressed = told.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(wait);
            match pressed {
                Ok(press) => Ok(Some(press)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => wait_without_keys(wait),
            }
        })
    }
}

/// Waits without presses, after the end of standard input.
fn wait_without_keys(wait: Duration) -> Result<Option<TimedPress>, CueError> {
    thread::sleep(wait);
    Ok(None)
}

fn read_keys(tells: &Sender<TimedPress>) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let began = Instant::now();
        let presses: &[Press] = match line.trim() {
            "" => &[Press::Short],
            "l" => &[Press::Long],
            "h" => &[Press::Long, Press::Held],
            _ => &[],
        };
        for press in presses {
            if tells.send(TimedPress { press: *press, began }).is_err() {
                return;
            }
        }
    }
}
