//! Whether a JPEG file is whole, and where it ends: one rule for photos, datasets and cameras.
//!
//! Decoders fill missing data with grey instead of failing. Markers are not sufficient either: a camera writes the end
//! marker of a frame whose middle was lost, and phones append a video. So every block of the entropy-coded data is read
//! here, without decoding it. Bytes after the picture are ignored.

mod huffman;
mod scan;
mod standard;

use huffman::Table;
use scan::{Component, Frame};
use standard::STANDARD;

use super::MAX_PIXELS;

/// Scans that are read at most; files have ten or so.
const MAX_SCANS: usize = 100;

/// Start of an image.
pub const SOI: [u8; 2] = [0xFF, 0xD8];

/// Extent and contents of a whole JPEG file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Bytes from its first to the end of its end-of-image marker.
    pub end: usize,
    /// Whether it has the Huffman tables that it uses. Motion JPEG leaves out the standard ones.
    pub has_tables: bool,
    /// Bytes of coefficients that a decoder has to hold at once: all of a progressive file's, else 0.
    pub held: u64,
}

/// A JPEG file that is not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpegError {
    /// Its data end before its last block.
    #[error("cut off at byte {at}")]
    CutOff {
        /// Where the data end.
        at: u64,
    },
    /// More than [`MAX_PIXELS`].
    #[error("{width}x{height} px are more than {MAX_PIXELS} px in all")]
    TooLarge {
        /// Claimed width, px.
        width: u64,
        /// Claimed height, px.
        height: u64,
    },
    /// Invalid data, or an unsupported kind or sampling.
    #[error("{0}")]
    Damaged(&'static str),
}

const UNSUPPORTED: JpegError =
    JpegError::Damaged("an unsupported kind of JPEG: lossless, arithmetic coding or not of 8 bits");

/// The tables of one kind, and which of them are the file's own and in use, a bit each.
#[derive(Default)]
struct Kind {
    tables: [Option<Table>; 4],
    own: u8,
    used: u8,
}

/// State that is kept from one scan to the next.
#[derive(Default)]
struct Tables {
    dc: Kind,
    ac: Kind,
    /// MCUs between two restart markers; 0 without.
    restart: usize,
}

/// A marker, and where the byte behind it is.
#[derive(Clone, Copy)]
struct Marker {
    code: u8,
    end: usize,
}

/// The next marker from `at` on; other bytes are skipped.
fn marker_from(bytes: &[u8], at: usize) -> Result<Marker, JpegError> {
    let rest = bytes.get(at..).unwrap_or_default();
    let found = rest.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF));
    let found = found.ok_or(JpegError::CutOff { at: bytes.len() as u64 })?;
    Ok(Marker { code: rest[found + 1], end: at + found + 2 })
}

