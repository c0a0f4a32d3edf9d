//! A simulated panel: what SSD1306 and SH1106 do with the bytes of I2C writes, and faults of a bus.

use std::sync::{Arc, Mutex, MutexGuard};

use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use emocue_config::{Controller, PanelSize};

/// The content of GDDRAM after power-on.
const NOISE: u8 = 0xa5;

/// The chip, its bus, and what was sent.
pub(super) struct Sim {
    controller: Controller,
    address: u8,
    ram: Vec<u8>,
    page: usize,
    column: usize,
    /// A command that waits for this number of further bytes.
    pending: Option<(u8, usize)>,
    multiplex: u8,
    remapped: bool,
    reversed: bool,
    alternating: bool,
    supply: bool,
    pub(super) on: bool,
    pub(super) contrast: u8,
    /// Whether GDDRAM changed while the panel was on.
    pub(super) written_while_on: bool,
    /// Whether its wires are connected.
    plugged: bool,
    /// How many of the next writes fail in the middle.
    pub(super) refuse: u32,
    /// Number of accepted writes, and of bytes with their control bytes.
    pub(super) writes: usize,
    pub(super) bytes: usize,
    /// The longest write, bytes.
    pub(super) longest: usize,
}

impl Sim {
    pub(super) fn new(controller: Controller, address: u8) -> (Wires, Arc<Mutex<Self>>) {
        let columns = match controller {
            Controller::Ssd1306 => 128,
            Controller::Sh1106 => 132,
        };
        let sim = Arc::new(Mutex::new(Self {
            controller,
            address,
            ram: vec![NOISE; columns * 8],
            page: 0,
            column: 0,
            pending: None,
            multiplex: 63,
            remapped: false,
            reversed: false,
            alternating: true,
            supply: false,
            on: false,
            contrast: 0x7f,
            written_while_on: false,
            plugged: true,
            refuse: 0,
            writes: 0,
            bytes: 0,
            longest: 0,
        }));
        (Wires(Arc::clone(&sim)), sim)
    }

    /// Disconnects the wires: the power and the memory's content are lost.
    pub(super) fn unplug(&mut self) {
        let (_, fresh) = Self::new(self.controller, self.address);
        let fresh = Arc::into_inner(fresh).unwrap().into_inner().unwrap();
        *self = Self {
            plugged: false,
            writes: self.writes,
            bytes: self.bytes,
            longest: self.longest,
            ..fresh
        };
    }

    pub(super) fn plug(&mut self) {
        self.plugged = true;
    }

    fn columns(&self) -> usize {
        self.ram.len() / 8
    }

    /// What is visible on a panel of `size`, seen upright, row by row; `upside_down` says how it is mounted.
    pub(super) fn seen(&self, size: PanelSize, upside_down: bool) -> Vec<bool> {
        let (width, height) = (size.width() as usize, size.height() as usize);
        if !self.on || !self.supply {
            return vec![false; width * height];
        }
        assert_eq!(usize::from(self.multiplex) + 1, height, "as many rows as the glass has");
        assert_eq!(self.alternating, height == 64, "COM lines as the glass is wired");
        let first = (self.columns() - width) / 2;
        // Modules are wired so that their picture is upright with both directions reversed.
        let turn = |position: usize, length: usize, reversed: bool| {
            if reversed != upside_down { position } else { length - 1 - position }
        };
        let lit = |x: usize, y: usize| {
            let (x, y) = (turn(x, width, self.remapped), turn(y, height, self.reversed));
            self.ram[y / 8 * self.columns() + first + x] >> (y % 8) & 1 == 1
        };
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| lit(x, y)).collect()
    }

    fn command(&mut self, byte: u8) {
        if let Some((command, missing)) = self.pending {
            self.pending = (missing > 1).then_some((command, missing - 1));
            match command {
                0x20 => assert_eq!(byte, 0x02, "page addressing"),
                0x81 => self.contrast = byte,
                0x8d if self.controller == Controller::Ssd1306 => self.supply = byte == 0x14,
                0xad if self.controller == Controller::Sh1106 => self.supply = byte == 0x8b,
                0xa8 => self.multiplex = byte & 0x3f,
                0xd3 => assert_eq!(byte, 0, "no offset"),
                0xda => self.alternating = byte & 0x10 != 0,
                _ => {}
            }
            return;
        }
        let wants = match byte {
            0x81 | 0xa8 | 0xd3 | 0xd5 | 0xd9 | 0xda | 0xdb => 1,
            0x20 | 0x8d if self.controller == Controller::Ssd1306 => 1,
            0xad if self.controller == Controller::Sh1106 => 1,
            _ => 0,
        };
        self.pending = (wants > 0).then_some((byte, wants));
        match byte {
            0x00..=0x0f => self.column = self.column & 0xf0 | usize::from(byte),
            0x10..=0x1f => self.column = self.column & 0x0f | usize::from(byte & 0x0f) << 4,
            0x40..=0x7f => assert_eq!(byte, 0x40, "the first line first"),
            0xa0 | 0xa1 => self.remapped = byte == 0xa1,
            0xa4 | 0xa6 | 0xe3 => {}
            0xae | 0xaf => self.on = byte == 0xaf,
            0xb0..=0xb7 => self.page = usize::from(byte & 7),
            0xc0 | 0xc8 => self.reversed = byte == 0xc8,
            0x2e if self.controller == Controller::Ssd1306 => {}
            _ => assert!(wants > 0, "the chip knows no command {byte:#04x}"),
        }
    }

    fn data(&mut self, byte: u8) {
        let columns = self.columns();
        assert!(self.column < columns, "columns stop at the page's end");
        self.ram[self.page * columns + self.column] = byte;
        self.column += 1;
        self.written_while_on |= self.on;
    }

    fn write(&mut self, bytes: &[u8]) {
        let Some((control, content)) = bytes.split_first() else { return };
        for byte in content {
            match control {
                0x00 => self.command(*byte),
                0x40 => self.data(*byte),
                _ => panic!("control byte {control:#04x}"),
            }
        }
    }
}

/// The I2C bus of a [`Sim`].
pub(super) struct Wires(Arc<Mutex<Sim>>);

/// The sim behind its lock.
pub(super) fn look(sim: &Arc<Mutex<Sim>>) -> MutexGuard<'_, Sim> {
    sim.lock().unwrap()
}

impl ErrorType for Wires {
    type Error = ErrorKind;
}

impl I2c for Wires {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        let mut sim = look(&self.0);
        if !sim.plugged || address != sim.address {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        for operation in operations {
            let Operation::Write(bytes) = operation else { panic!("nothing is read") };
            if sim.refuse > 0 {
                sim.refuse -= 1;
                sim.write(&bytes[..bytes.len() / 2]);
                // A stop condition ends a pending command.
                sim.pending = None;
                return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data));
            }
            sim.writes += 1;
            sim.bytes += bytes.len();
            sim.longest = sim.longest.max(bytes.len());
            sim.write(bytes);
        }
        Ok(())
    }
}
