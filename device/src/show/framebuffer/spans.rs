//! Which bytes of a screen have to be written.

use std::ops::Range;

/// A screen's picture as bytes, row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// Bytes of a row.
    pub(super) long: usize,
    /// Bytes of a pixel.
    pub(super) pixel: usize,
    /// Whether rows have no padding in the screen's memory.
    pub(super) joined: bool,
}

impl Rows {
    /// The parts of `after` that differ from `before`; all of it if that has another length. If rows are joined,
    /// adjacent changes are one part.
    ///
    /// No part of joined rows is only a row's end: the kernel treats a write within one row that ends at the row's end
    /// as an empty area, and does not show it (DRM's framebuffers, Linux 6.12).
    pub(super) fn changed(self, before: &[u8], after: &[u8]) -> Vec<Range<usize>> {
        let Self { long, pixel, joined } = self;
        let is_new = before.len() != after.len();
        let mut parts: Vec<Range<usize>> = Vec::new();
        // The row after the last part.
        let mut next = 0;
        for (y, row) in after.chunks_exact(long).enumerate() {
            let start = y * long;
            let old = if is_new { &[][..] } else { &before[start..start + long] };
            let differs = |at: &usize| old.get(*at) != row.get(*at);
            let Some(first) = (0..long).find(differs) else { continue };
            let last = (0..long).rev().find(differs).unwrap_or(first);
            match parts.last_mut() {
                Some(part) if joined && next == y => part.end = start + last + 1,
                _ => parts.push(start + first..start + last + 1),
            }
            next = y + 1;
        }
        for part in parts.iter_mut().filter(|part| joined && part.end % long == 0) {
            let is_one_row = part.start / long == (part.end - 1) / long;
            if is_one_row && part.end < after.len() {
                part.end += pixel;
            } else if is_one_row {
                part.start = (part.end - long).saturating_sub(pixel);
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three rows of four pixels with two bytes each.
    const JOINED: Rows = Rows { long: 8, pixel: 2, joined: true };

    /// The start and end of each part.
    fn changed(rows: Rows, at: &[usize]) -> Vec<(usize, usize)> {
        let (before, mut after) = ([0; 24], [0; 24]);
        for at in at {
            after[*at] = 1;
        }
        let parts = rows.changed(&before, &after);
        parts.into_iter().map(|part| (part.start, part.end)).collect()
    }

    #[test]
    fn neighbours_are_written_at_once_where_nothing_lies_between_them() {
        assert_eq!(changed(JOINED, &[]), []);
        assert_eq!(changed(JOINED, &[3, 4, 9, 20]), [(3, 21)]);
        assert_eq!(changed(JOINED, &[3, 20]), [(3, 4), (20, 21)]);
        let apart = Rows { joined: false, ..JOINED };
        assert_eq!(changed(apart, &[3, 7, 9, 23]), [(3, 8), (9, 10), (23, 24)]);
        assert_eq!(JOINED.changed(&[], &[0; 24])[0], 0..24);
    }

    #[test]
    fn no_part_of_joined_rows_is_one_row_to_its_end() {
        assert_eq!(changed(JOINED, &[6]), [(6, 7)]);
        assert_eq!(changed(JOINED, &[7]), [(7, 10)], "with a pixel of the next row");
        assert_eq!(changed(JOINED, &[23]), [(14, 24)], "with a pixel of the row before");
        assert_eq!(changed(JOINED, &[7, 15]), [(7, 16)]);
    }
}
