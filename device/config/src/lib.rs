//! The badge's configuration: one TOML file that overrides a board's profile, which overrides built-in values.
//!
//! Badge and host read a file with the same code, so the host refuses what the badge would refuse.
//! `device/boards/example.toml` has every key with its built-in value; every key may be left out.
//!
//! ```
//! use emocue_config::Config;
//!
//! let config = Config::parse("badge.toml", "board = 'pi-4'\npace.fps = 5")?;
//! assert_eq!(config.camera.source, "pipe:rpicam");
//! let error = Config::parse("badge.toml", "[pace]\nfsp = 5").unwrap_err().to_string();
//! assert!(error.starts_with("badge.toml:2:1: unknown key \"fsp\" in [pace]"));
//! # Ok::<(), emocue_config::ConfigError>(())
//! ```

mod boards;
mod cable;
mod camera;
mod config;
mod decode;
mod decode_error;
mod document;
mod error;
mod explain;
mod gpio;
mod journal;
mod language;
mod limits;
mod link;
mod look;
mod pace;
mod panel;
mod path;
mod pattern;
mod pictures;
mod pins;
mod place;
mod practice;
mod read;
mod screen;
mod session;
pub mod source;
#[cfg(test)]
mod tests;
mod unserved;
mod update;
mod use_place;
mod vibration;
mod voice;

pub use boards::{BOARDS, BoardProfile};
pub use camera::CameraSettings;
pub use config::Config;
pub use error::ConfigError;
pub use explain::nearest;
pub use gpio::{Driver, GpioSettings, LedSettings};
pub use journal::JournalSettings;
pub use language::{
    FitCheck, KeepTexts, LANGUAGES, Language, LanguageError, LanguageTable, LooksTexts, PanelText,
    PracticeTexts, QuestionTexts, ReasonTexts, StateTexts, TextSlot, Unfit,
};
pub use link::LinkSettings;
pub use look::{LookSettings, Who};
pub use pace::PaceSettings;
pub use panel::{Controller, Mode, PanelSettings, PanelSize};
pub use pattern::{Pattern, PatternError};
pub use pictures::PictureSettings;
pub use pins::{Pin, Pins, ROLES};
pub use place::TextPlace;
pub use practice::{Order, PracticeSettings};
pub use screen::ScreenSettings;
pub use session::SessionSettings;
pub use source::{SOURCES, SOURCES_BRIEF, Source, SourceError};
pub use unserved::Unserved;
pub use update::UpdateSettings;
pub use use_place::{Reason, UsePlace};
pub use vibration::VibrationSettings;
pub use voice::{Player, VoiceSettings};

pub use emocue_models::steady::SteadySettings;
