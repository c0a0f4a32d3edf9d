//! SSD1306 and SH1106 panels over I2C.

mod settings;

pub use settings::{Controller, Settings};
