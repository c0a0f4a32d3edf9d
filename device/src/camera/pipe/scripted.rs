//! A program on a simulated clock, for tests: it writes when its script says so, without real waiting.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Pipe;
use super::child::Found;
use super::live::Program;

/// A camera of 4x2 px whose program gives its first frame after `first`, and one each `every` from then on.
///
/// The counter counts the program's starts.
pub(crate) fn camera(first: Duration, every: Duration) -> (Pipe, Arc<AtomicUsize>) {
    let starts = Arc::new(AtomicUsize::new(0));
    let (counter, clock) = (Arc::clone(&starts), Arc::new(Mutex::new(Instant::now())));
    let start = move |_: &str| -> io::Result<Box<dyn Program>> {
        counter.fetch_add(1, Ordering::Relaxed);
        let clock = Arc::clone(&clock);
        let due = *clock.lock().unwrap() + first;
        Ok(Box::new(Scripted { clock, due, every, left: HEADER.to_vec() }))
    };
    (Pipe::with("camera".parse().unwrap(), start), starts)
}

const HEADER: &[u8] = b"YUV4MPEG2 W4 H2 Cmono XCOLORRANGE=FULL\n";
const FRAME: &[u8] = b"FRAME\nabcdefgh";

struct Scripted {
    clock: Arc<Mutex<Instant>>,
    /// When the remaining bytes arrive, and then the next frame.
    due: Instant,
    every: Duration,
    left: Vec<u8>,
}

impl Program for Scripted {
    fn read(&mut self, space: &mut [u8], deadline: Instant) -> io::Result<Found> {
        let mut now = self.clock.lock().unwrap();
        if self.due > deadline {
            *now = deadline;
            return Ok(Found::Nothing);
        }
        *now = self.due.max(*now);
        if self.left.is_empty() {
            self.left.extend(FRAME);
        }
        let count = space.len().min(self.left.len());
        space[..count].copy_from_slice(&self.left[..count]);
        self.left.drain(..count);
        if self.left.is_empty() && space[count - 1] != b'\n' {
            self.due += self.every;
        }
        Ok(Found::Bytes(count))
    }

    fn said(&self) -> String {
        "it said nothing".to_owned()
    }

    fn stop(&mut self) -> io::Result<ExitStatus> {
        Ok(ExitStatus::from_raw(0))
    }

    fn now(&self) -> Instant {
        *self.clock.lock().unwrap()
    }
}
