//! Sums of pixels over any rectangle by four look-ups (Crow 1984), also tilted by 45 degrees.

/// Sums over everything above and to the left, of luma, of its squares and, where needed, over the tilted triangle
/// above. All sums wrap around; their differences are still right.
#[derive(Debug, Default)]
pub(super) struct Integrals {
    /// Entries of a row: the widest picture and one more.
    stride: usize,
    /// Entries of a plane.
    plane: usize,
    values: Vec<u32>,
    has_tilted: bool,
    /// Rows that were added.
    rows: usize,
    previous: Vec<u8>,
}

/// Which sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plane {
    Luma = 0,
    Squares = 1,
    Tilted = 2,
}

/// The four entries that give a rectangle's sum: plus, minus, minus, plus; relative to the window's first entry.
pub(super) type Corners = [u32; 4];

impl Integrals {
    /// Allocates memory for pictures of at most this size, px.
    pub(super) fn fit(&mut self, width: usize, height: usize, has_tilted: bool) {
        self.stride = width + 1;
        self.plane = self.stride * (height + 1);
        self.has_tilted = has_tilted;
        self.values = vec![0; self.plane * if has_tilted { 3 } else { 2 }];
        self.previous = Vec::with_capacity(width);
    }

    /// Begins another picture.
    pub(super) fn begin(&mut self) {
        self.rows = 0;
        self.previous.clear();
    }

    /// Adds the next row of the picture.
    pub(super) fn add(&mut self, row: &[u8]) {
        let Self { stride, plane, rows, .. } = *self;
        let [above, at] = [rows * stride, (rows + 1) * stride];
        for (start, squared) in [(0, false), (plane, true)] {
            let mut sum = 0_u32;
            for (x, &pixel) in row.iter().enumerate() {
                let value = u32::from(pixel);
                sum = sum.wrapping_add(if squared { value * value } else { value });
                self.values[start + at + x + 1] =
                    self.values[start + above + x + 1].wrapping_add(sum);
            }
        }
        if self.has_tilted {
            self.add_tilted(row);
        }
        self.rows += 1;
    }

    /// An entry is the sum over the triangle that widens upwards from it: what the two triangles beside it in the row
    /// above have together, and two pixels.
    fn add_tilted(&mut self, row: &[u8]) {
        let Self { stride, plane, rows, .. } = *self;
        let width = row.len();
        let [above, at] = [2 * plane + rows * stride, 2 * plane + (rows + 1) * stride];
        for x in 0..=width {
            // Triangles whose tip is outside are those of two rows above: they cancel out.
            let mut sum = match x {
                0 => self.values[above + usize::from(width > 0)],
                x if x == width => self.values[above + x - 1],
                x => {
                    let higher = rows.checked_sub(1).map(|row| 2 * plane + row * stride);
                    let both = self.values[above + x - 1].wrapping_add(self.values[above + x + 1]);
                    both.wrapping_sub(higher.map_or(0, |higher| self.values[higher + x]))
                }
            };
            if x > 0 {
                let earlier = self.previous.get(x - 1).copied().unwrap_or(0);
                sum = sum.wrapping_add(u32::from(row[x - 1]) + u32::from(earlier));
            }
            self.values[at + x] = sum;
        }
        self.previous.clear();
        self.previous.extend_from_slice(row);
    }

    /// The entries for a rectangle `[x, y, width, height]` px of a window.
    pub(super) fn corners(&self, plane: Plane, [x, y, width, height]: [usize; 4]) -> Corners {
        let at = |x: usize, y: usize| (plane as usize * self.plane + y * self.stride + x) as u32;
        match plane {
            Plane::Luma | Plane::Squares => {
                [at(x, y), at(x + width, y), at(x, y + height), at(x + width, y + height)]
            }
            Plane::Tilted => [
                at(x, y),
                at(x - height, y + height),
                at(x + width, y + width),
                at(x + width - height, y + width + height),
            ],
        }
    }

    /// Where the window at `(x, y)` begins.
    pub(super) fn window(&self, x: usize, y: usize) -> usize {
        y * self.stride + x
    }

    /// The sum over a rectangle of the window that begins at `window`.
    pub(super) fn sum(&self, window: usize, corners: &Corners) -> u32 {
        let [a, b, c, d] = corners.map(|offset| self.values[window + offset as usize]);
        a.wrapping_sub(b).wrapping_sub(c).wrapping_add(d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 9;
    const HEIGHT: usize = 8;

    fn pixel(x: usize, y: usize) -> u8 {
        ((x * 37 + y * 91 + x * y * 13) % 256) as u8
    }

    fn integrals() -> Integrals {
        let mut integrals = Integrals::default();
        integrals.fit(WIDTH + 3, HEIGHT + 1, true);
        for _ in 0..2 {
            integrals.begin();
            for y in 0..HEIGHT {
                let row: Vec<u8> = (0..WIDTH).map(|x| pixel(x, y)).collect();
                integrals.add(&row);
            }
        }
        integrals
    }

    #[test]
    fn a_rectangle_has_the_sum_of_its_pixels() {
        let integrals = integrals();
        let rect = [2, 1, 4, 3];
        let (mut luma, mut squares) = (0, 0);
        for y in 2..5 {
            for x in 3..7 {
                luma += u32::from(pixel(x, y));
                squares += u32::from(pixel(x, y)).pow(2);
            }
        }
        let window = integrals.window(1, 1);
        assert_eq!(integrals.sum(window, &integrals.corners(Plane::Luma, rect)), luma);
        assert_eq!(integrals.sum(window, &integrals.corners(Plane::Squares, rect)), squares);
    }

    #[test]
    fn an_entry_of_the_tilted_plane_has_the_triangle_above_it() {
        let integrals = integrals();
        for (tip_x, tip_y) in (0..=WIDTH).flat_map(|x| (0..=HEIGHT).map(move |y| (x, y))) {
            let inside = |x: usize, y: usize| {
                y < tip_y && (x as isize - tip_x as isize + 1).unsigned_abs() < tip_y - y
            };
            let all = (0..WIDTH).flat_map(|x| (0..HEIGHT).map(move |y| (x, y)));
            let sum: u32 =
                all.filter(|&(x, y)| inside(x, y)).map(|(x, y)| u32::from(pixel(x, y))).sum();
            let entry = 2 * integrals.plane + integrals.window(tip_x, tip_y);
            assert_eq!(integrals.values[entry], sum, "({tip_x}, {tip_y})");
        }
    }
}
