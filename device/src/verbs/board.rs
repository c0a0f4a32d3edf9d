//! The parts of a badge, from its configuration.

use std::path::{Path, PathBuf};
use std::time::Instant;

use emocue_config::{Config, Driver, PanelSettings, Pins};
use emocue_device::badge::live::{Cues, Presses};
use emocue_device::cue::{self, Button, CueError, Gpio, HeldOff, Input, Motor, Output, Voice};
#[cfg(unix)]
use emocue_device::show::framebuffer;
use emocue_device::show::{self, Display, oled};

use super::Failure;
use crate::tell;

/// The panel of the configuration, if it has one.
pub(crate) fn panel(
    config: &Config,
    settings: show::ShowSettings,
    wait: bool,
) -> Result<Option<Box<dyn Display>>, Failure> {
    if !config.panel.enabled {
        return Ok(None);
    }
    let panel = PanelSettings { size: settings.panel, ..config.panel.clone() };
    let start = if wait { oled::PanelStart::Patient } else { oled::PanelStart::Strict };
    Ok(Some(oled::open(&panel, settings, start)?))
}

/// The screen of the configuration, if it has one.
#[cfg(unix)]
pub(crate) fn screen(
    config: &Config,
    settings: &show::ShowSettings,
    wait: bool,
) -> Result<Option<Box<dyn Display>>, Failure> {
    let screen = Some(&config.screen).filter(|screen| screen.enabled);
    Ok(screen.map(|screen| framebuffer::open(screen, settings, wait)).transpose()?)
}

/// The configuration's pins, each in its role, and its voice.
pub(crate) fn cues(config: &Config) -> Result<Cues, Failure> {
    let mut gpio = pins(config)?;
    let roles = &config.pins;
    let button = roles.button.map(|pin| gpio.input(pin)).transpose()?;
    // A motor that is disabled gets no pattern, but its pin is still held low.
    let motor = roles.motor.map(|pin| gpio.output(pin)).transpose()?;
    let led = roles.led.map(|pin| gpio.lamp(pin, config.led.brightness)).transpose()?;
    Ok(Cues {
        button: button.map(presses).transpose()?,
        led: led.map(|output| lamp(output, config.led.enabled)).transpose()?,
        motor: motor.map(|output| Motor::new(output, tell)),
        voice: config.voice.enabled.then(|| Voice::new(&config.voice)),
        battery_low: roles.battery_low.map(|pin| gpio.input(pin)).transpose()?,
    })
}

/// The LED, or its pin held off.
fn lamp(output: Box<dyn Output>, enabled: bool) -> Result<Box<dyn Output>, CueError> {
    Ok(if enabled { output } else { Box::new(HeldOff::new(output)?) })
}

/// Watches a button.
fn presses(mut input: Box<dyn Input>) -> Result<Presses, CueError> {
    let mut button = Button::new(input.is_on()?, Instant::now());
    Ok(Box::new(move |wait| button.watch(input.as_mut(), wait, Instant::now)))
}

/// The driver of the configuration's pins.
pub(super) fn pins(config: &Config) -> Result<Box<dyn Gpio>, CueError> {
    if config.pins == Pins::default() {
        return cue::open(Driver::None, Path::new(""));
    }
    let chip = match config.gpio.driver {
        Driver::Gpiocdev => cue::chip_node(&config.gpio.chip)?,
        Driver::Rppal | Driver::None => PathBuf::new(),
    };
    cue::open(config.gpio.driver, &chip)
}

/// Switches everything off, as far as possible: an output that is requested is off.
pub(crate) fn off(config: &Config) -> Result<(), Failure> {
    let dark = if config.panel.enabled { oled::darken(&config.panel) } else { Ok(()) };
    #[cfg(unix)]
    let dark = match config.screen.enabled {
        true => dark.and(framebuffer::darken(&config.screen)),
        false => dark,
    };
    let mut gpio = pins(config)?;
    for pin in [config.pins.led, config.pins.motor].into_iter().flatten() {
        drop(gpio.output(pin)?);
    }
    Ok(dark?)
}
