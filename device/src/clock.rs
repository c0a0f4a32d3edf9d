//! Time that tests can hold still.

use std::time::{Duration, Instant};

/// A clock that never runs backwards.
pub trait Clock: Send {
    /// Time since a fixed moment of the clock's own.
    fn now(&self) -> Duration;
}

/// The system's monotonic clock, from the moment it was made.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
