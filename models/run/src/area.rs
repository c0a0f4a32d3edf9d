//! Resizing by the mean of what each target pixel covers.

use emocue_models::luma::Luma;

/// Part of a frame in whole px.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

impl Window {
    pub(crate) fn whole(frame: &Luma) -> Self {
        Self { x: 0, y: 0, width: frame.width(), height: frame.height() }
    }
}

/// Resizes a window to any size: target pixel `i` of `n` is the unweighted mean of source pixels
/// `floor(i * s / n) .. ceil((i + 1) * s / n)`, as in PyTorch's `interpolate(mode="area")`. Keeps its working memory.
#[derive(Debug, Default)]
pub(crate) struct AreaResize {
    /// For each column the sum over one target row's source rows, then the running sum from the left.
    running: Vec<u32>,
    /// For each target column the source columns.
    columns: Vec<(usize, usize)>,
    /// A part of the target.
    part: Vec<f32>,
}

/// A window that may reach past the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PaddedWindow {
    /// Left and right edge, px.
    pub x: (f32, f32),
    /// Upper and lower edge, px.
    pub y: (f32, f32),
    /// What of it lies in the frame.
    pub inside: Window,
}

impl AreaResize {
    /// Fills `target`, `width` x `target.len() / width` px, with means `0..=255`.
    ///
    /// `window` must lie inside `frame` and not be empty.
    pub(crate) fn run(&mut self, frame: &Luma, window: Window, width: usize, target: &mut [f32]) {
        let height = target.len() / width;
        self.columns.clear();
        self.columns.extend((0..width).map(|i| span(i, window.width, width)));
        for (i, row) in target.chunks_exact_mut(width).enumerate() {
            let (from, to) = span(i, window.height, height);
            self.sum_rows(frame, window, from, to);
            for (value, &(left, right)) in row.iter_mut().zip(&self.columns) {
                // The running sum may wrap around; the difference is still right.
                let sum = self.running[right].wrapping_sub(self.running[left]);
                *value = sum as f32 / ((right - left) * (to - from)) as f32;
            }
        }
    }

    /// The same for a window that may reach past the frame, whose border is repeated there, so that the picture keeps its
    /// proportions and positions in it are positions in the window.
    pub(crate) fn run_padded(
        &mut self,
        frame: &Luma,
        window: PaddedWindow,
        side: usize,
        target: &mut [f32],
    ) {
        let PaddedWindow { x, y, inside } = window;
        let within = |from: usize, length: usize, (near, far): (f32, f32)| {
            let at = |v: usize| ((v as f32 - near) / (far - near) * side as f32).round();
            // At least one px of what is inside.
            let first = (at(from).max(0.0) as usize).min(side - 1);
            (first, (at(from + length).max(0.0) as usize).clamp(first + 1, side))
        };
        let (left, right) = within(inside.x, inside.width, x);
        let (top, bottom) = within(inside.y, inside.height, y);
        if (left, top, right, bottom) == (0, 0, side, side) {
            return self.run(frame, inside, side, target);
        }
        let width = right - left;
        let mut part = std::mem::take(&mut self.part);
        part.resize(width * (bottom - top), 0.0);
        self.run(frame, inside, width, &mut part);
        for (at, row) in target.chunks_exact_mut(side).enumerate() {
            let source = &part[(at.clamp(top, bottom - 1) - top) * width..][..width];
            row[..left].fill(source[0]);
            row[left..right].copy_from_slice(source);
            row[right..].fill(source[width - 1]);
        }
        self.part = part;
    }

    fn sum_rows(&mut self, frame: &Luma, window: Window, from: usize, to: usize) {
        self.running.clear();
        self.running.resize(window.width + 1, 0);
        for y in from..to {
            let row = &frame.row(window.y + y)[window.x..window.x + window.width];
            for (sum, &pixel) in self.running[1..].iter_mut().zip(row) {
                *sum += u32::from(pixel);
            }
        }
        let mut total = 0_u32;
        for sum in &mut self.running[1..] {
            total = total.wrapping_add(*sum);
            *sum = total;
        }
    }
}

/// Source pixels of target pixel `i`.
fn span(i: usize, source: usize, target: usize) -> (usize, usize) {
    (i * source / target, ((i + 1) * source).div_ceil(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(window: Window, width: usize, height: usize) -> Vec<f32> {
        let frame = Luma::from_raw(4, 2, vec![0, 10, 20, 30, 40, 50, 60, 70]).unwrap();
        let mut target = vec![0.0; width * height];
        AreaResize::default().run(&frame, window, width, &mut target);
        target
    }

    const WHOLE: Window = Window { x: 0, y: 0, width: 4, height: 2 };

    #[test]
    fn shrinks_by_the_mean() {
        assert_eq!(resized(WHOLE, 2, 1), [25.0, 45.0]);
        // Ragged windows overlap: columns 0..2, 1..3 and 2..4.
        assert_eq!(resized(WHOLE, 3, 1), [25.0, 35.0, 45.0]);
    }

    #[test]
    fn a_window_past_the_frame_repeats_its_border() {
        let frame = Luma::from_raw(4, 2, vec![0, 10, 20, 30, 40, 50, 60, 70]).unwrap();
        let mut resize = AreaResize::default();
        let mut cut = |x, y, inside| {
            let mut target = vec![-1.0; 16];
            resize.run_padded(&frame, PaddedWindow { x, y, inside }, 4, &mut target);
            target
        };
        // Two px to the left of the frame, and one above and below it.
        let inside = Window { x: 0, y: 0, width: 2, height: 2 };
        let rows = [[0.0, 0.0, 0.0, 10.0], [40.0, 40.0, 40.0, 50.0]];
        let expected = [rows[0], rows[0], rows[1], rows[1]].concat();
        assert_eq!(cut((-2.0, 2.0), (-1.0, 3.0), inside), expected);
        // Nearly nothing of it is inside.
        let corner = Window { x: 3, y: 1, width: 1, height: 1 };
        assert_eq!(cut((3.9, 103.9), (1.9, 101.9), corner), [70.0; 16]);
        // Wholly inside it is as without a border.
        let mut whole = vec![0.0; 16];
        AreaResize::default().run(&frame, WHOLE, 4, &mut whole);
        assert_eq!(cut((0.0, 4.0), (0.0, 2.0), WHOLE), whole);
    }

    #[test]
    fn grows_by_repeating_and_mixing() {
        let window = Window { x: 1, y: 1, width: 2, height: 1 };
        assert_eq!(resized(window, 4, 1), [50.0, 50.0, 60.0, 60.0]);
        assert_eq!(resized(window, 3, 2), [50.0, 55.0, 60.0, 50.0, 55.0, 60.0]);
    }
}
