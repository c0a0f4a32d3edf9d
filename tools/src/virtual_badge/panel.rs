//! Simulates an SSD1306 panel from I2C messages, according to its data sheet.

/// Columns, and rows in eight pages.
pub(crate) const WIDTH: usize = 128;
pub(crate) const HEIGHT: usize = 64;

/// How an address advances after a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addressing {
    Horizontal,
    Vertical,
    Page,
}

/// A panel with 128x64 px, mounted as on common modules: column 0 of the memory is at the right unless segments are
/// remapped, and row 0 at the bottom unless the scan direction is remapped.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    memory: [[u8; WIDTH]; HEIGHT / 8],
    page: u8,
    column: u8,
    pages: (u8, u8),
    columns: (u8, u8),
    addressing: Addressing,
    on: bool,
    charge_pump: bool,
    inverted: bool,
    all_on: bool,
    segments_remapped: bool,
    rows_remapped: bool,
    start_line: u8,
    offset: u8,
    /// A command that waits for its arguments.
    command: u8,
    arguments: Vec<u8>,
    missing: usize,
}

impl Default for Panel {
    /// The state after power-on; the memory is undefined then, here dark.
    fn default() -> Self {
        Self {
            memory: [[0; WIDTH]; HEIGHT / 8],
            page: 0,
            column: 0,
            pages: (0, 7),
            columns: (0, 127),
            addressing: Addressing::Page,
            on: false,
            charge_pump: false,
            inverted: false,
            all_on: false,
            segments_remapped: false,
            rows_remapped: false,
            start_line: 0,
            offset: 0,
            command: 0,
            arguments: Vec::new(),
            missing: 0,
        }
    }
}

impl Panel {
    /// Processes one message: control bytes, each followed by one byte or, without the continuation bit, by the rest.
    pub(crate) fn receive(&mut self, message: &[u8]) {
        let mut rest = message;
        while let [control, after @ ..] = rest {
            let length = if control & 0x80 == 0 { after.len() } else { after.len().min(1) };
            let (bytes, left) = after.split_at(length);
            for &byte in bytes {
                if control & 0x40 == 0 { self.command(byte) } else { self.data(byte) }
            }
            rest = left;
        }
    }

    /// Whether it is lit at all.
    pub(crate) fn is_on(&self) -> bool {
        self.on && self.charge_pump
    }

    /// Which pixels are lit, row by row.
    pub(crate) fn pixels(&self) -> Vec<bool> {
        let lit = |y: usize, x: usize| {
            let column = if self.segments_remapped { x } else { WIDTH - 1 - x };
            let row = if self.rows_remapped { y } else { HEIGHT - 1 - y };
            let row = (row + usize::from(self.start_line) + usize::from(self.offset)) % HEIGHT;
            let bit = self.memory[row / 8][column] >> (row % 8) & 1 == 1;
            self.is_on() && (self.all_on || bit != self.inverted)
        };
        (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x))).map(|(y, x)| lit(y, x)).collect()
    }

    fn command(&mut self, byte: u8) {
        if self.missing == 0 {
            self.command = byte;
            self.arguments.clear();
            self.missing = match byte {
                0x20 | 0x81 | 0x8d | 0xa8 | 0xd3 | 0xd5 | 0xd9 | 0xda | 0xdb => 1,
                0x21 | 0x22 | 0xa3 => 2,
                0x26 | 0x27 => 6,
                0x29 | 0x2a => 5,
                _ => 0,
            };
        } else {
            self.arguments.push(byte);
            self.missing -= 1;
        }
        if self.missing == 0 {
            self.execute();
        }
    }

    fn execute(&mut self) {
        match (self.command, self.arguments.as_slice()) {
            (0x20, [mode]) => {
                self.addressing = match mode & 3 {
                    0 => Addressing::Horizontal,
                    1 => Addressing::Vertical,
                    _ => Addressing::Page,
                }
            }
            (0x21, [from, to]) => {
                self.columns = (from & 127, to & 127);
                self.column = self.columns.0;
            }
            (0x22, [from, to]) => {
                self.pages = (from & 7, to & 7);
                self.page = self.pages.0;
            }
            (0x8d, [pump]) => self.charge_pump = pump & 4 != 0,
            (0xd3, [offset]) => self.offset = offset & 63,
            (low @ 0x00..=0x0f, []) => self.column = self.column & 0xf0 | low,
            (high @ 0x10..=0x17, []) => self.column = self.column & 0x0f | (high & 7) << 4,
            (line @ 0x40..=0x7f, []) => self.start_line = line & 63,
            (page @ 0xb0..=0xb7, []) => self.page = page & 7,
            (remapped @ 0xa0..=0xa1, []) => self.segments_remapped = remapped & 1 == 1,
            (remapped @ 0xc0..=0xcf, []) => self.rows_remapped = remapped & 8 == 8,
            (all @ 0xa4..=0xa5, []) => self.all_on = all & 1 == 1,
            (inverted @ 0xa6..=0xa7, []) => self.inverted = inverted & 1 == 1,
            (on @ 0xae..=0xaf, []) => self.on = on & 1 == 1,
            _ => {}
        }
    }

    fn data(&mut self, byte: u8) {
        self.memory[usize::from(self.page)][usize::from(self.column)] = byte;
        // Page addressing mode has no column window.
        let (first, last) = match self.addressing {
            Addressing::Page => (0, 127),
            _ => self.columns,
        };
        let next =
            |at: u8, first: u8, last: u8, end: u8| if at == last { first } else { (at + 1) & end };
        match self.addressing {
            Addressing::Page => self.column = next(self.column, first, last, 127),
            Addressing::Horizontal => {
                if self.column == last {
                    self.page = next(self.page, self.pages.0, self.pages.1, 7);
                }
                self.column = next(self.column, first, last, 127);
            }
            Addressing::Vertical => {
                if self.page == self.pages.1 {
                    self.column = next(self.column, first, last, 127);
                }
                self.page = next(self.page, self.pages.0, self.pages.1, 7);
            }
        }
    }
}

