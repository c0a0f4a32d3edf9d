//! The badge's configuration: one TOML file over a board's profile over built-in values.
//!
//! Everything may be left out. `device/boards/example.toml` has every key with its built-in value.

mod boards;
mod error;
mod gpio;
mod limits;
mod link;
mod nearest;
mod pins;
mod place;
mod read;
#[cfg(test)]
mod tests;
mod update;

use std::io::{self, Write};
use std::path::PathBuf;

use emocue_models::luma::{Orientation, Rotation};
use serde::{Deserialize, Serialize};

use crate::badge::pace::Settings as Pace;
use crate::cue::{Driver, Patterns, Pins};
use crate::show::{self, Mode, oled};

pub use boards::{BOARDS, Board};
pub use error::ConfigError;
pub use gpio::Gpio;
pub use link::Link;
pub use pins::ROLES;
pub use update::Update;

/// Everything that an owner may choose, filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The profile below these values: a name from [`BOARDS`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// Where frames come from.
    pub camera: Camera,
    /// Who looks at them.
    pub look: Look,
    /// The OLED.
    pub panel: Panel,
    /// How pins are driven.
    pub gpio: Gpio,
    /// Which pin has which role.
    #[serde(with = "pins")]
    pub pins: Pins,
    /// The LED that is lit while the camera streams.
    pub led: Led,
    /// What the motor does for each expression.
    pub vibration: Patterns,
    /// How often frames are looked at.
    pub pace: Pace,
    /// Whose bundles are taken, and where they lie.
    pub update: Update,
    /// The cable to a host.
    pub link: Link,
}

/// The camera and how it is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Camera {
    /// What `--camera` takes; that it names a source was checked when the file was read.
    pub source: String,
    /// Clockwise turn that makes frames upright.
    #[serde(with = "degrees")]
    pub rotate: Rotation,
    /// Mirror left to right, after the turn.
    pub mirror: bool,
    /// A missing camera is waited for; otherwise it ends the run.
    pub wait: bool,
}

impl Default for Camera {
    fn default() -> Self {
        let source = "v4l2:/dev/video0".to_owned();
        Self { source, rotate: Rotation::None, mirror: false, wait: true }
    }
}

impl Camera {
    /// What makes its frames upright.
    pub fn orientation(&self) -> Orientation {
        Orientation { rotation: self.rotate, mirror: self.mirror }
    }
}

/// The networks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Look {
    /// A bundle instead of the one inside this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<PathBuf>,
    /// Smallest face, px of the frame, instead of the bundle's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_face: Option<f32>,
}

/// The panel: whether there is one, what it shows, and its settings, all keys of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Panel {
    /// There is a panel.
    pub enabled: bool,
    /// What it shows of an answer, until the button changes that.
    pub words: Mode,
    /// The panel itself.
    #[serde(flatten)]
    pub oled: oled::Settings,
}

impl Default for Panel {
    fn default() -> Self {
        Self { enabled: true, words: Mode::default(), oled: oled::Settings::default() }
    }
}

/// The LED.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Led {
    /// Share of full brightness, `1..=100` %; only [`Driver::Rppal`] can dim.
    pub brightness: u8,
}

impl Default for Led {
    fn default() -> Self {
        Self { brightness: 100 }
    }
}

impl Config {
    /// What displays besides the panel itself take into account.
    pub fn shown(&self) -> show::Settings {
        show::Settings { panel: self.panel.oled.size, mode: self.panel.words }
    }

    /// Writes it as TOML, which reads back as the same configuration.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_toml(&self, mut out: impl Write) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }

    /// Writes a few lines about what it comes to: board, camera, panel, pins.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_summary(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "board   {}", self.board.as_deref().unwrap_or("none"))?;
        writeln!(out, "camera  {}", self.camera.source)?;
        match &self.panel {
            Panel { enabled: false, .. } => writeln!(out, "panel   none")?,
            Panel { oled, .. } => {
                let (bus, address) = (oled.bus.display(), oled.address);
                let size = oled.size.size();
                let (width, height) = (size.width, size.height);
                writeln!(out, "panel   {width}x{height} px on {bus} at {address:#04x}")?;
            }
        }
        if self.gpio.driver == Driver::None {
            return writeln!(out, "pins    none");
        }
        let used = pins::of(&self.pins).into_iter().filter_map(|(role, pin)| Some((role, pin?)));
        let used: Vec<_> = used.map(|(role, pin)| format!("{role} {}", pin.line)).collect();
        match used.is_empty() {
            true => writeln!(out, "pins    none"),
            false => writeln!(out, "pins    {} of {}", used.join(", "), self.gpio.chip),
        }
    }
}

/// A turn as TOML's whole number of degrees.
mod degrees {
    use emocue_models::luma::Rotation;
    use serde::de::{Error, Unexpected};
    use serde::{Deserialize, Deserializer, Serializer};

    const TURNS: [(u16, Rotation); 4] =
        [(0, Rotation::None), (90, Rotation::Cw90), (180, Rotation::Half), (270, Rotation::Cw270)];

    pub(super) fn serialize<S: Serializer>(turn: &Rotation, out: S) -> Result<S::Ok, S::Error> {
        let degrees = TURNS.iter().find(|(_, named)| named == turn).map_or(0, |turn| turn.0);
        out.serialize_u16(degrees)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rotation, D::Error> {
        let degrees = i64::deserialize(from)?;
        let turn = TURNS.iter().find(|(named, _)| i64::from(*named) == degrees);
        let expected = &"0, 90, 180 or 270";
        turn.map(|turn| turn.1)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Signed(degrees), expected))
    }
}
