//! Turned views, in which a face that is turned as much stands upright.

use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use emocue_models::resample::{Resampler, Similarity};

/// A turned view of the whole frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// From px of the input to px of the shrunk frame.
    pub(super) to_shrunk: Similarity,
}

impl View {
    /// Fills `input`, `columns` px wide, from `source`, `width` px wide: bilinear, black beyond the border.
    pub(super) fn sample(&self, source: &[f32], width: usize, input: &mut [f32], columns: usize) {
        let height = source.len() / width.max(1);
        // Fixed point: rounding down is a function call on processors without SSE 4.1.
        let fixed = |value: f32| (value * (1 << FRACTION) as f32) as i64;
        let step = (fixed(self.to_shrunk.a), fixed(self.to_shrunk.b));
        for (y, line) in input.chunks_exact_mut(columns.max(1)).enumerate() {
            let start = self.to_shrunk.apply(Point::new(0.5, y as f32 + 0.5));
            let (mut x, mut y) = (fixed(start.x - 0.5), fixed(start.y - 0.5));
            for pixel in line {
                *pixel = between(source, (width, height), x, y);
                (x, y) = (x.wrapping_add(step.0), y.wrapping_add(step.1));
            }
        }
    }

    /// Converts a face from px of the input to px of the frame, which has `scale` px for one of the shrunk frame. Its
    /// box keeps its size and stays upright, as the boxes of turned faces are marked.
    pub(super) fn face(&self, face: &Face, scale: Point) -> Face {
        let place = |point: Point| {
            let Point { x, y } = self.to_shrunk.apply(point);
            Point::new(x * scale.x, y * scale.y)
        };
        let size = self.to_shrunk.scale() * (scale.x + scale.y) / 2.0;
        moved(face, size, place)
    }
}

/// Fractional bits of a coordinate.
const FRACTION: u32 = 16;

/// Bilinear interpolation at a position, counted from the centre of the first px; 0 beyond the border.
fn between(source: &[f32], (width, height): (usize, usize), x: i64, y: i64) -> f32 {
    // Negative coordinates become large, too.
    let (left, top) = ((x >> FRACTION) as usize, (y >> FRACTION) as usize);
    if left >= width.saturating_sub(1) || top >= height.saturating_sub(1) {
        return 0.0;
    }
    let part = |at: i64| (at & ((1 << FRACTION) - 1)) as i32 as f32 / (1 << FRACTION) as f32;
    let (right, down) = (part(x), part(y));
    let first = top * width + left;
    let mix = |at: usize| source[at] + right * (source[at + 1] - source[at]);
    let (above, below) = (mix(first), mix(first + width));
    above + down * (below - above)
}

/// A face whose points are mapped by `place`, and whose box keeps its proportions at `size` times its own.
fn moved(face: &Face, size: f32, place: impl Fn(Point) -> Point) -> Face {
    let center = place(face.rect.center());
    let (width, height) = (face.rect.width * size, face.rect.height * size);
    let rect = Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height);
    let points = |landmarks: Landmarks| Landmarks::from_points(landmarks.points().map(&place));
    Face { rect, landmarks: face.landmarks.map(points), ..*face }
}

/// A square part of a frame, turned so that a face in its middle stands upright. Keeps its memory.
#[derive(Default)]
pub(super) struct Patch {
    pub(super) luma: Luma,
    resampler: Resampler,
    to_frame: Option<Similarity>,
}

