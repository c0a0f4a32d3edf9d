//! The bus to the panel's chip: commands and data as I2C writes.

use std::fmt;

use display_interface::{DataFormat, DisplayError};
use embedded_hal::i2c::I2c;
use ssd1306::prelude::WriteOnlyDataCommand;

use super::frame::WIDTH;

/// The control byte before commands: Co = 0, D/C# = 0.
const COMMANDS: u8 = 0x00;
/// The control byte before GDDRAM bytes: Co = 0, D/C# = 1.
const DATA: u8 = 0x40;

/// One chip on an I2C bus. Each call is one write, up to a whole page; the standard interface splits data into pieces
/// of 16 bytes with an address and a control byte each.
pub(super) struct Bus<I: I2c> {
    i2c: I,
    address: u8,
    /// Why the last write failed, since [`DisplayError`] cannot hold it.
    reason: Option<I::Error>,
}

impl<I: I2c> Bus<I> {
    pub(super) fn new(i2c: I, address: u8) -> Self {
        Self { i2c, address, reason: None }
    }

    /// Why the last write failed: the system's message.
    pub(super) fn reason(&mut self) -> String
    where
        I::Error: fmt::Display,
    {
        self.reason.take().map_or_else(|| "unknown".to_owned(), |reason| reason.to_string())
    }

    /// Writes a control byte and its content.
    fn write(&mut self, control: u8, content: DataFormat<'_>) -> Result<(), DisplayError> {
        let DataFormat::U8(content) = content else {
            return Err(DisplayError::DataFormatNotImplemented);
        };
        let mut bytes = [control; 1 + WIDTH];
        let whole = bytes.get_mut(1..=content.len()).ok_or(DisplayError::OutOfBoundsError)?;
        whole.copy_from_slice(content);
        self.i2c.write(self.address, &bytes[..=content.len()]).map_err(|reason| {
            self.reason = Some(reason);
            DisplayError::BusWriteError
        })
    }
}

impl<I: I2c> WriteOnlyDataCommand for Bus<I> {
    fn send_commands(&mut self, commands: DataFormat<'_>) -> Result<(), DisplayError> {
        self.write(COMMANDS, commands)
    }

    fn send_data(&mut self, data: DataFormat<'_>) -> Result<(), DisplayError> {
        self.write(DATA, data)
    }
}
