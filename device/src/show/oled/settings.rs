//! What a panel's owner may choose.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::show::PanelSize;

/// The chip behind the glass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    /// Solomon Systech SSD1306: 128 columns of GDDRAM.
    #[default]
    Ssd1306,
    /// Sino Wealth SH1106: 132 columns, of which the panel shows those from 2 on. Often sold as an SSD1306.
    Sh1106,
}

/// An I2C panel and how it is cared for; an OLED burns in where the same pixels stay lit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The chip behind the glass.
    pub controller: Controller,
    /// The I2C bus: `/dev/i2c-1`.
    pub bus: PathBuf,
    /// 7-bit address: 0x3c, or 0x3d where a resistor is moved.
    pub address: u8,
    /// Size of the panel.
    pub size: PanelSize,
    /// Mounted upside down.
    pub upside_down: bool,
    /// Contrast while something is new, `1..=255`.
    pub brightness: u8,
    /// Contrast while dimmed, `1..=255`.
    pub dim_brightness: u8,
    /// Dims after so many seconds without a new answer; 0 for never.
    pub dim_after_s: u32,
    /// Blanks after so many seconds without a new answer while no face is seen; 0 for never.
    pub blank_after_s: u32,
    /// Moves the picture by a pixel every so many seconds; 0 for never.
    pub shift_every_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
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
