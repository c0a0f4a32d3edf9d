//! What the wearer presses and feels: a button, an LED, a vibration motor and a battery's warning, each on one pin.

use std::time::Duration;

/// One pin as the configuration describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    /// The line's offset on its chip, which on a Raspberry Pi is the BCM number.
    pub line: u32,
    /// On, or pressed, is a low level: a button to ground with a pull-up, an LED to the supply.
    pub active_low: bool,
}

/// Which pin has which role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Short press: next mode. Long press: pause, or go on.
    pub button: Option<Pin>,
    /// Lit exactly while the camera streams.
    pub led: Option<Pin>,
    /// A vibration motor behind a transistor; a pin itself cannot drive one.
    pub motor: Option<Pin>,
    /// A power board's warning that the battery is nearly empty.
    pub battery_low: Option<Pin>,
}

/// A pin that is driven. Whatever it is, it is off once this value is dropped.
pub trait Output: Send {
    /// Switches it on or off.
    ///
    /// # Errors
    /// [`CueError`] when the system refuses.
    fn set(&mut self, on: bool) -> Result<(), CueError>;
}

/// A pin that is watched.
pub trait Input: Send {
    /// Whether it is on now: pressed, or warning.
    ///
    /// # Errors
    /// [`CueError`] when the system refuses.
    fn is_on(&mut self) -> Result<bool, CueError>;

    /// Waits for a change, at most `timeout`; `None` when none came.
    ///
    /// # Errors
    /// [`CueError`] when the system refuses.
    fn wait(&mut self, timeout: Duration) -> Result<Option<bool>, CueError>;
}

/// Who gives pins.
pub trait Gpio {
    /// Takes a pin for driving; it is off at first.
    ///
    /// # Errors
    /// [`CueError`] when there is no such line, another program holds it, or it may not be opened.
    fn output(&mut self, pin: Pin) -> Result<Box<dyn Output>, CueError>;

    /// Takes a pin for watching, with the pull that its idle level needs and bounces removed.
    ///
    /// # Errors
    /// As for [`Gpio::output`].
    fn input(&mut self, pin: Pin) -> Result<Box<dyn Input>, CueError>;
}

/// A pin that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {reason}; {next}")]
pub struct CueError {
    /// The pin and its chip: `"line 17 of /dev/gpiochip0"`.
    pub what: String,
    /// What the system says.
    pub reason: String,
    /// What to do about it.
    pub next: String,
}
