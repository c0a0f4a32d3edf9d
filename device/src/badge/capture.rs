//! The capture thread: it alone touches the camera, and the LED is lit exactly while that may see.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use emocue_models::luma::Luma;

use super::mailbox::{Event, Mailbox, Wanted};
use crate::camera::{Camera, FrameInfo};
use crate::cue::{CueError, Output};

/// How long to wait before a missing camera is tried again, ms: doubled each time, up to the last.
const FIRST_RETRY_MS: u64 = 250;
const LAST_RETRY_MS: u64 = 2_000;

/// The LED that is lit while the camera may see. Shared, so that it can be put out when the camera is stuck.
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

    /// Why the LED could not be switched, once.
    pub(super) fn failure(&self) -> Option<CueError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failure.take()
    }
}

/// Streams while that is wanted, until the end.
pub(super) fn capture(camera: &mut dyn Camera, mailbox: &Mailbox, lamp: &Lamp) {
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    let mut streams = false;
    let mut retry_ms = FIRST_RETRY_MS;
    loop {
        match mailbox.wanted() {
            Wanted::Stream => {}
            Wanted::Closed => {
                camera.close();
                lamp.set(false);
                streams = false;
                mailbox.post(Event::Closed);
                mailbox.rest(Wanted::Closed, None);
                continue;
            }
            Wanted::End => break,
        }
        lamp.set(true);
        match camera.next(&mut frame, &mut info) {
            Ok(true) => {
                if !streams {
                    mailbox.post(Event::Streams);
                }
                (streams, retry_ms) = (true, FIRST_RETRY_MS);
                mailbox.put(&mut frame, &mut info);
            }
            Ok(false) => {
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
                mailbox.rest(Wanted::Stream, Some(Duration::from_millis(retry_ms)));
                retry_ms = (retry_ms * 2).min(LAST_RETRY_MS);
            }
        }
    }
    camera.close();
    lamp.set(false);
}
