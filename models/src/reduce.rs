//! A part of a picture, reduced by a whole number.

use crate::luma::Luma;

/// Square cells over a part of a picture, which may reach beyond it on every side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Where the first column of cells begins, px of the picture.
    pub left: isize,
    /// Where the first row of cells begins, px of the picture.
    pub top: isize,
    /// Side of a cell, px, `1..=MAX_CELL`.
    pub cell: usize,
    /// Cells in a row, at least 1.
    pub width: usize,
    /// Rows of cells.
    pub height: usize,
}

impl Grid {
    /// The sum over a cell of this side fits in 32 bits.
    pub(crate) const MAX_CELL: usize = 4096;

    /// Whether every cell is a pixel of `picture`.
    pub(crate) fn is_part_of(&self, picture: &Luma) -> bool {
        let fits = |start: isize, count: usize, length: usize| {
            usize::try_from(start).is_ok_and(|start| start + count <= length)
        };
        self.cell == 1
            && fits(self.left, self.width, picture.width())
            && fits(self.top, self.height, picture.height())
    }
}

/// Reduces pictures. Keeps its working memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reducer {
    /// For each column under a row of cells the sum over that row.
    sums: Vec<u32>,
}

impl Reducer {
    /// Writes the rounded mean of every cell into `target`, whose allocation is reused. Beyond the border of `source`,
    /// which must not be empty, the border's pixels repeat.
    pub(crate) fn run(&mut self, source: &Luma, grid: &Grid, target: &mut Luma) {
        target.reshape(grid.width, grid.height);
        self.sums.resize(grid.cell * grid.width, 0);
        let rows = target.pixels_mut().chunks_exact_mut(grid.width);
        for (top, row) in (grid.top..).step_by(grid.cell).zip(rows) {
            self.sum_rows(source, grid.left, top, grid.cell);
            match grid.cell {
                1 => means::<1>(&self.sums, row),
                2 => means::<2>(&self.sums, row),
                3 => means::<3>(&self.sums, row),
                4 => means::<4>(&self.sums, row),
                cell => {
                    for (mean, sums) in row.iter_mut().zip(self.sums.chunks_exact(cell)) {
                        *mean = rounded(sums.iter().sum(), cell);
                    }
                }
            }
        }
    }

    /// Sums of `count` rows, from the pixel at `left` and `top` on.
    fn sum_rows(&mut self, source: &Luma, left: isize, top: isize, count: usize) {
        let (start, end, at) = visible(left, self.sums.len(), source.width());
        let sums = &mut self.sums[at..at + end - start];
        sums.fill(0);
        let mut add = |y: usize, times: usize| {
            for (sum, pixel) in sums.iter_mut().zip(&source.row(y)[start..end]) {
                *sum += u32::from(*pixel) * times as u32;
            }
        };
        let (first, behind, above) = visible(top, count, source.height());
        for y in first..behind {
            add(y, 1);
        }
        let below = count - above - (behind - first);
        // The border's rows once more, as often as rows are missing.
        if above > 0 {
            add(first, above);
        }
        if below > 0 {
            add(behind - 1, below);
        }
        let (leftmost, rightmost) = (sums[0], sums[end - start - 1]);
        self.sums[..at].fill(leftmost);
        self.sums[at + end - start..].fill(rightmost);
    }
}

/// The part of the `count` positions from `start` on that is inside a row of `length`, or the nearest position if none
/// is: start, end, and how many positions precede it.
fn visible(start: isize, count: usize, length: usize) -> (usize, usize, usize) {
    let last = length as isize - 1;
    let from = start.clamp(0, last);
    let to = (start + count as isize).clamp(from + 1, last + 1);
    let before = (from - start).clamp(0, count as isize - (to - from));
    (from as usize, to as usize, before as usize)
}

/// [`Reducer::run`]'s inner loop for a usual side, which the compiler can unroll.
fn means<const CELL: usize>(sums: &[u32], row: &mut [u8]) {
    for (mean, sums) in row.iter_mut().zip(sums.as_chunks::<CELL>().0) {
        *mean = rounded(sums.iter().sum(), CELL);
    }
}

/// `sum / (cell * cell)`, rounded. Exact below a cell of 256.
fn rounded(sum: u32, cell: usize) -> u8 {
    (sum as f32 / (cell * cell) as f32 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixel at `x` and `y` is `10 y + x`.
    fn picture() -> Luma {
        let pixel = |i: usize| (i / 5 * 10 + i % 5) as u8;
        Luma::from_raw(5, 4, (0..20).map(pixel).collect()).unwrap()
    }

    fn reduced(picture: &Luma, left: isize, top: isize, cell: usize, side: usize) -> Vec<u8> {
        let grid = Grid { left, top, cell, width: side, height: side };
        let mut target = Luma::default();
        Reducer::default().run(picture, &grid, &mut target);
        target.pixels().to_vec()
    }

    #[test]
    fn a_cell_is_the_mean_of_its_pixels() {
        assert_eq!(reduced(&picture(), 1, 1, 1, 2), [11, 12, 21, 22]);
        // 5.5, 7.5, 25.5 and 27.5.
        assert_eq!(reduced(&picture(), 0, 0, 2, 2), [6, 8, 26, 28]);
        for cell in 1..9 {
            let flat = Luma::from_raw(40, 40, vec![255; 1600]).unwrap();
            assert_eq!(reduced(&flat, 3, 2, cell, 4), [255; 16], "cells of {cell}");
        }
    }

    #[test]
    fn beyond_the_border_its_pixels_repeat() {
        for cell in 1..7 {
            for (left, top) in [(-9, -8), (-1, 2), (3, -3), (4, 3), (2, 40), (-70, 1), (90, -90)] {
                let mean = |x: isize, y: isize| {
                    let places = 0..(cell * cell) as isize;
                    let at = |i| (left + x + i % cell as isize, top + y + i / cell as isize);
                    let pixel = |(x, y)| u32::from(picture().at_clamped(x, y));
                    rounded(places.map(at).map(pixel).sum(), cell)
                };
                let places = (0..9).map(|i| (i % 3 * cell as isize, i / 3 * cell as isize));
                let expected: Vec<u8> = places.map(|(x, y)| mean(x, y)).collect();
                let found = reduced(&picture(), left, top, cell, 3);
                assert_eq!(found, expected, "cells of {cell} from {left}, {top}");
            }
        }
    }

    #[test]
    fn the_largest_cell_does_not_overflow() {
        let white = Luma::from_raw(3, 3, vec![255; 9]).unwrap();
        assert_eq!(reduced(&white, -2000, -9000, Grid::MAX_CELL, 2), [255; 4]);
    }
}
