//! The cells of a frame: their anchors, and how a cell's values encode a face.

use emocue_models::geometry::{Face, Landmarks, Point, Rect};

use super::{HEIGHT, VALUES, WIDTH};

/// Stride of the cells at each level, px.
pub const STRIDES: [usize; 3] = [8, 16, 32];

/// Columns and rows of a level.
pub const fn grid(level: usize) -> [usize; 2] {
    [WIDTH.div_ceil(STRIDES[level]), HEIGHT.div_ceil(STRIDES[level])]
}

/// Cells of a level.
const fn count(level: usize) -> usize {
    let [columns, rows] = grid(level);
    columns * rows
}

/// Cells of all levels.
pub const CELLS: usize = count(0) + count(1) + count(2);

/// A cell of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Index into [`STRIDES`].
    pub level: usize,
    /// Column, from the left.
    pub column: usize,
    /// Row, from the top.
    pub row: usize,
}

impl Cell {
    /// The cell with this index among all cells, level by level, row by row.
    pub fn of_index(index: usize) -> Self {
        let mut first = 0;
        let mut level = 0;
        while level + 1 < STRIDES.len() && index >= first + count(level) {
            first += count(level);
            level += 1;
        }
        let [columns, _] = grid(level);
        Self { level, column: (index - first) % columns, row: (index - first) / columns }
    }

    /// The cell of `level` in which `point` (px) lies; `None` outside the frame.
    pub fn at(level: usize, point: Point) -> Option<Self> {
        let [columns, rows] = grid(level);
        let stride = STRIDES[level] as f32;
        let (x, y) = ((point.x / stride).floor(), (point.y / stride).floor());
        let inside = x >= 0.0 && y >= 0.0 && x < columns as f32 && y < rows as f32;
        inside.then_some(Self { level, column: x as usize, row: y as usize })
    }

    /// Its index among all cells.
    pub fn index(self) -> usize {
        let before: usize = (0..self.level).map(count).sum();
        before + self.row * grid(self.level)[0] + self.column
    }

    /// Its centre, px of the frame.
    pub fn anchor(self) -> Point {
        let stride = STRIDES[self.level] as f32;
        Point::new((self.column as f32 + 0.5) * stride, (self.row as f32 + 0.5) * stride)
    }

    /// The cell's target values for a face, without the score: the centre relative to the anchor, in strides; the
    /// natural logarithms of width and height in strides; the landmarks relative to the anchor, in strides, 0 without
    /// landmarks.
    pub fn encode(self, face: &Face) -> [f32; VALUES - 1] {
        let stride = STRIDES[self.level] as f32;
        let anchor = self.anchor();
        let place = |point: Point| [(point.x - anchor.x) / stride, (point.y - anchor.y) / stride];
        let size = |px: f32| (px.max(1.0) / stride).ln();
        let mut values = [0.0; VALUES - 1];
        values[..2].copy_from_slice(&place(face.rect.center()));
        values[2..4].copy_from_slice(&[size(face.rect.width), size(face.rect.height)]);
        if let Some(landmarks) = face.landmarks {
            for (to, point) in values[4..].chunks_exact_mut(2).zip(landmarks.points()) {
                to.copy_from_slice(&place(point));
            }
        }
        values
    }

    /// The face that the cell's values after the score encode, px of the frame.
    pub fn decode(self, score: f32, values: &[f32; VALUES - 1]) -> Face {
        let stride = STRIDES[self.level] as f32;
        let anchor = self.anchor();
        let place = |x: f32, y: f32| Point::new(anchor.x + x * stride, anchor.y + y * stride);
        let center = place(values[0], values[1]);
        let (width, height) = (values[2].exp() * stride, values[3].exp() * stride);
        let point = |i: usize| place(values[4 + 2 * i], values[5 + 2 * i]);
        Face {
            rect: Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height),
            score,
            landmarks: Some(Landmarks::from_points(std::array::from_fn(point))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_places_of_all_cells_agree() {
        assert_eq!(CELLS, 40 * 30 + 20 * 15 + 10 * 8);
        for index in 0..CELLS {
            let cell = Cell::of_index(index);
            assert_eq!(cell.index(), index);
            assert_eq!(Cell::at(cell.level, cell.anchor()), Some(cell));
        }
        assert_eq!(Cell::at(0, Point::new(-0.1, 5.0)), None);
        assert_eq!(Cell::at(0, Point::new(320.0, 5.0)), None);
    }

    #[test]
    fn a_face_survives_its_encoding() {
        let points = std::array::from_fn(|i| Point::new(100.0 + i as f32, 90.0 - i as f32));
        let face = Face {
            rect: Rect::new(90.0, 80.0, 25.0, 31.0),
            score: 0.5,
            landmarks: Some(Landmarks::from_points(points)),
        };
        for level in 0..3 {
            let cell = Cell::at(level, face.rect.center()).unwrap();
            let back = cell.decode(0.5, &cell.encode(&face));
            assert!(back.rect.iou(&face.rect) > 0.999);
            let [a, b] = [back, face].map(|face| face.landmarks.unwrap().right_mouth);
            assert!(a.distance(b) < 1e-3);
        }
    }
}
