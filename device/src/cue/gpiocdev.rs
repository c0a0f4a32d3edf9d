//! Pins through the kernel's GPIO character device: by the second version of its interface where the kernel has it, by
//! the first one (without debouncing; before Linux 5.5 without pull resistors) elsewhere.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, Value};
use gpiocdev::request::{Builder, Request};
use gpiocdev::{Chip, Error};
use rustix::time::{ClockId, clock_gettime};

use emocue_config::Pin;

use super::{CueError, Gpio, Input, LineChange, Output, refusal};
use crate::nodes;

/// The consumer of the lines, as `gpioinfo` lists it.
const CONSUMER: &str = "emocue-badge";

/// Debounce period that is requested from the kernel.
const DEBOUNCE: Duration = Duration::from_millis(5);

/// The lines of one chip.
pub(super) struct Lines {
    chip: Chip,
    path: PathBuf,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, CueError> {
        let refuse = |error: Error| {
            let reason = match error {
                Error::Os(errno) => io::Error::from_raw_os_error(errno.0),
                other => io::Error::other(other),
            };
            refusal::chip(path, &reason, &nodes::list("/dev/gpiochip"))
        };
        Ok(Self { chip: Chip::from_path(path).map_err(refuse)?, path: path.to_owned() })
    }

    /// Requests a line, configured by the first of `attempts` that its chip supports.
    fn take(&self, pin: Pin, attempts: &[fn(&mut Builder, Pin)]) -> Result<Line, CueError> {
        let what = refusal::line(pin.line, &self.path.display().to_string());
        let failed = |error: &Error| failure(&what, error);
        let count = self.chip.info().map_err(|error| failed(&error))?.num_lines;
        if pin.line >= count {
            return Err(refusal::no_line(what, count));
        }
        let mut refused = None;
        for configure in attempts {
            let mut builder = Request::builder();
            builder.on_chip(self.chip.path()).with_consumer(CONSUMER).with_line(pin.line);
            if pin.active_low {
                builder.as_active_low();
            }
            configure(&mut builder, pin);
            match builder.request() {
                Ok(request) => return Ok(Line { request, line: pin.line, what }),
                Err(error) => refused = Some(error),
            }
            let info = self.chip.line_info(pin.line).map_err(|error| failed(&error))?;
            if info.used {
                return Err(refusal::busy(what, &info.consumer));
            }
        }
        Err(refused.map_or_else(|| refusal::no_line(what.clone(), count), |error| failed(&error)))
    }
}

fn failure(what: &str, error: &Error) -> CueError {
    CueError {
        what: what.to_owned(),
        reason: error.to_string(),
        next: "look at the line with gpioinfo, or choose another pin".to_owned(),
    }
}

fn drive(builder: &mut Builder, _: Pin) {
    builder.as_output(Value::Inactive);
}

fn watch(builder: &mut Builder, _: Pin) {
    builder.as_input().with_edge_detection(EdgeDetection::BothEdges);
}

fn watch_pulled(builder: &mut Builder, pin: Pin) {
    watch(builder, pin);
    // The idle level is the inactive level.
    builder.with_bias(if pin.active_low { Bias::PullUp } else { Bias::PullDown });
}

fn watch_debounced(builder: &mut Builder, pin: Pin) {
    watch_pulled(builder, pin);
    builder.with_debounce_period(DEBOUNCE);
}

impl Gpio for Lines {
    fn output(&mut self, pin: Pin) -> Result<Box<dyn Output>, CueError> {
        Ok(Box::new(Driven(self.take(pin, &[drive])?)))
    }

    fn input(&mut self, pin: Pin) -> Result<Box<dyn Input>, CueError> {
        Ok(Box::new(self.take(pin, &[watch_debounced, watch_pulled, watch])?))
    }
}

/// A line that is held.
struct Line {
    request: Request,
    line: u32,
    what: String,
}

impl Line {
    fn check<T>(&self, result: gpiocdev::Result<T>) -> Result<T, CueError> {
        result.map_err(|error| failure(&self.what, &error))
    }
}

impl Input for Line {
    fn is_on(&mut self) -> Result<bool, CueError> {
        let value = self.check(self.request.value(self.line))?;
        Ok(value == Value::Active)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Option<LineChange>, CueError> {
        if !self.check(self.request.wait_edge_event(timeout))? {
            return Ok(None);
        }
        let event = self.check(self.request.read_edge_event())?;
        // The kernel's event timestamps use the same clock. Before Linux 5.7 they use the time of day, which is far
        // ahead, so the event counts as one of now.
        let now = clock_gettime(ClockId::Monotonic);
        let now = Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
        let ago = now.saturating_sub(Duration::from_nanos(event.timestamp_ns));
        Ok(Some(LineChange { on: event.kind == EdgeKind::Rising, ago }))
    }
}

/// A line that is driven.
struct Driven(Line);

impl Output for Driven {
    fn set(&mut self, on: bool) -> Result<(), CueError> {
        let Self(line) = self;
        line.check(line.request.set_value(line.line, Value::from(on)).map(drop))
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        // The kernel leaves a line as it is when it is released. An error can no longer be reported.
        let _ = self.set(false);
    }
}
