//! TIFF files with a colour palette, which the decoder of `image` does not support.

use crate::luma::luma_of_rgb;

const BITS_PER_SAMPLE: u16 = 258;
const PHOTOMETRIC: u16 = 262;
const COLOR_MAP: u16 = 320;
/// Values of `PHOTOMETRIC`.
const PALETTE: u16 = 3;
const BLACK_IS_ZERO: u16 = 1;

/// A palette file, changed to a greyscale one whose pixels are the palette's indices.
pub(super) struct Indexed {
    /// The file.
    pub(super) tiff: Vec<u8>,
    /// The luma of every colour.
    pub(super) luma: [u8; 256],
}

/// Reads numbers in the file's byte order.
struct Tiff<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl Tiff<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn offset(&self, at: usize) -> Option<usize> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        let offset =
            if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        usize::try_from(offset).ok()
    }
}

/// The file in `bytes`, changed to greyscale; `None` when it is not a TIFF file with a palette of 8 bits.
pub(super) fn indexed(bytes: &[u8]) -> Option<Indexed> {
    let is_big_endian = match bytes.get(..4)? {
        b"II\x2A\0" => false,
        b"MM\0\x2A" => true,
        _ => return None,
    };
    let file = Tiff { bytes, is_big_endian };
    let directory = file.offset(4)?;
    let entries = (0..usize::from(file.u16(directory)?)).map(|entry| directory + 2 + 12 * entry);
    let (mut photometric, mut bits, mut colors) = (None, 1, None);
    for entry in entries {
        match file.u16(entry)? {
            BITS_PER_SAMPLE => bits = file.u16(entry + 8)?,
            PHOTOMETRIC => photometric = Some(entry + 8),
            COLOR_MAP if file.offset(entry + 4)? == 3 * 256 => colors = file.offset(entry + 8),
            _ => {}
        }
    }
    let (photometric, colors) = (photometric?, colors?);
    if bits != 8 || file.u16(photometric)? != PALETTE {
        return None;
    }
    let map: Vec<u16> = (0..3 * 256).map(|i| file.u16(colors + 2 * i)).collect::<Option<_>>()?;
    // Colours have 16 bits, but some programs write 8.
    let shift = if map.iter().all(|value| *value < 256) { 0 } else { 8 };
    let channel = |channel: usize, color: usize| (map[256 * channel + color] >> shift) as u8;
    let luma = std::array::from_fn(|color| luma_of_rgb([0, 1, 2].map(|part| channel(part, color))));
    let mut tiff = bytes.to_vec();
    let grey =
        if is_big_endian { BLACK_IS_ZERO.to_be_bytes() } else { BLACK_IS_ZERO.to_le_bytes() };
    tiff.get_mut(photometric..photometric + 2)?.copy_from_slice(&grey);
    Some(Indexed { tiff, luma })
}
