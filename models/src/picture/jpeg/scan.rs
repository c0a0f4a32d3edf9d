//! One scan of a JPEG file: its blocks are read, not decoded.

use super::huffman::{Bits, Table};
use super::{JpegError, Tables};

/// One colour channel.
pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks of an MCU horizontally: the sampling factor.
    pub(super) across: usize,
    /// Blocks of an MCU vertically.
    pub(super) down: usize,
    /// Whether a scan had its DC coefficients.
    pub(super) is_read: bool,
    /// Progressive files only: for each block the coefficients that are not zero, a bit each.
    nonzero: Vec<u64>,
}

/// The header of a frame.
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) is_progressive: bool,
    pub(super) components: Vec<Component>,
}

/// A part of the coefficients, as a scan's header names it.
#[derive(Clone, Copy)]
struct Band {
    first: usize,
    last: usize,
    /// Whether bits are added to what an earlier scan began.
    is_refined: bool,
}

/// A component in a scan: its index, and its tables.
struct Part<'a> {
    index: usize,
    dc: Option<&'a Table>,
    ac: Option<&'a Table>,
}

impl Component {
    pub(super) fn new(id: u8, across: usize, down: usize) -> Self {
        Self { id, across, down, is_read: false, nonzero: Vec::new() }
    }
}

impl Frame {
    fn mcus(&self) -> (usize, usize) {
        let most = |of: fn(&Component) -> usize| self.components.iter().map(of).max().unwrap_or(1);
        let (across, down) = (most(|c| c.across), most(|c| c.down));
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }

    /// Bytes of coefficients that a decoder has to hold at once.
    pub(super) fn held(&self) -> u64 {
        if !self.is_progressive {
            return 0;
        }
        let (across, down) = self.mcus();
        let blocks: usize = self.components.iter().map(|c| c.across * c.down).sum();
        // 64 of 16 bits each.
        (across * down * blocks * 128) as u64
    }

    /// Blocks of a component alone, across and down.
    fn blocks(&self, component: &Component) -> (usize, usize) {
        let most = |of: fn(&Component) -> usize| self.components.iter().map(of).max().unwrap_or(1);
        let own = |side: usize, own: usize, most: usize| (side * own).div_ceil(8 * most);
        (
            own(self.width, component.across, most(|c| c.across)),
            own(self.height, component.down, most(|c| c.down)),
        )
    }

