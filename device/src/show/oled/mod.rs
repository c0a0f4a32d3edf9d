//! SSD1306 and SH1106 panels over I2C.
//!
//! An answer is drawn into a copy of the chip's memory, compared with what the panel holds, and only the columns that
//! differ are sent. The panel dims, blanks and shifts its picture over time, and a panel that does not answer is tried
//! again while everything else continues.

mod bus;
mod care;
mod chip;
mod display;
mod frame;
mod open;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;

pub use display::{Notice, Oled};
pub(crate) use open::sink;
pub use open::{PanelStart, darken, open, probe};
