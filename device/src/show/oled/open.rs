//! Opens a panel by its bus: the command line's form, and the help for a bus that does not open.

use std::path::Path;

use emocue_config::PanelSettings;

use crate::nodes;
use crate::show::{self, Display, ShowError};

/// What is expected of a panel when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanelStart {
    /// It may be connected later: one that does not answer is reported on standard error and tried again.
    Patient,
    /// It must answer immediately, otherwise it is an error.
    Strict,
}

/// Opens the panel that `settings` describe. Its messages go to standard error.
///
/// # Errors
/// [`ShowError::Panel`] for a bus that does not exist or may not be opened, an address that the kernel itself
/// uses, a program that was built without the feature `oled`, and with [`PanelStart::Strict`] a panel that does not
/// answer.
pub fn open(
    settings: &PanelSettings,
    shown: show::ShowSettings,
    start: PanelStart,
) -> Result<Box<dyn Display>, ShowError> {
    driver::open(settings, shown, start)
}

/// Checks whether a panel answers on the bus and address of `settings`; its content is not changed.
///
/// # Errors
/// As for [`open`] with [`PanelStart::Strict`].
pub fn probe(settings: &PanelSettings) -> Result<(), ShowError> {
    driver::probe(settings)
}

/// Switches off whatever the panel of `settings` shows, as after a badge that was killed.
///
/// # Errors
/// As for [`open`] with [`PanelStart::Strict`].
pub fn darken(settings: &PanelSettings) -> Result<(), ShowError> {
    driver::darken(settings)
}

/// Opens the display `oled[:BUS[@ADDRESS]]`.
pub(crate) fn sink(
    argument: &str,
    shown: &show::ShowSettings,
) -> Result<Box<dyn Display>, ShowError> {
    let settings = parse(argument, shown)?;
    open(&settings, *shown, PanelStart::Patient)
}

/// The argument `/dev/i2c-1@0x3d`, or only its first part; the rest is as in [`PanelSettings::default`].
fn parse(argument: &str, shown: &show::ShowSettings) -> Result<PanelSettings, ShowError> {
    let mut settings = PanelSettings { size: shown.panel, ..PanelSettings::default() };
    let (bus, address) = match argument.split_once('@') {
        Some((bus, address)) => (bus, Some(address)),
        None => (argument, None),
    };
    if !bus.is_empty() {
        settings.bus = bus.into();
    }
    if let Some(address) = address {
        settings.address = address
            .strip_prefix("0x")
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .filter(|address| ADDRESSES.contains(address))
            .ok_or_else(|| ShowError::BadArgument {
                sink: "oled",
                argument: argument.to_owned(),
                next: "an I2C address is written 0x08 to 0x77, as in /dev/i2c-1@0x3d",
            })?;
    }
    Ok(settings)
}

/// 7-bit addresses that a device may have.
const ADDRESSES: std::ops::RangeInclusive<u8> = 0x08..=0x77;

/// What to do about a bus that does not open; `there` are those that exist.
#[cfg_attr(
    not(all(feature = "oled", target_os = "linux")),
    allow(dead_code, reason = "the driver's")
)]
fn bus_advice(kind: std::io::ErrorKind, there: &[String]) -> String {
    use std::io::ErrorKind::{NotFound, PermissionDenied, ResourceBusy};
    match kind {
        NotFound if there.is_empty() => {
            "there is no I2C bus at all: switch it on with raspi-config (Interface Options, I2C), \
             or load the module i2c-dev"
                .to_owned()
        }
        NotFound => format!("there is {}", there.join(", ")),
        PermissionDenied => {
            "join the group i2c (sudo usermod -aG i2c $USER) and log in again".to_owned()
        }
        ResourceBusy => "a driver of the kernel holds this address: remove its overlay \
                         (dtoverlay=ssd1306 or alike) from the boot configuration"
            .to_owned(),
        _ => "check the bus with i2cdetect -l".to_owned(),
    }
}

#[cfg_attr(
    not(all(feature = "oled", target_os = "linux")),
    allow(dead_code, reason = "the driver's")
)]
fn bus_error(bus: &Path, reason: &std::io::Error) -> ShowError {
    ShowError::Panel {
        what: format!("cannot open {}", bus.display()),
        reason: reason.to_string(),
        next: bus_advice(reason.kind(), &nodes::list("/dev/i2c-")),
    }
}

#[cfg(all(feature = "oled", target_os = "linux"))]
mod driver {
    use std::io::{self, Write};
    use std::path::PathBuf;
    use std::time::Instant;

    use embedded_hal::i2c::{ErrorType, I2c, Operation};
    use emocue_config::PanelSettings;
    use linux_embedded_hal::{I2CError, I2cdev};

    use super::super::Oled;
    use super::{PanelStart, bus_error};
    use crate::show::{Display, ShowError, ShowSettings};

    pub(super) fn open(
        settings: &PanelSettings,
        shown: ShowSettings,
        start: PanelStart,
    ) -> Result<Box<dyn Display>, ShowError> {
        let mut panel = panel(settings, shown)?;
        if start == PanelStart::Strict {
            answered(panel.probe(), settings)?;
        }
        Ok(Box::new(panel))
    }

    pub(super) fn probe(settings: &PanelSettings) -> Result<(), ShowError> {
        answered(panel(settings, ShowSettings::default())?.probe(), settings)
    }

    pub(super) fn darken(settings: &PanelSettings) -> Result<(), ShowError> {
        answered(panel(settings, ShowSettings::default())?.darken(), settings)
    }

    fn panel(settings: &PanelSettings, shown: ShowSettings) -> Result<Oled<Bus>, ShowError> {
        let tell = |notice| {
            // Standard error may be closed.
            let _ = writeln!(io::stderr(), "{notice}");
        };
        Ok(Oled::new(Bus::open(settings)?, settings.clone(), shown, Instant::now(), tell))
    }

