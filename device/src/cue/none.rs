//! No pins: outputs do nothing, inputs never change.

use std::thread;
use std::time::Duration;

use emocue_config::Pin;

use super::{CueError, Gpio, Input, LineChange, Output};

/// Dummy pins, for a desktop and for a badge without pins.
pub(super) struct NoPins;

impl Gpio for NoPins {
    fn output(&mut self, _: Pin) -> Result<Box<dyn Output>, CueError> {
        Ok(Box::new(Self))
    }

    fn input(&mut self, _: Pin) -> Result<Box<dyn Input>, CueError> {
        Ok(Box::new(Self))
    }
}

impl Output for NoPins {
    fn set(&mut self, _: bool) -> Result<(), CueError> {
        Ok(())
    }
}

impl Input for NoPins {
    fn is_on(&mut self) -> Result<bool, CueError> {
        Ok(false)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Option<LineChange>, CueError> {
        thread::sleep(timeout);
        Ok(None)
    }
}