/// The bytes of a message in a log line `W ADDRESS BYTES`; `None` for other and for incomplete lines.
pub(crate) fn message(line: &str) -> Option<Vec<u8>> {
    let bytes = line.strip_prefix("W ")?.split_once(' ')?.1;
    let byte = |at: usize| u8::from_str_radix(bytes.get(at..at + 2)?, 16).ok();
    (0..bytes.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The usual initialisation: charge pump, upright, on.
    const INIT: [u8; 8] = [0x00, 0x8d, 0x14, 0xa1, 0xc8, 0x20, 0x00, 0xaf];

    fn lit(panel: &Panel) -> Vec<(usize, usize)> {
        let pixels = panel.pixels();
        (0..pixels.len()).filter(|at| pixels[*at]).map(|at| (at % WIDTH, at / WIDTH)).collect()
    }

    #[test]
    fn a_window_fills_line_by_line_and_wraps() {
        let mut panel = Panel::default();
        panel.receive(&INIT);
        panel.receive(&[0x00, 0x21, 10, 11, 0x22, 1, 2]);
        panel.receive(&[0x40, 0x01, 0x80, 0x02, 0x00, 0x00]);
        assert_eq!(lit(&panel), [(11, 15), (10, 17)], "the fifth byte is at the start again");
    }

    #[test]
    fn page_addressing_takes_any_column_and_stays_in_its_page() {
        let mut panel = Panel::default();
        panel.receive(&INIT);
        panel.receive(&[
            0x80, 0x20, 0x80, 0x02, 0x80, 0xb3, 0x80, 0x0f, 0x80, 0x17, 0x40, 0x01, 0x02,
        ]);
        assert_eq!(lit(&panel), [(127, 24), (0, 25)]);
    }

    #[test]
    fn an_unmapped_panel_is_upside_down_and_nothing_shines_without_power() {
        let mut panel = Panel::default();
        panel.receive(&[0x40, 0x01]);
        assert!(lit(&panel).is_empty());
        panel.receive(&[0x00, 0xaf]);
        assert!(lit(&panel).is_empty(), "no charge pump, no light");
        panel.receive(&[0x00, 0x8d, 0x14]);
        assert_eq!(lit(&panel), [(127, 63)]);
        panel.receive(&[0x00, 0xae]);
        assert!(!panel.is_on() && lit(&panel).is_empty());
    }

    #[test]
    fn only_whole_messages_are_read_from_a_log() {
        assert_eq!(message("W 3c 00af"), Some(vec![0x00, 0xaf]));
        assert_eq!(message("N 3c"), None);
        assert_eq!(message("W 3c 00a"), None);
        assert_eq!(message("W 3c 00é"), None);
    }
}
