//! Inputs and outputs for the wearer: a button, an LED, a vibration motor and a low-battery input, each on one pin, and
//! a voice.

mod button;
mod cadence;
mod chip;
#[cfg(all(feature = "gpio", target_os = "linux"))]
mod gpiocdev;
mod motor;
mod none;
mod refusal;
#[cfg(all(feature = "rppal", target_os = "linux"))]
mod rppal;
mod vibration;
mod voice;

use std::path::Path;
use std::time::Duration;

use emocue_config::{Driver, Pin};
use emocue_models::failure::{Failure, exit, sentence};

pub use button::{Button, Press, TimedPress};
pub use cadence::{Cadence, CueState};
pub use chip::chip_node;
pub use motor::Motor;
pub use vibration::Vibration;
pub use voice::{Voice, sound_file};

/// An output pin. It is switched off when this value is dropped.
pub trait Output: Send {
    /// Switches it on or off.
    ///
    /// # Errors
    /// [`CueError`] when the system refuses.
    fn set(&mut self, on: bool) -> Result<(), CueError>;
}

/// A pin's new level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// Whether it is on.
    pub on: bool,
    /// How long ago it changed, by the event's timestamp: a busy board may receive two changes at once.
    pub ago: Duration,
}

/// An input pin.
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
    fn wait(&mut self, timeout: Duration) -> Result<Option<LineChange>, CueError>;
}

/// A driver of pins.
pub trait Gpio {
    /// Requests a pin as an output; it is off at first.
    ///
    /// # Errors
    /// [`CueError`] when there is no such line, another program holds it, or it may not be opened.
    fn output(&mut self, pin: Pin) -> Result<Box<dyn Output>, CueError>;

    /// As [`Gpio::output`], for an LED with a brightness of `percent`, `0..=100`, if the driver can dim it, else at
    /// full brightness.
    ///
    /// # Errors
    /// As for [`Gpio::output`].
    fn lamp(&mut self, pin: Pin, percent: u8) -> Result<Box<dyn Output>, CueError> {
        let _ = percent;
        self.output(pin)
    }

    /// Requests a pin as an input, with the pull resistor for its idle level, and debounced where the driver can do
    /// that.
    ///
    /// # Errors
    /// As for [`Gpio::output`].
    fn input(&mut self, pin: Pin) -> Result<Box<dyn Input>, CueError>;
}

/// A pin or a voice that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct CueError {
    /// The pin and its chip: `"line 17 of /dev/gpiochip0"`; a voice's player or file.
    pub what: String,
    /// The system's error.
    pub reason: String,
    /// What to do about it, as a part of a sentence.
    pub next: String,
}

impl Failure for CueError {
    fn help(&self) -> Option<String> {
        Some(sentence(&self.next))
    }

    fn exit_code(&self) -> u8 {
        exit::PIN
    }
}

/// An output that is held off and never switched on.
pub struct HeldOff(Box<dyn Output>);

impl HeldOff {
    /// Switches `output` off permanently.
    ///
    /// # Errors
    /// As for [`Output::set`].
    pub fn new(mut output: Box<dyn Output>) -> Result<Self, CueError> {
        output.set(false)?;
        Ok(Self(output))
    }
}

impl Output for HeldOff {
    fn set(&mut self, _: bool) -> Result<(), CueError> {
        self.0.set(false)
    }
}

/// Opens a driver; `chip`, such as `/dev/gpiochip0`, is only for [`Driver::Gpiocdev`].
///
/// # Errors
/// [`CueError`] for a chip that does not exist or may not be opened, a board that is not a Raspberry Pi, or a program
/// that was built without the driver.
pub fn open(driver: Driver, chip: &Path) -> Result<Box<dyn Gpio>, CueError> {
    match driver {
        #[cfg(all(feature = "gpio", target_os = "linux"))]
        Driver::Gpiocdev => Ok(Box::new(gpiocdev::Lines::open(chip)?)),
        #[cfg(not(all(feature = "gpio", target_os = "linux")))]
        Driver::Gpiocdev => Err(refusal::not_built(&chip.display().to_string(), "gpio")),
        #[cfg(all(feature = "rppal", target_os = "linux"))]
        Driver::Rppal => Ok(Box::new(rppal::Registers::open()?)),
        #[cfg(not(all(feature = "rppal", target_os = "linux")))]
        Driver::Rppal => Err(refusal::not_built("the Raspberry Pi's pins", "rppal")),
        Driver::None => Ok(Box::new(none::NoPins)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use emocue_models::failure;

    use super::*;

    const PIN: Pin = Pin { line: 17, active_low: false };

    #[test]
    fn a_badge_without_pins_runs() {
        let mut gpio = open(Driver::None, Path::new("")).unwrap();
        gpio.lamp(PIN, 40).unwrap().set(true).unwrap();
        let mut button = gpio.input(PIN).unwrap();
        assert!(!button.is_on().unwrap());
        assert_eq!(button.wait(Duration::ZERO).unwrap(), None);
    }

    #[test]
    fn a_chip_that_cannot_be_opened_says_what_to_do() {
        let error = open(Driver::Gpiocdev, Path::new("/dev/gpiochip-none")).err().unwrap();
        let text = failure::line(&error);
        assert!(text.contains("/dev/gpiochip-none"), "{text}");
        let next = if cfg!(all(feature = "gpio", target_os = "linux")) {
            "there is"
        } else {
            "--features gpio"
        };
        assert!(text.contains(next), "{text}");
    }

    #[cfg(not(target_arch = "aarch64"))]
    #[test]
    fn other_boards_are_no_raspberry_pi() {
        let text = failure::line(&open(Driver::Rppal, Path::new("")).err().unwrap());
        let next = if cfg!(all(feature = "rppal", target_os = "linux")) {
            "gpiocdev"
        } else {
            "--features rppal"
        };
        assert!(text.contains("Raspberry Pi") && text.contains(next), "{text}");
    }

    #[test]
    fn an_output_that_is_held_off_is_never_on() {
        struct Log(Arc<Mutex<Vec<bool>>>);
        impl Output for Log {
            fn set(&mut self, on: bool) -> Result<(), CueError> {
                self.0.lock().unwrap().push(on);
                Ok(())
            }
        }
        let log = Arc::<Mutex<Vec<bool>>>::default();
        let mut output = HeldOff::new(Box::new(Log(Arc::clone(&log)))).unwrap();
        for on in [true, false, true] {
            output.set(on).unwrap();
        }
        assert_eq!(*log.lock().unwrap(), [false; 4]);
    }
}