/// Reads a JPEG file up to its end.
///
/// # Errors
/// [`JpegError`] when blocks are missing or damaged, it claims to be too large, or it is of a kind that no decoder here
/// supports (lossless, arithmetic coding, 12 bits): nothing reaches a decoder that was not read here.
pub fn extent(bytes: &[u8]) -> Result<Extent, JpegError> {
    let mut tables = Tables::default();
    tables.define(&STANDARD[4..])?;
    (tables.dc.own, tables.ac.own) = (0, 0);
    let mut frame: Option<Frame> = None;
    let (mut at, mut scans) = (SOI.len(), 0);
    loop {
        let marker = marker_from(bytes, at)?;
        at = marker.end;
        match marker.code {
            // Without a length: start of image, restarts, a temporary marker.
            0x01 | 0xD0..=0xD8 => continue,
            0xD9 => {
                let is_whole =
                    frame.as_ref().is_some_and(|f| f.components.iter().all(|c| c.is_read));
                let has_tables = tables.dc.are_own() && tables.ac.are_own();
                return match is_whole {
                    true => {
                        let held = frame.as_ref().map_or(0, Frame::held);
                        Ok(Extent { end: at, has_tables, held })
                    }
                    false => Err(JpegError::CutOff { at: at as u64 - 2 }),
                };
            }
            _ => {}
        }
        let end = JpegError::CutOff { at: bytes.len() as u64 };
        let length = match bytes.get(at..) {
            Some([high, low, ..]) => usize::from(u16::from_be_bytes([*high, *low])),
            _ => return Err(end),
        };
        let segment = bytes.get(at..at + length).ok_or(end)?;
        let body = segment.get(2..).ok_or(JpegError::Damaged("a segment without its length"))?;
        at += length;
        match (marker.code, &mut frame) {
            (0xC4, _) => tables.define(body)?,
            (0xDD, _) => {
                let interval = body.first_chunk().copied().map(u16::from_be_bytes);
                let interval = interval.ok_or(JpegError::Damaged("an odd restart interval"))?;
                tables.restart = interval.into();
            }
            (code @ 0xC0..=0xC2, frame @ None) => *frame = Some(frame_of(body, code == 0xC2)?),
            (0xC0..=0xCF, None) => return Err(UNSUPPORTED),
            (0xC0..=0xCF, Some(_)) => return Err(JpegError::Damaged("a second frame header")),
            (0xDA, None) => return Err(JpegError::Damaged("a scan before the frame")),
            (0xDA, Some(frame)) => {
                scans += 1;
                if scans > MAX_SCANS {
                    return Err(JpegError::Damaged("more than 100 scans"));
                }
                at = frame.read_scan(body, bytes, at, &mut tables)?;
            }
            _ => {}
        }
    }
}

/// Writes `jpeg` into `out` with the standard Huffman tables before its own.
pub fn with_standard_tables(jpeg: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for part in [&SOI, &STANDARD[..], jpeg.get(SOI.len()..).unwrap_or_default()] {
        out.extend_from_slice(part);
    }
}

/// Reads a frame's header.
fn frame_of(body: &[u8], is_progressive: bool) -> Result<Frame, JpegError> {
    let &[precision, h1, h0, w1, w0, count, ref listed @ ..] = body else {
        return Err(JpegError::Damaged("an invalid header of its frame"));
    };
    let [height, width] = [[h1, h0], [w1, w0]].map(|side| usize::from(u16::from_be_bytes(side)));
    let listed = listed.get(..3 * usize::from(count)).unwrap_or_default();
    let components: Vec<Component> = listed
        .chunks_exact(3)
        .map(|c| Component::new(c[0], (c[1] >> 4).into(), (c[1] & 15).into()))
        .collect();
    let is_sampled = |c: &Component| (1..=4).contains(&c.across) && (1..=4).contains(&c.down);
    let is_usual = precision == 8 && (1..=4).contains(&components.len()) && width * height > 0;
    if !is_usual || !components.iter().all(is_sampled) {
        return Err(UNSUPPORTED);
    }
    // The decoder panics on some of these, and no camera writes them.
    if components.iter().any(|c| c.across > components[0].across || c.down > components[0].down) {
        return Err(JpegError::Damaged("an unsupported sampling: luma is coarser than colour"));
    }
    let (claimed_width, claimed_height) = (width as u64, height as u64);
    if claimed_width * claimed_height > MAX_PIXELS {
        return Err(JpegError::TooLarge { width: claimed_width, height: claimed_height });
    }
    Ok(Frame { width, height, is_progressive, components })
}

impl Kind {
    fn are_own(&self) -> bool {
        self.used & !self.own == 0
    }
}

impl Tables {
    /// Reads the tables of a segment.
    fn define(&mut self, mut rest: &[u8]) -> Result<(), JpegError> {
        const INVALID: JpegError = JpegError::Damaged("an invalid Huffman table");
        while let Some((&head, tail)) = rest.split_first() {
            let (counts, tail) = tail.split_first_chunk::<16>().ok_or(INVALID)?;
            let count = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, tail) = tail.split_at_checked(count).ok_or(INVALID)?;
            let kind = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(INVALID),
            };
            let slot = usize::from(head & 15);
            *kind.tables.get_mut(slot).ok_or(INVALID)? =
                Some(Table::new(counts, symbols).ok_or(INVALID)?);
            kind.own |= 1 << slot;
            rest = tail;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
