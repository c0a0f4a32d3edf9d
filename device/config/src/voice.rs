//! Words that are spoken: one sound file for an answer, played by a program of the system.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::path;

/// The program that plays a sound file. A fixed list and not a command: a configuration can start no other program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Player {
    /// ALSA's own, from the package `alsa-utils`.
    #[default]
    #[serde(rename = "aplay")]
    Aplay,
    /// PulseAudio's, from `pulseaudio-utils`.
    #[serde(rename = "paplay")]
    Paplay,
    /// PipeWire's, from `pipewire-bin`.
    #[serde(rename = "pw-play")]
    PwPlay,
}

impl Player {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Aplay, Self::Paplay, Self::PwPlay];

    /// The program's name, as configurations write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aplay => "aplay",
            Self::Paplay => "paplay",
            Self::PwPlay => "pw-play",
        }
    }

    /// Arguments before the file name, so that the program prints nothing.
    pub const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Aplay => &["-q"],
            Self::Paplay | Self::PwPlay => &[],
        }
    }

    /// The Debian package that has it.
    pub const fn package(self) -> &'static str {
        match self {
            Self::Aplay => "alsa-utils",
            Self::Paplay => "pulseaudio-utils",
            Self::PwPlay => "pipewire-bin",
        }
    }
}

/// Whether answers are spoken, and from which files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VoiceSettings {
    /// Answers are spoken.
    pub enabled: bool,
    /// The folder of the sound files: `happiness.wav` and the like, one for each expression, and `unsure.wav` if that
    /// is spoken, too.
    #[serde(deserialize_with = "path::required")]
    pub folder: PathBuf,
    /// The program that plays them.
    pub player: Player,
    /// The minimum time from the start of one word to the next, s, `1..=3600`.
    pub every_s: u32,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            folder: "/etc/emocue/voice".into(),
            player: Player::Aplay,
            every_s: 3,
        }
    }
}

impl VoiceSettings {
    /// The minimum time from the start of one word to the next.
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.every_s.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_are_named_as_programs_are() {
        for player in Player::ALL {
            let text = format!("player = {:?}", player.name());
            assert_eq!(toml::from_str::<VoiceSettings>(&text).unwrap().player, player);
        }
        assert!(toml::from_str::<VoiceSettings>("player = \"/bin/sh\"").is_err());
    }
}