    /// Reads the scan whose header is `header` and whose data begin at `at`; where the data end.
    pub(super) fn read_scan(
        &mut self,
        header: &[u8],
        bytes: &[u8],
        at: usize,
        tables: &mut Tables,
    ) -> Result<usize, JpegError> {
        const HEADER: JpegError = JpegError::Damaged("an invalid header of a scan");
        let (&count, rest) = header.split_first().ok_or(HEADER)?;
        let (listed, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(HEADER)?;
        let &[first, last, precision, ..] = rest else { return Err(HEADER) };
        let band = match self.is_progressive {
            true => {
                Band { first: first.into(), last: last.into(), is_refined: precision >> 4 != 0 }
            }
            false => Band { first: 0, last: 63, is_refined: false },
        };
        let needs_dc = band.first == 0 && !band.is_refined;
        let needs_ac = band.last > 0;
        if band.last > 63 || band.first > band.last || !(1..=4).contains(&count) {
            return Err(HEADER);
        }
        let mut slots: Vec<(usize, usize, usize)> = Vec::with_capacity(4);
        for pair in listed.chunks_exact(2) {
            let index = self.components.iter().position(|c| c.id == pair[0]).ok_or(HEADER)?;
            let (dc, ac) = (usize::from(pair[1] >> 4), usize::from(pair[1] & 15));
            if dc > 3 || ac > 3 || slots.iter().any(|(other, ..)| *other == index) {
                return Err(HEADER);
            }
            if needs_dc && self.components[index].is_read {
                // The decoder panics on some of these.
                return Err(JpegError::Damaged("a component in two scans"));
            }
            if needs_dc {
                tables.dc.used |= 1 << dc;
            }
            if needs_ac {
                tables.ac.used |= 1 << ac;
            }
            slots.push((index, dc, ac));
        }
        let parts: Vec<Part<'_>> = slots
            .into_iter()
            .map(|(index, dc, ac)| Part {
                index,
                dc: tables.dc.tables[dc].as_ref(),
                ac: tables.ac.tables[ac].as_ref(),
            })
            .collect();
        self.read_blocks(&parts, band, Bits::new(bytes, at), tables.restart)
    }

    fn read_blocks(
        &mut self,
        parts: &[Part<'_>],
        band: Band,
        mut bits: Bits<'_>,
        restart: usize,
    ) -> Result<usize, JpegError> {
        let (mcus_across, mcus_down) = self.mcus();
        let alone = match parts {
            [part] => Some(self.blocks(&self.components[part.index])),
            _ => None,
        };
        let (columns, rows) = alone.unwrap_or((mcus_across, mcus_down));
        let is_progressive = self.is_progressive;
        for part in parts {
            let component = &mut self.components[part.index];
            if is_progressive && component.nonzero.is_empty() {
                let count = mcus_across * mcus_down * component.across * component.down;
                component.nonzero = vec![0; count];
            }
        }
        // An end-of-band run spans blocks of a scan; a restart ends it.
        let mut run = 0;
        let mut done = 0;
        for row in 0..rows {
            for column in 0..columns {
                if restart > 0 && done > 0 && done % restart == 0 {
                    bits.restart()?;
                    run = 0;
                }
                done += 1;
                for part in parts {
                    let component = &mut self.components[part.index];
                    let (across, down) = match alone {
                        Some(_) => (1, 1),
                        None => (component.across, component.down),
                    };
                    if !is_progressive {
                        for _ in 0..across * down {
                            sequential(&mut bits, part)?;
                        }
                        continue;
                    }
                    let stride = mcus_across * component.across;
                    for y in row * down..(row + 1) * down {
                        for x in column * across..(column + 1) * across {
                            let nonzero = component.nonzero.get_mut(y * stride + x);
                            let nonzero = nonzero.ok_or(JpegError::Damaged("an odd sampling"))?;
                            progressive(&mut bits, part, band, nonzero, &mut run)?;
                        }
                    }
                }
            }
        }
        for part in parts {
            self.components[part.index].is_read |= band.first == 0 && !band.is_refined;
        }
        Ok(bits.at)
    }
}

fn table(table: Option<&Table>) -> Result<&Table, JpegError> {
    table.ok_or(JpegError::Damaged("a scan without its Huffman table"))
}

/// Run and size in the symbol of an AC coefficient.
fn run_and_size(symbol: u8) -> (u32, u32) {
    (u32::from(symbol >> 4), u32::from(symbol & 15))
}

fn dc(bits: &mut Bits<'_>, part: &Part<'_>) -> Result<(), JpegError> {
    let size = bits.symbol(table(part.dc)?)?;
    if size > 16 {
        return Err(JpegError::Damaged("a DC coefficient of more than 16 bits"));
    }
    bits.skip(size.into())
}

fn sequential(bits: &mut Bits<'_>, part: &Part<'_>) -> Result<(), JpegError> {
    dc(bits, part)?;
    let table = table(part.ac)?;
    let mut at = 1;
    while at < 64 {
        match run_and_size(bits.symbol(table)?) {
            (15, 0) => at += 16,
            (_, 0) => break,
            (run, size) => {
                bits.skip(size)?;
                at += run + 1;
            }
        }
    }
    Ok(())
}

fn progressive(
    bits: &mut Bits<'_>,
    part: &Part<'_>,
    band: Band,
    nonzero: &mut u64,
    run: &mut u32,
) -> Result<(), JpegError> {
    let mut at = band.first;
    if at == 0 {
        if band.is_refined {
            bits.skip(1)?
        } else {
            dc(bits, part)?
        }
        if band.last == 0 {
            return Ok(());
        }
        at = 1;
    }
    let table = table(part.ac)?;
    let mut is_ended = *run > 0;
    while at <= band.last && !is_ended {
        let (mut zeros, size) = run_and_size(bits.symbol(table)?);
        if size == 0 && zeros < 15 {
            *run = (1 << zeros) + bits.number(zeros)?;
            is_ended = true;
            break;
        }
        bits.skip(size)?;
        if band.is_refined {
            // A correction bit for every nonzero coefficient, until `zeros` zero ones are passed.
            while at <= band.last {
                if *nonzero >> at & 1 == 1 {
                    bits.skip(1)?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
        } else {
            at += zeros as usize;
        }
        if size > 0 && at < 64 {
            *nonzero |= 1 << at;
        }
        at += 1;
    }
    if is_ended {
        *run -= 1;
        if band.is_refined {
            while at <= band.last {
                bits.skip((*nonzero >> at & 1) as u32)?;
                at += 1;
            }
        }
    }
    Ok(())
}