impl Patch {
    /// Cuts a square of `faces` times the side of the face at `rect`, turned by `degrees`, and resamples it to `side`
    /// px; returns where that face is in it. `None` where there is nothing to cut.
    pub(super) fn cut(
        &mut self,
        frame: &Luma,
        rect: &Rect,
        degrees: f32,
        faces: f32,
        side: usize,
    ) -> Option<Rect> {
        let longer = rect.width.max(rect.height);
        let (scale, half) = (faces * longer / side as f32, side as f32 / 2.0);
        let (sin, cos) = degrees.to_radians().sin_cos();
        let turn = Similarity { a: scale * cos, b: scale * sin, x: 0.0, y: 0.0 };
        let (center, from) = (rect.center(), turn.apply(Point::new(half, half)));
        let to_frame = Similarity { x: center.x - from.x, y: center.y - from.y, ..turn };
        let is_cut =
            scale.is_finite() && scale > 0.0 && center.x.is_finite() && center.y.is_finite();
        if !is_cut || frame.pixels().is_empty() {
            return None;
        }
        self.luma.reshape(side, side);
        self.resampler.run(frame, to_frame, side, self.luma.pixels_mut());
        self.to_frame = Some(to_frame);
        let (width, height) = (rect.width / scale, rect.height / scale);
        Some(Rect::new(half - width / 2.0, half - height / 2.0, width, height))
    }

    /// Converts a face from px of the last cut to px of its frame.
    pub(super) fn face(&self, face: &Face) -> Face {
        let to_frame = self.to_frame.unwrap_or(Similarity::IDENTITY);
        moved(face, to_frame.scale(), |point| to_frame.apply(point))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_the_frame_turned_about_its_middle_and_black_beyond() {
        // 5 x 3 px, brighter to the right and downwards.
        let source: Vec<f32> = (0..15).map(|i| (10 + i % 5 + 20 * (i / 5)) as f32).collect();
        let look = |a: f32, b: f32| {
            let from = Similarity { a, b, x: 0.0, y: 0.0 }.apply(Point::new(2.5, 1.5));
            let (x, y) = (2.5 - from.x, 1.5 - from.y);
            let mut input = [-1.0; 15];
            View { to_shrunk: Similarity { a, b, x, y } }.sample(&source, 5, &mut input, 5);
            input
        };
        // Upright; the last row and column have no next px to interpolate with.
        let upright = look(1.0, 0.0);
        assert_eq!(upright[..4], source[..4]);
        assert_eq!(upright[5..9], source[5..9]);
        assert_eq!(upright[10..], [0.0; 5]);
        // By a quarter: what was on the right is above, and what was above is on the left. Below is the last row.
        let quarter = look(0.0, 1.0);
        assert_eq!([quarter[7], quarter[2], quarter[12]], [32.0, 33.0, 31.0]);
        assert_eq!([quarter[6], quarter[8], quarter[0]], [12.0, 0.0, 0.0]);
        for odd in [f32::NAN, 1e30, -1e30] {
            look(odd, odd);
        }
    }

    #[test]
    fn what_is_cut_and_what_is_found_in_it_fit_together() {
        let frame = Luma::from_raw(40, 30, (0..1200).map(|i| (i % 251) as u8).collect()).unwrap();
        let mut patch = Patch::default();
        let rect = Rect::new(12.0, 8.0, 10.0, 14.0);
        let within = patch.cut(&frame, &rect, 30.0, 2.0, 56).unwrap();
        assert_eq!(within, Rect::new(18.0, 14.0, 20.0, 28.0));
        let right = Point::new(38.0, 28.0);
        let landmarks = Some(Landmarks { right_eye: right, ..Landmarks::default() });
        let face = patch.face(&Face { rect: within, score: 0.5, landmarks });
        assert!(face.rect.iou(&rect) > 0.999, "{face:?}");
        // 5 px to the right of the middle in the upright face.
        let (sin, cos) = 30_f32.to_radians().sin_cos();
        let eye = Point::new(17.0 + 5.0 * cos, 15.0 + 5.0 * sin);
        assert!(face.landmarks.unwrap().right_eye.distance(eye) < 1e-3, "{face:?}");
        for odd in [Rect::new(f32::NAN, 0.0, 9.0, 9.0), Rect::new(0.0, 0.0, 0.0, -1.0)] {
            assert_eq!(patch.cut(&frame, &odd, 30.0, 2.0, 56), None);
        }
    }
}
