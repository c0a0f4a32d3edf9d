//! The doctor's hardware checks: each part is opened as by the badge, and released.

use emocue_config::{Config, PanelSettings, Source};
use emocue_device::camera::{self, CameraRead, FrameInfo, OpenOptions};
use emocue_device::cue::CueError;
use emocue_device::doctor::CheckOutcome;
use emocue_device::sandbox;
#[cfg(unix)]
use emocue_device::show::framebuffer;
use emocue_device::show::oled;
use emocue_models::failure::line;
use emocue_models::luma::Luma;

use super::board::pins;

/// Captures one frame, which lights the camera's own LED for a moment.
pub(crate) fn camera_outcome(config: &Config) -> CheckOutcome {
    let source: Source = match config.camera.source.parse() {
        Ok(source) => source,
        Err(error) => {
            return CheckOutcome::problem(line(&error), "correct source under [camera]");
        }
    };
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    let options = OpenOptions { guard: Some(sandbox::own_program()), ..OpenOptions::default() };
    let seen = camera::open_with(&source, &options, &mut |_| ()).and_then(|mut camera| {
        let seen = loop {
            match camera.next(&mut frame, &mut info) {
                // It is starting.
                Ok(CameraRead::Nothing) => {}
                Ok(CameraRead::Silent(error)) => break Err(error),
                seen => break seen,
            }
        };
        camera.close();
        seen
    });
    match seen {
        Ok(read) if read.is_frame() => CheckOutcome::ok(format!(
            "{} gives {}x{} px",
            config.camera.source,
            frame.width(),
            frame.height()
        )),
        Ok(_) => CheckOutcome::problem(
            format!("{} ends at once", config.camera.source),
            "look at what it starts",
        ),
        Err(error) => CheckOutcome::failure(&error, "`emocue-badge cameras` lists what is there"),
    }
}

/// Probes the panel at its address; its content is not changed.
pub(crate) fn panel_outcome(config: &Config) -> CheckOutcome {
    let PanelSettings { bus, address, .. } = &config.panel;
    match oled::probe(&config.panel) {
        Ok(()) => CheckOutcome::ok(format!("answers at {address:#04x} of {}", bus.display())),
        Err(error) => CheckOutcome::failure(&error, "check the panel and its wires"),
    }
}

/// Reads the framebuffer's size and format; its content is not changed.
#[cfg(unix)]
pub(crate) fn screen_outcome(config: &Config) -> CheckOutcome {
    let node = config.screen.framebuffer.display();
    match framebuffer::probe(&config.screen) {
        Ok(found) => CheckOutcome::ok(format!("{node} has {found}")),
        Err(error) => CheckOutcome::failure(&error, "check the screen and its driver"),
    }
}

/// Not supported on this system.
#[cfg(not(unix))]
pub(crate) fn screen_outcome(_: &Config) -> CheckOutcome {
    CheckOutcome::skip("framebuffers are Linux's")
}

/// Requests every line as the badge does, which switches the outputs off.
pub(crate) fn pins_outcome(config: &Config) -> CheckOutcome {
    let take = || -> Result<usize, CueError> {
        let mut gpio = pins(config)?;
        let roles = &config.pins;
        let outputs = [roles.led, roles.motor].into_iter().flatten();
        let inputs = [roles.button, roles.battery_low].into_iter().flatten();
        let mut taken = 0;
        for pin in outputs {
            drop(gpio.output(pin)?);
            taken += 1;
        }
        for pin in inputs {
            drop(gpio.input(pin)?);
            taken += 1;
        }
        Ok(taken)
    };
    match take() {
        Ok(1) => CheckOutcome::ok(format!("1 line of {} is free", config.gpio.chip)),
        Ok(taken) => CheckOutcome::ok(format!("{taken} lines of {} are free", config.gpio.chip)),
        Err(error) => CheckOutcome::failure(&error, "check the pins in the configuration"),
    }
}
