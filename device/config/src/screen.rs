//! A screen with a Linux framebuffer: HDMI, or a display on SPI.

use std::path::PathBuf;

use emocue_models::luma::Rotation;
use serde::{Deserialize, Serialize};

use crate::camera::degrees;
use crate::path;

/// A screen that shows a large emoji and its word in colour, beside or instead of the panel. What it shows and its
/// words' language are those of [`PanelSettings`](crate::PanelSettings).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScreenSettings {
    /// There is a screen.
    pub enabled: bool,
    /// Its framebuffer: `/dev/fb0`.
    #[serde(deserialize_with = "path::required")]
    pub framebuffer: PathBuf,
    /// Clockwise turn of the picture, for a screen that is mounted turned.
    #[serde(with = "degrees")]
    pub rotate: Rotation,
}

impl Default for ScreenSettings {
    fn default() -> Self {
        Self { enabled: false, framebuffer: "/dev/fb0".into(), rotate: Rotation::None }
    }
}
