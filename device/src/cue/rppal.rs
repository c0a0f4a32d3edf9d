//! Pins through a Raspberry Pi's own registers, with an LED that can be dimmed.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rppal::gpio::{Error, InputPin, Level, OutputPin, Trigger};

use emocue_config::Pin;

use super::{CueError, Gpio, Input, LineChange, Output, refusal};

/// PWM frequency of a dimmed LED, Hz: too fast to be seen.
const PWM_HZ: f64 = 200.0;

/// Debounce period.
const DEBOUNCE: Duration = Duration::from_millis(5);

const CHIP: &str = "the Raspberry Pi's header (BCM numbers)";

/// The registers of this Raspberry Pi.
pub(super) struct Registers(rppal::gpio::Gpio);

impl Registers {
    pub(super) fn open() -> Result<Self, CueError> {
        rppal::gpio::Gpio::new().map(Self).map_err(|error| failure(CHIP, &error))
    }

    fn take(&self, pin: Pin) -> Result<rppal::gpio::Pin, CueError> {
        let what = refusal::line(pin.line, CHIP);
        // No chip has 256 lines, and rppal's error names the missing one.
        let line = u8::try_from(pin.line).unwrap_or(u8::MAX);
        self.0.get(line).map_err(|error| failure(&what, &error))
    }

    fn drive(&self, pin: Pin, percent: u8) -> Result<Box<dyn Output>, CueError> {
        let taken = self.take(pin)?;
        let output =
            if pin.active_low { taken.into_output_high() } else { taken.into_output_low() };
        Ok(Box::new(Driven { output, pin, percent: percent.min(100) }))
    }
}

fn failure(what: &str, error: &Error) -> CueError {
    let (reason, next) = match error {
        Error::UnknownModel => (
            "this is not a Raspberry Pi, or one newer than this program".to_owned(),
            "set the driver to \"gpiocdev\", which serves every board",
        ),
        Error::PermissionDenied(path) => (format!("{path} may not be opened"), refusal::GROUP),
        Error::PinUsed(_) => {
            ("it has a role already".to_owned(), "give every role a pin of its own")
        }
        Error::PinNotAvailable(_) => {
            ("there is no such pin".to_owned(), "use a BCM number from 2 to 27")
        }
        error => (error.to_string(), "look at the pin with pinctrl, or choose another"),
    };
    CueError { what: what.to_owned(), reason, next: next.to_owned() }
}

impl Gpio for Registers {
    fn output(&mut self, pin: Pin) -> Result<Box<dyn Output>, CueError> {
        self.drive(pin, 100)
    }

    fn lamp(&mut self, pin: Pin, percent: u8) -> Result<Box<dyn Output>, CueError> {
        self.drive(pin, percent)
    }

    fn input(&mut self, pin: Pin) -> Result<Box<dyn Input>, CueError> {
        let taken = self.take(pin)?;
        let mut input =
            if pin.active_low { taken.into_input_pullup() } else { taken.into_input_pulldown() };
        // An asynchronous interrupt for each pin: polling for a single one would block all others.
        let (changed, changes) = mpsc::channel();
        let tell = move |event: rppal::gpio::Event| {
            // The receiver is gone while the pin is being released.
            let _ = changed.send((event.trigger == Trigger::RisingEdge, Instant::now()));
        };
        input
            .set_async_interrupt(Trigger::Both, Some(DEBOUNCE), tell)
            .map_err(|error| failure(&refusal::line(pin.line, CHIP), &error))?;
        Ok(Box::new(Watched { input, pin, changes }))
    }
}

struct Driven {
    output: OutputPin,
    pin: Pin,
    percent: u8,
}

impl Output for Driven {
    fn set(&mut self, on: bool) -> Result<(), CueError> {
        let done = match self.percent {
            percent @ 1..=99 if on => {
                let lit = f64::from(percent) / 100.0;
                let high = if self.pin.active_low { 1.0 - lit } else { lit };
                self.output.set_pwm_frequency(PWM_HZ, high)
            }
            percent => {
                let cleared = self.output.clear_pwm();
                let lit = on && percent > 0;
                self.output.write(Level::from(lit != self.pin.active_low));
                cleared
            }
        };
        done.map_err(|error| failure(&refusal::line(self.pin.line, CHIP), &error))
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        // An error can no longer be reported.
        let _ = self.set(false);
    }
}

struct Watched {
    input: InputPin,
    pin: Pin,
    changes: Receiver<(bool, Instant)>,
}

impl Input for Watched {
    fn is_on(&mut self) -> Result<bool, CueError> {
        Ok(self.input.is_high() != self.pin.active_low)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Option<LineChange>, CueError> {
        match self.changes.recv_timeout(timeout) {
            Ok((high, at)) => {
                Ok(Some(LineChange { on: high != self.pin.active_low, ago: at.elapsed() }))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(CueError {
                what: refusal::line(self.pin.line, CHIP),
                reason: "its interrupt has ended".to_owned(),
                next: "start the badge again".to_owned(),
            }),
        }
    }
}
