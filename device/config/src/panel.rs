//! The OLED panel: its size, what it shows, and its burn-in protection.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::path;

/// Width and height of a panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanelSize {
    /// 128x64 px, the whole face.
    #[default]
    #[serde(rename = "128x64")]
    Tall,
    /// 128x32 px, only eyes, brows and mouth.
    #[serde(rename = "128x32")]
    Flat,
}

impl PanelSize {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Tall, Self::Flat];

    /// As configuration and command line write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tall => "128x64",
            Self::Flat => "128x32",
        }
    }

    /// Width, px.
    pub const fn width(self) -> u32 {
        128
    }

    /// Height, px.
    pub const fn height(self) -> u32 {
        match self {
            Self::Tall => 64,
            Self::Flat => 32,
        }
    }
}

/// What the panel shows of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The emoji alone.
    Emoji,
    /// The word alone.
    Word,
    /// The emoji with the word beside it.
    #[default]
    Both,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Emoji, Self::Word, Self::Both];

    /// As configuration and command line write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emoji => "emoji",
            Self::Word => "word",
            Self::Both => "both",
        }
    }

    /// The next mode at a press of the button: both, emoji, word, both.
    pub fn next(self) -> Self {
        match self {
            Self::Both => Self::Emoji,
            Self::Emoji => Self::Word,
            Self::Word => Self::Both,
        }
    }
}

/// The display controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    /// Solomon Systech SSD1306: 128 columns of GDDRAM.
    #[default]
    Ssd1306,
    /// Sino Wealth SH1106: 132 columns, of which the panel shows those from 2 on. Often sold as an SSD1306.
    Sh1106,
}

/// An I2C panel, whether there is one, and its burn-in protection: an OLED burns in where the same pixels stay lit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PanelSettings {
    /// There is a panel.
    pub enabled: bool,
    /// What it shows of an answer, until the button changes that.
    pub words: Mode,
    /// The language of its words: a code of [`LANGUAGES`](crate::LANGUAGES), or a file whose name ends in `.toml`.
    pub language: String,
    /// The display controller.
    pub controller: Controller,
    /// The I2C bus: `/dev/i2c-1`.
    #[serde(deserialize_with = "path::required")]
    pub bus: PathBuf,
    /// 7-bit I2C address, `0x08..=0x77`: usually 0x3c, or 0x3d with a resistor moved.
    pub address: u8,
    /// Size of the panel.
    pub size: PanelSize,
    /// Mounted upside down.
    pub upside_down: bool,
    /// Contrast after a new answer, `1..=255`.
    pub brightness: u8,
    /// Contrast while dimmed, `1..=255`.
    pub dim_brightness: u8,
    /// Time without a new answer after which it is dimmed, s; 0 for never.
    pub dim_after_s: u32,
    /// Time without a new answer after which it is blanked, s; 0 for never. Expressions and "unsure" are not blanked.
    pub blank_after_s: u32,
    /// Interval at which the picture is shifted by a pixel, s; 0 for never.
    pub shift_every_s: u32,
}

impl Default for PanelSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            words: Mode::default(),
            language: "en".into(),
            controller: Controller::Ssd1306,
            bus: "/dev/i2c-1".into(),
            address: 0x3c,
            size: PanelSize::Tall,
            upside_down: false,
            brightness: 160,
            dim_brightness: 16,
            dim_after_s: 30,
            blank_after_s: 300,
            shift_every_s: 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_configuration_s() {
        for size in PanelSize::ALL {
            let text = format!("size = {:?}", size.name());
            assert_eq!(toml::from_str::<PanelSettings>(&text).unwrap().size, size);
        }
        for words in Mode::ALL {
            let text = format!("words = {:?}", words.name());
            assert_eq!(toml::from_str::<PanelSettings>(&text).unwrap().words, words);
        }
    }
}
