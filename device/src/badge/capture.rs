//! The capture thread: only it accesses the camera, and the LED is lit exactly while the camera may stream.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::mailbox::{Captured, Event, Mailbox, Wanted};
use crate::camera::{Camera, CameraRead};
use crate::cue::{CueError, Output};

/// How long to wait before a missing camera is tried again, ms: doubled each time, up to the last.
const FIRST_RETRY_MS: u64 = 250;
const LAST_RETRY_MS: u64 = 2_000;

/// A camera that streamed for less than this and failed is missing for as long as one that did not start: its LED and the
/// screen would blink.
const STREAMS_WELL: Duration = Duration::from_secs(5);

/// The LED that is lit while the camera may stream. Shared, so that it can be switched off when the camera is stuck.
#[derive(Clone)]
pub(super) struct Lamp(Arc<Mutex<Inner>>);

struct Inner {
    output: Option<Box<dyn Output>>,
    lit: bool,
    failure: Option<CueError>,
}

impl Lamp {
    pub(super) fn new(output: Option<Box<dyn Output>>) -> Self {
        Self(Arc::new(Mutex::new(Inner { output, lit: false, failure: None })))
    }

    pub(super) fn set(&self, lit: bool) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.lit == lit {
            return;
        }
        inner.lit = lit;
        let done = inner.output.as_mut().map_or(Ok(()), |output| output.set(lit));
        if let Err(error) = done {
            inner.failure.get_or_insert(error);
        }
    }

    /// Why the LED could not be switched; reported once.
    pub(super) fn failure(&self) -> Option<CueError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failure.take()
    }
}

/// Streams while frames are wanted, until the end or `stop`, which does not wait for the processing of a frame.
pub(super) fn capture(camera: &mut dyn Camera, mailbox: &Mailbox, lamp: &Lamp, stop: &AtomicBool) {
    let mut captured = Captured::default();
    let mut streams = false;
    let mut since = Instant::now();
    let mut retry_ms = FIRST_RETRY_MS;
    loop {
        let (wanted, wish) = mailbox.wanted();
        match wanted {
            Wanted::End => break,
            _ if stop.load(Ordering::Relaxed) => break,
            Wanted::Stream => {}
            Wanted::Closed => {
                camera.close();
                lamp.set(false);
                streams = false;
                mailbox.post(Event::Closed);
                mailbox.rest(wish, None);
                continue;
            }
        }
        lamp.set(true);
        match camera.next(&mut captured.frame, &mut captured.info) {
            Ok(CameraRead::Frame) => {
                if !streams {
                    mailbox.post(Event::Streams);
                    since = Instant::now();
                }
                streams = true;
                if since.elapsed() >= STREAMS_WELL {
                    retry_ms = FIRST_RETRY_MS;
                }
                captured.colors = camera.colors().cloned();
                mailbox.put(&mut captured);
            }
            Ok(CameraRead::Nothing) => {}
            // It stays open, since it may continue by itself; closed, it would have to start again.
            Ok(CameraRead::Silent(error)) => {
                streams = false;
                mailbox.post(Event::Missing(error));
            }
            Ok(CameraRead::End) => {
                mailbox.post(Event::Ended);
                break;
            }
            Err(error) => {
                camera.close();
                lamp.set(false);
                streams = false;
                let hopeless = !error.may_heal();
                mailbox.post(Event::Missing(error));
                if hopeless {
                    break;
                }
                mailbox.rest(wish, Some(Duration::from_millis(retry_ms)));
                retry_ms = (retry_ms * 2).min(LAST_RETRY_MS);
            }
        }
    }
    camera.close();
    lamp.set(false);
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::camera::CameraError;
    use crate::camera::pipe::{PipeError, scripted};

    /// Longer than any step takes on a busy machine; only a failing test waits this long.
    const LONGEST: Duration = Duration::from_secs(20);

    /// What the badge receives from a camera whose program runs on a simulated clock: frames, and errors.
    struct Seen {
        frames: usize,
        missing: Vec<CameraError>,
        /// How often the program was started.
        starts: usize,
        lit: Vec<bool>,
    }

    /// Records how the LED is switched.
    struct Light(Arc<Mutex<Vec<bool>>>);

    impl Output for Light {
        fn set(&mut self, lit: bool) -> Result<(), CueError> {
            self.0.lock().unwrap().push(lit);
            Ok(())
        }
    }

    /// Captures from a camera whose first frame comes after `first`, and the next ones each `every`, until `enough`.
    fn captured(first: Duration, every: Duration, enough: impl Fn(&Seen) -> bool) -> Seen {
        let (mut camera, starts) = scripted::camera(first, every);
        let mailbox = Mailbox::new();
        let lit = Arc::<Mutex<Vec<bool>>>::default();
        let lamp = Lamp::new(Some(Box::new(Light(Arc::clone(&lit)))));
        let mut seen = Seen { frames: 0, missing: Vec::new(), starts: 0, lit: Vec::new() };
        thread::scope(|scope| {
            scope.spawn(|| capture(&mut camera, &mailbox, &lamp, &AtomicBool::new(false)));
            let mut taken = Captured::default();
            let deadline = Instant::now() + LONGEST;
            while !enough(&seen) {
                match mailbox.wait(&mut taken, Instant::now(), deadline) {
                    Event::Frame => seen.frames += 1,
                    Event::Missing(error) => seen.missing.push(error),
                    Event::Streams => {}
                    other => {
                        mailbox.want(Wanted::End);
                        panic!("{other:?}");
                    }
                }
            }
            mailbox.want(Wanted::End);
        });
        seen.starts = starts.load(Ordering::Relaxed);
        seen.lit.clone_from(&lit.lock().unwrap());
        seen
    }

    const USUAL: Duration = Duration::from_millis(33);

    #[test]
    fn a_camera_that_starts_slowly_is_started_once_and_not_missing() {
        for first in [500, 1200, 4000, 9000] {
            let seen = captured(Duration::from_millis(first), USUAL, |seen| seen.frames >= 3);
            assert!(seen.missing.is_empty(), "first frame after {first} ms: {:?}", seen.missing);
            assert_eq!((seen.starts, seen.lit), (1, vec![true, false]), "after {first} ms");
        }
    }

    #[test]
    fn a_camera_with_slow_frames_is_not_missing_between_them() {
        let every = Duration::from_millis(1900);
        let seen = captured(Duration::from_millis(100), every, |seen| seen.frames >= 3);
        assert!(seen.missing.is_empty() && seen.starts == 1, "{:?}", seen.missing);
    }

    #[test]
    fn a_camera_that_pauses_is_missing_meanwhile_and_stays_open() {
        let every = Duration::from_secs(6);
        let seen = captured(Duration::from_millis(100), every, |seen| seen.frames >= 2);
        let silent = |error: &CameraError| matches!(error, CameraError::Pipe(PipeError::Silent { waited, .. }) if waited.as_secs() >= 2);
        assert!(!seen.missing.is_empty() && seen.missing.iter().all(silent), "{:?}", seen.missing);
        assert_eq!((seen.starts, seen.lit), (1, vec![true, false]));
    }

    #[test]
    fn a_camera_that_never_gives_a_frame_is_missing_and_started_again() {
        let seen = captured(Duration::from_secs(60), USUAL, |seen| seen.missing.len() >= 2);
        assert_eq!((seen.frames, seen.starts), (0, 2));
        assert_eq!(seen.lit, [true, false, true, false], "dark between the two starts");
    }
}
