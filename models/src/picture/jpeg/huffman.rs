//! Entropy-coded bits of a JPEG scan, and Huffman tables to read them with.

use super::JpegError;

/// Bits that one step of the lookup resolves.
const FAST: u32 = 9;

/// One Huffman table.
#[derive(Clone)]
pub(super) struct Table {
    /// By the next [`FAST`] bits: length of the code in the high byte (0 for longer ones), its symbol in the low.
    fast: [u16; 1 << FAST],
    /// One past the last code of each length, left-aligned in 16 bits.
    limit: [u32; 17],
    /// Index of a length's first symbol, less its first code.
    offset: [i32; 17],
    symbols: [u8; 256],
}

impl Table {
    /// From the counts of codes by length and the symbols in order; `None` when no code can have these counts.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table =
            Self { fast: [0; 1 << FAST], limit: [0; 17], offset: [0; 17], symbols: [0; 256] };
        table.symbols.get_mut(..symbols.len())?.copy_from_slice(symbols);
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, count) in (1_u32..).zip(counts) {
            let count = u32::from(*count);
            table.offset[length as usize] = index as i32 - code as i32;
            for _ in 0..count {
                if length <= FAST {
                    let shift = FAST - length;
                    let start = (code << shift) as usize;
                    let entry = (length << 8) as u16 | u16::from(*symbols.get(index)?);
                    table.fast.get_mut(start..start + (1 << shift))?.fill(entry);
                }
                code += 1;
                index += 1;
            }
            if code > 1 << length {
                return None;
            }
            table.limit[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(table)
    }
}

/// Reads bits up to the next marker or the end of the file.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Offset of the next byte that is not in `buffer`; never past a marker.
    pub(super) at: usize,
    /// The next bits, from the highest on, followed by zeros.
    buffer: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, buffer: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xFF, 0x00, ..]) => {
                    self.at += 2;
                    0xFF
                }
                // Fill bytes before a marker.
                Some([0xFF, 0xFF, ..]) => {
                    self.at += 1;
                    continue;
                }
                Some([byte, ..]) if *byte != 0xFF => {
                    self.at += 1;
                    *byte
                }
                _ => return,
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// Skips the next `count` bits, 16 at most.
    pub(super) fn skip(&mut self, count: u32) -> Result<(), JpegError> {
        if self.count < count {
            self.fill();
        }
        self.count =
            self.count.checked_sub(count).ok_or(JpegError::CutOff { at: self.at as u64 })?;
        self.buffer <<= count;
        Ok(())
    }

    /// The next `count` bits as a number, 16 at most.
    pub(super) fn number(&mut self, count: u32) -> Result<u32, JpegError> {
        if self.count < count {
            self.fill();
        }
        let number = (self.buffer >> 48) as u32 >> (16 - count);
        self.skip(count)?;
        Ok(number)
    }

    /// The next symbol.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8, JpegError> {
        if self.count < 16 {
            self.fill();
        }
        let next = (self.buffer >> 48) as u32;
        let entry = table.fast[(next >> (16 - FAST)) as usize];
        if entry != 0 {
            self.skip(u32::from(entry >> 8))?;
            return Ok(entry as u8);
        }
        let Some(length) = (FAST + 1..=16).find(|length| next < table.limit[*length as usize])
        else {
            return Err(match self.count {
                16.. => JpegError::Damaged("a code that is not in its Huffman table"),
                _ => JpegError::CutOff { at: self.at as u64 },
            });
        };
        self.skip(length)?;
        let index = table.offset[length as usize] + (next >> (16 - length)) as i32;
        Ok(usize::try_from(index).ok().and_then(|i| table.symbols.get(i)).copied().unwrap_or(0))
    }

    /// Discards the bits up to the next marker, which must be a restart marker, and skips it.
    pub(super) fn restart(&mut self) -> Result<(), JpegError> {
        let marker = super::marker_from(self.bytes, self.at)?;
        if !matches!(marker.code, 0xD0..=0xD7) {
            return Err(JpegError::CutOff { at: marker.end as u64 - 2 });
        }
        *self = Self::new(self.bytes, marker.end);
        Ok(())
    }
}