    fn answered(answer: Result<(), String>, settings: &PanelSettings) -> Result<(), ShowError> {
        answer.map_err(|reason| ShowError::Panel {
            what: format!("no panel at {:#04x} of {}", settings.address, settings.bus.display()),
            reason,
            next: "check its four wires and its address (i2cdetect -y N lists who answers; most \
                   panels are 0x3c, some 0x3d)"
                .to_owned(),
        })
    }

    /// A bus that is reopened after an error: the open file of a USB adapter is dead after the adapter was pulled out.
    struct Bus {
        path: PathBuf,
        open: Option<I2cdev>,
    }

    impl Bus {
        fn open(settings: &PanelSettings) -> Result<Self, ShowError> {
            let teach = |error| bus_error(&settings.bus, &io::Error::from(error));
            let mut open = I2cdev::new(&settings.bus).map_err(teach)?;
            // Nothing is sent yet, but an address that a kernel driver uses is refused.
            open.set_slave_address(settings.address.into()).map_err(teach)?;
            Ok(Self { path: settings.bus.clone(), open: Some(open) })
        }
    }

    impl ErrorType for Bus {
        type Error = I2CError;
    }

    impl I2c for Bus {
        fn transaction(
            &mut self,
            address: u8,
            operations: &mut [Operation<'_>],
        ) -> Result<(), I2CError> {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => I2cdev::new(&self.path)?,
            };
            I2c::<u8>::transaction(&mut open, address, operations)?;
            self.open = Some(open);
            Ok(())
        }
    }
}

#[cfg(not(all(feature = "oled", target_os = "linux")))]
mod driver {
    use emocue_config::PanelSettings;

    use super::PanelStart;
    use crate::show::{Display, ShowError, ShowSettings};

    pub(super) fn open(
        _: &PanelSettings,
        _: ShowSettings,
        _: PanelStart,
    ) -> Result<Box<dyn Display>, ShowError> {
        Err(missing())
    }

    pub(super) fn probe(_: &PanelSettings) -> Result<(), ShowError> {
        Err(missing())
    }

    pub(super) fn darken(_: &PanelSettings) -> Result<(), ShowError> {
        Err(missing())
    }

    fn missing() -> ShowError {
        ShowError::Panel {
            what: "cannot open a panel".to_owned(),
            reason: "this program was built without the driver".to_owned(),
            next: "build it for Linux with --features oled, or board for all of a badge's hardware"
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use std::io::{Error, ErrorKind};

    use emocue_config::{Mode, PanelSize};
    use proptest::prelude::*;

    use super::*;

    fn parsed(argument: &str) -> Result<PanelSettings, String> {
        parse(argument, &show::ShowSettings::default()).map_err(|error| failure::line(&error))
    }

    #[test]
    fn bus_and_address_are_taken_and_the_rest_is_usual() {
        let usual = PanelSettings::default();
        assert_eq!(parsed(""), Ok(usual.clone()));
        let other = PanelSettings { bus: "/dev/i2c-7".into(), ..usual };
        assert_eq!(parsed("/dev/i2c-7"), Ok(other.clone()));
        assert_eq!(parsed("/dev/i2c-7@0x3d"), Ok(PanelSettings { address: 0x3d, ..other }));
        let flat = show::ShowSettings {
            panel: PanelSize::Flat,
            mode: Mode::Word,
            ..show::ShowSettings::default()
        };
        assert_eq!(parse("", &flat).unwrap().size, PanelSize::Flat);
    }

    #[test]
    fn a_wrong_address_says_how_one_is_written() {
        for argument in ["/dev/i2c-1@3c", "/dev/i2c-1@0x3g", "@0x80", "@0x07", "@", "@0x3c@0x3d"] {
            let text = parsed(argument).unwrap_err();
            assert!(text.contains(argument) && text.contains("@0x3d"), "{text}");
        }
    }

    #[test]
    fn a_bus_that_does_not_open_says_what_to_do() {
        let advice = |kind, there: &[&str]| {
            bus_advice(kind, &there.iter().map(|node| (*node).to_owned()).collect::<Vec<_>>())
        };
        assert!(advice(ErrorKind::NotFound, &[]).contains("raspi-config"));
        let there = advice(ErrorKind::NotFound, &["/dev/i2c-2", "/dev/i2c-20"]);
        assert!(there.contains("there is /dev/i2c-2, /dev/i2c-20"), "{there}");
        assert!(advice(ErrorKind::PermissionDenied, &[]).contains("group i2c"));
        assert!(advice(ErrorKind::ResourceBusy, &[]).contains("dtoverlay"));
        let error = bus_error(Path::new("/dev/i2c-9"), &Error::from(ErrorKind::PermissionDenied));
        assert!(error.to_string().contains("/dev/i2c-9"), "{error}");
    }

    #[test]
    fn a_panel_that_is_not_there_is_an_error_and_no_panic() {
        let settings = PanelSettings { bus: "/dev/i2c-none".into(), ..PanelSettings::default() };
        let text = failure::line(&probe(&settings).unwrap_err());
        let opened = failure::line(
            &open(&settings, show::ShowSettings::default(), PanelStart::Patient).err().unwrap(),
        );
        let part = if cfg!(all(feature = "oled", target_os = "linux")) {
            "/dev/i2c-none"
        } else {
            "--features oled"
        };
        assert!(text.contains(part) && opened.contains(part), "{text}");
    }

    proptest! {
        #[test]
        fn any_argument_is_taken_or_refused(argument in ".{0,40}") {
            if let Ok(settings) = parsed(&argument) {
                prop_assert!(ADDRESSES.contains(&settings.address));
            }
        }
    }
}
