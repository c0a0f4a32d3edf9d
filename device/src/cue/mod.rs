//! What the wearer presses and feels: a button, an LED, a vibration motor and a battery's warning, each on one pin.

mod button;
#[cfg(all(feature = "gpio", target_os = "linux"))]
mod gpiocdev;
mod motor;
mod none;
mod pattern;
mod refusal;
#[cfg(all(feature = "rppal", target_os = "linux"))]
mod rppal;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use button::{Button, Press};
pub use motor::Motor;
pub use pattern::{Pattern, PatternError, Patterns};

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

/// A pin's new level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether it is on.
    pub on: bool,
    /// How long ago it changed, by whoever saw it first: a busy board may hear of two changes at once.
    pub ago: Duration,
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
    fn wait(&mut self, timeout: Duration) -> Result<Option<Change>, CueError>;
}

/// Who gives pins.
pub trait Gpio {
    /// Takes a pin for driving; it is off at first.
    ///
    /// # Errors
    /// [`CueError`] when there is no such line, another program holds it, or it may not be opened.
    fn output(&mut self, pin: Pin) -> Result<Box<dyn Output>, CueError>;

    /// As [`Gpio::output`], for an LED that is lit with a brightness of `percent`, `0..=100`, where the driver can
    /// do that, and fully elsewhere.
    ///
    /// # Errors
    /// As for [`Gpio::output`].
    fn lamp(&mut self, pin: Pin, percent: u8) -> Result<Box<dyn Output>, CueError> {
        let _ = percent;
        self.output(pin)
    }

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

/// Which way leads to the pins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Driver {
    /// The kernel's GPIO character device: any board. Needs the feature `gpio`.
    Gpiocdev,
    /// A Raspberry Pi's registers, which can dim an LED. Needs the feature `rppal`.
    Rppal,
    /// No pins: what is driven does nothing, what is watched never changes.
    #[default]
    None,
}

/// Opens a driver; `chip`, such as `/dev/gpiochip0`, is for [`Driver::Gpiocdev`] alone.
///
/// # Errors
/// [`CueError`] for a chip that does not exist or may not be opened, a board that is no Raspberry Pi, or a program
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
        let text = error.to_string();
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
        let text = open(Driver::Rppal, Path::new("")).err().unwrap().to_string();
        let next = if cfg!(all(feature = "rppal", target_os = "linux")) {
            "gpiocdev"
        } else {
            "--features rppal"
        };
        assert!(text.contains("Raspberry Pi") && text.contains(next), "{text}");
    }

    #[test]
    fn drivers_have_the_names_of_the_configuration() {
        #[derive(Deserialize)]
        struct Table {
            driver: Driver,
        }
        for (name, driver) in
            [("gpiocdev", Driver::Gpiocdev), ("rppal", Driver::Rppal), ("none", Driver::None)]
        {
            let table: Table = toml::from_str(&format!("driver = {name:?}")).unwrap();
            assert_eq!(table.driver, driver);
        }
    }
}
