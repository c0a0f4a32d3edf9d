//! Looks that are turned, so that a face which is turned as much stands upright in them.

use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use emocue_models::resample::{Resampler, Similarity};

/// Where the px of a turned look at the whole frame come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// From px of the input to px of the shrunk frame.
    pub(super) to_shrunk: Similarity,
}

impl View {
    /// Fills `input`, `columns` px wide, from `source`, `width` px wide: linearly between four px, black beyond the border.
    pub(super) fn sample(&self, source: &[f32], width: usize, input: &mut [f32], columns: usize) {
        let height = source.len() / width.max(1);
        let Similarity { a, b, .. } = self.to_shrunk;
        for (y, line) in input.chunks_exact_mut(columns.max(1)).enumerate() {
            let start = self.to_shrunk.apply(Point::new(0.5, y as f32 + 0.5));
            let (mut at_x, mut at_y) = (start.x - 0.5, start.y - 0.5);
            for pixel in line {
                *pixel = between(source, (width, height), at_x, at_y);
                (at_x, at_y) = (at_x + a, at_y + b);
            }
        }
    }

    /// A face in px of the input, in px of the frame, which has `scale` px for one of the shrunk frame. Its box keeps its
    /// size and stays upright, as the boxes of turned faces are marked.
    pub(super) fn face(&self, face: &Face, scale: Point) -> Face {
        let place = |point: Point| {
            let Point { x, y } = self.to_shrunk.apply(point);
            Point::new(x * scale.x, y * scale.y)
        };
        let size = self.to_shrunk.scale() * (scale.x + scale.y) / 2.0;
        moved(face, size, place)
    }
}

/// The value between the four px around a place, counted from the middle of the first px; 0 beyond the border.
fn between(source: &[f32], (width, height): (usize, usize), x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    if left < 0.0 || top < 0.0 || left + 1.0 >= width as f32 || top + 1.0 >= height as f32 {
        return 0.0;
    }
    let (right, down) = (x - left, y - top);
    let first = top as usize * width + left as usize;
    let mix = |at: usize| source[at] + right * (source[at + 1] - source[at]);
    let (above, below) = (mix(first), mix(first + width));
    above + down * (below - above)
}

/// A face whose points go where `place` says, and whose box keeps its proportions at `size` times its own.
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
    /// Cuts `faces` sides of the face at `rect`, which is turned by `degrees`, to `side` px; and where in it that face is.
    /// `None` where there is nothing to cut.
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

    /// A face in px of what was cut last, in px of its frame.
    pub(super) fn face(&self, face: &Face) -> Face {
        let to_frame = self.to_frame.unwrap_or(Similarity::IDENTITY);
        moved(face, to_frame.scale(), |point| to_frame.apply(point))
    }
}
