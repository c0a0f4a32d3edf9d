//! A thumbnail of a face, to decide after a sudden change of the picture whether it is still the same face. It is kept
//! for one frame.

use emocue_models::geometry::Rect;
use emocue_models::luma::Luma;

use super::track::size;

/// Cells in each direction.
const SIDE: usize = 16;

/// A thumbnail of a face, minus its mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appearance([f32; SIDE * SIDE]);

impl Appearance {
    /// The thumbnail of the square around `rect`'s centre; beyond the frame's border, the border's pixels repeat.
    pub(super) fn of(frame: &Luma, rect: &Rect) -> Self {
        let mut cells = [0.0; SIDE * SIDE];
        let (width, height) = (frame.width(), frame.height());
        if width == 0 || height == 0 {
            return Self(cells);
        }
        let (center, side) = (rect.center(), size(rect));
        // Two samples in each direction for each cell.
        let at = |middle: f32, sample: usize, limit: usize| {
            let share = (sample as f32 + 0.5) / (2 * SIDE) as f32 - 0.5;
            // A cast saturates; NaN becomes 0.
            ((middle + share * side) as usize).min(limit - 1)
        };
        for y in 0..2 * SIDE {
            let row = frame.row(at(center.y, y, height));
            for x in 0..2 * SIDE {
                cells[y / 2 * SIDE + x / 2] += f32::from(row[at(center.x, x, width)]) / 4.0;
            }
        }
        let mean = cells.iter().sum::<f32>() / cells.len() as f32;
        Self(cells.map(|cell| cell - mean))
    }

    /// The normalised cross-correlation with another, `-1..=1`; 1 for the same, 0 if one has no contrast.
    pub(super) fn likeness(&self, other: &Self) -> f32 {
        let sum = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let norm = (sum(&self.0, &self.0) * sum(&other.0, &other.0)).sqrt();
        if norm > 0.0 { sum(&self.0, &other.0) / norm } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_is_like_itself_elsewhere_and_in_other_light() {
        let mut frame = Luma::new(200, 100);
        for (i, pixel) in frame.pixels_mut().iter_mut().enumerate() {
            let (x, y) = (i % 200 % 100, i / 200);
            // The same face twice, the second darker; vertical stripes, and horizontal ones in the lower half.
            let bright = if y < 50 { x / 8 % 2 } else { y / 6 % 2 };
            *pixel = (if i % 200 < 100 { 200 } else { 40 }) * bright as u8 + (x / 4) as u8;
        }
        let of = |x, y| Appearance::of(&frame, &Rect::new(x, y, 32.0, 32.0));
        let first = of(16.0, 8.0);
        assert!(first.likeness(&of(16.0, 8.0)) > 0.999);
        assert!(first.likeness(&of(116.0, 8.0)) > 0.9, "{}", first.likeness(&of(116.0, 8.0)));
        assert!(first.likeness(&of(16.0, 60.0)) < 0.5);
        for odd in [Rect::new(-90.0, 900.0, 9.0, 9.0), Rect::new(f32::NAN, 0.0, f32::INFINITY, 1.0)]
        {
            assert!(first.likeness(&Appearance::of(&frame, &odd)).abs() <= 1.0);
        }
        assert_eq!(first.likeness(&Appearance::of(&Luma::default(), &Rect::default())), 0.0);
    }
}
