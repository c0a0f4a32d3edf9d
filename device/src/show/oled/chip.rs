//! SSD1306 and SH1106 by the commands that both support, with page addressing.

use std::fmt;
use std::ops::Range;

use display_interface::DataFormat::U8;
use display_interface::DisplayError;
use embedded_hal::i2c::I2c;
use emocue_config::{Controller, PanelSettings, PanelSize};
use ssd1306::command::{Command, VcomhLevel};
use ssd1306::prelude::WriteOnlyDataCommand;

use super::bus::Bus;
use super::frame::{Frame, WIDTH};

/// Differences between the controllers.
struct Differences {
    /// The GDDRAM column of the panel's first column.
    first_column: u8,
    /// Commands that only this controller has.
    setup: &'static [u8],
}

fn differences(controller: Controller) -> Differences {
    match controller {
        // 2Eh no scrolling; 8Dh 14h charge pump on; 20h 02h page addressing.
        Controller::Ssd1306 => {
            Differences { first_column: 0, setup: &[0x2e, 0x8d, 0x14, 0x20, 0x02] }
        }
        // ADh 8Bh DC-DC converter on; there is only page addressing.
        Controller::Sh1106 => Differences { first_column: 2, setup: &[0xad, 0x8b] },
    }
}

/// The chip did not acknowledge a write.
#[derive(Debug)]
pub(super) struct Refused;

impl From<DisplayError> for Refused {
    fn from(_: DisplayError) -> Self {
        Self
    }
}

/// A panel's chip.
pub(super) struct Chip<I: I2c> {
    bus: Bus<I>,
    controller: Controller,
    size: PanelSize,
    upside_down: bool,
}

impl<I: I2c> Chip<I> {
    pub(super) fn new(i2c: I, settings: &PanelSettings) -> Self {
        Self {
            bus: Bus::new(i2c, settings.address),
            controller: settings.controller,
            size: settings.size,
            upside_down: settings.upside_down,
        }
    }

    /// Why the chip refused: the system's message.
    pub(super) fn reason(&mut self) -> String
    where
        I::Error: fmt::Display,
    {
        self.bus.reason()
    }

    /// Checks whether a chip answers, and changes nothing.
    pub(super) fn probe(&mut self) -> Result<(), Refused> {
        self.send(&[Command::Noop])
    }

    /// Sets every relevant register except contrast, and does not switch the panel on or off: a running panel does not
    /// flicker.
    pub(super) fn set_up(&mut self) -> Result<(), Refused> {
        self.send(&[
            Command::DisplayClockDiv(0x8, 0x0),
            Command::Multiplex(self.size.height() as u8 - 1),
            Command::DisplayOffset(0),
            Command::StartLine(0),
        ])?;
        self.bus.send_commands(U8(differences(self.controller).setup))?;
        self.send(&[
            // 128x32 panels have sequential COM pins, taller ones alternative.
            Command::ComPinConfig(self.size == PanelSize::Tall, false),
            Command::SegmentRemap(!self.upside_down),
            Command::ReverseComDir(!self.upside_down),
            Command::PreChargePeriod(0x1, 0x2),
            Command::VcomhDeselect(VcomhLevel::Auto),
            Command::AllOn(false),
            Command::Invert(false),
        ])
    }

    /// Sends some columns of a page, in one write of data.
    pub(super) fn write(
        &mut self,
        frame: &Frame,
        page: usize,
        columns: Range<usize>,
    ) -> Result<(), Refused> {
        debug_assert!(page < frame.pages() && columns.end <= WIDTH);
        let column = differences(self.controller).first_column + columns.start as u8;
        // The crate counts pages in rows.
        self.send(&[Command::PageStart((page as u8 * 8).into()), Command::ColStart(column)])?;
        Ok(self.bus.send_data(U8(&frame.page(page)[columns]))?)
    }

    /// Sets the brightness of lit pixels, `0..=255`.
    pub(super) fn set_contrast(&mut self, contrast: u8) -> Result<(), Refused> {
        self.send(&[Command::Contrast(contrast)])
    }

    /// Switches the panel on, or off with its supply in sleep mode; GDDRAM is not changed.
    pub(super) fn set_on(&mut self, on: bool) -> Result<(), Refused> {
        self.send(&[Command::DisplayOn(on)])
    }

    fn send(&mut self, commands: &[Command]) -> Result<(), Refused> {
        commands.iter().try_for_each(|command| Ok(command.send(&mut self.bus)?))
    }
}
