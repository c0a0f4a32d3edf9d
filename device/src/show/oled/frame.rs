//! A picture in the layout of the chip's GDDRAM, and the differences of two pictures.

use std::convert::Infallible;
use std::ops::Range;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::BinaryColor;
use emocue_config::PanelSize;

use crate::show::panel::size_of;

/// Columns of every supported panel, px.
pub(super) const WIDTH: usize = 128;
/// Pages of the tallest panel; a page is 8 rows, one byte a column, the top row in bit 0.
const PAGES: usize = 8;

/// A new run costs an address, a control byte and up to two bytes of command or data, three times; up to this many
/// equal bytes are cheaper to send along.
const RUN_COST: usize = 9;

/// One bit per pixel.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Frame {
    bytes: [u8; WIDTH * PAGES],
    size: Size,
    /// Offset of everything that is drawn, px; parts outside the panel are clipped.
    pub(super) shift: Point,
}

impl Frame {
    /// A dark picture.
    pub(super) fn new(size: PanelSize) -> Self {
        Self { bytes: [0; WIDTH * PAGES], size: size_of(size), shift: Point::zero() }
    }

    pub(super) fn pages(&self) -> usize {
        self.size.height as usize / 8
    }

    pub(super) fn page(&self, page: usize) -> &[u8] {
        &self.bytes[page * WIDTH..][..WIDTH]
    }

    /// Copies a part of a page.
    pub(super) fn copy(&mut self, page: usize, columns: Range<usize>, from: &Self) {
        let range = page * WIDTH + columns.start..page * WIDTH + columns.end;
        self.bytes[range.clone()].copy_from_slice(&from.bytes[range]);
    }

    /// The first columns at or after `from` in which the page differs from `held`'s.
    pub(super) fn dirty(&self, held: &Self, page: usize, from: usize) -> Option<Range<usize>> {
        let (new, old) = (self.page(page), held.page(page));
        let mut differing = (from..WIDTH).filter(|&x| new[x] != old[x]);
        let start = differing.next()?;
        let mut end = start + 1;
        for x in differing {
            if x - end >= RUN_COST {
                break;
            }
            end = x + 1;
        }
        Some(start..end)
    }
}

impl OriginDimensions for Frame {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Frame {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<P>(&mut self, pixels: P) -> Result<(), Infallible>
    where
        P: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(at, color) in pixels {
            let at = at + self.shift;
            let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) else { continue };
            if x < WIDTH && y < self.size.height as usize {
                let byte = &mut self.bytes[y / 8 * WIDTH + x];
                let bit = 1 << (y % 8);
                *byte = if color.is_on() { *byte | bit } else { *byte & !bit };
            }
        }
        Ok(())
    }

    fn clear(&mut self, color: BinaryColor) -> Result<(), Infallible> {
        self.bytes.fill(if color.is_on() { 0xff } else { 0 });
        Ok(())
    }
}
