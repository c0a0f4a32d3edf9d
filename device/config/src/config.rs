//! All settings of a badge.

use std::io::{self, Write};

use emocue_models::steady::SteadySettings;
use serde::{Deserialize, Serialize};

use crate::camera::CameraSettings;
use crate::gpio::{Driver, GpioSettings, LedSettings};
use crate::journal::JournalSettings;
use crate::link::LinkSettings;
use crate::look::LookSettings;
use crate::pace::PaceSettings;
use crate::panel::PanelSettings;
use crate::pictures::PictureSettings;
use crate::pins::{self, Pins};
use crate::practice::PracticeSettings;
use crate::screen::ScreenSettings;
use crate::session::SessionSettings;
use crate::update::UpdateSettings;
use crate::use_place::{Reason, UsePlace};
use crate::vibration::VibrationSettings;
use crate::voice::VoiceSettings;

/// All settings of a badge, with defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The board profile that these values extend: a name from [`BOARDS`](crate::BOARDS).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// Where the badge is used.
    #[serde(rename = "use")]
    pub use_place: UsePlace,
    /// Why its camera may be used in a school or at work.
    pub reason: Reason,
    /// Where frames come from.
    pub camera: CameraSettings,
    /// The networks, and how often they run.
    pub look: LookSettings,
    /// How an answer is steadied over time.
    pub steady: SteadySettings,
    /// The OLED.
    pub panel: PanelSettings,
    /// A screen with a framebuffer.
    pub screen: ScreenSettings,
    /// How pins are driven.
    pub gpio: GpioSettings,
    /// Which pin has which role.
    #[serde(with = "pins")]
    pub pins: Pins,
    /// The LED that is lit while the camera streams.
    pub led: LedSettings,
    /// When the motor plays, and what for each expression.
    pub vibration: VibrationSettings,
    /// Whether answers are spoken, and from which files.
    pub voice: VoiceSettings,
    /// How long a session lasts.
    pub session: SessionSettings,
    /// The practice games.
    pub practice: PracticeSettings,
    /// Pictures that the wearer may keep.
    pub pictures: PictureSettings,
    /// The frame rate.
    pub pace: PaceSettings,
    /// Which bundles are accepted, and where they are stored.
    pub update: UpdateSettings,
    /// The cable to a host.
    pub link: LinkSettings,
    /// The wearer's own journal.
    pub journal: JournalSettings,
}

impl Config {
    /// Writes it as TOML, which reads back as the same configuration.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_toml(&self, mut out: impl Write) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }

    /// Writes a summary of a few lines: board, camera, panel, screen, pins, voice, and a session's length.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_summary(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "board   {}", self.board.as_deref().unwrap_or("none"))?;
        writeln!(out, "camera  {}", self.camera.source)?;
        let PanelSettings { enabled, size, bus, address, .. } = &self.panel;
        if *enabled {
            let (width, height, bus) = (size.width(), size.height(), bus.display());
            writeln!(out, "panel   {width}x{height} px on {bus} at {address:#04x}")?;
        } else {
            writeln!(out, "panel   none")?;
        }
        if self.screen.enabled {
            writeln!(out, "screen  {}", self.screen.framebuffer.display())?;
        }
        let used = pins::of(&self.pins).into_iter().filter_map(|(role, pin)| Some((role, pin?)));
        let is_off = |role| match role {
            "led" => !self.led.enabled,
            "motor" => !self.vibration.enabled,
            _ => false,
        };
        let off = |role| if is_off(role) { " (off)" } else { "" };
        let used = used.map(|(role, pin)| format!("{role} {}{}", pin.line, off(role)));
        let used: Vec<_> = used.collect();
        match used.is_empty() || self.gpio.driver == Driver::None {
            true => writeln!(out, "pins    none")?,
            false => writeln!(out, "pins    {} of {}", used.join(", "), self.gpio.chip)?,
        }
        if self.voice.enabled {
            let (folder, player) = (self.voice.folder.display(), self.voice.player.name());
            writeln!(out, "voice   {folder}, by {player}")?;
        }
        match self.session.minutes {
            0 => Ok(()),
            1 => writeln!(out, "session 1 minute"),
            minutes => writeln!(out, "session {minutes} minutes"),
        }
    }
}
