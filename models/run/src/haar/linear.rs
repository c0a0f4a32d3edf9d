//! Resizing as OpenCV's `INTER_LINEAR_EXACT` does it, to the bit: two neighbours in each direction, weights of 1/256.

use emocue_models::luma::Luma;

/// To the nearest whole number, halves to the even one, as OpenCV's `cvRound`.
pub(super) fn round(value: f64) -> f64 {
    value.round_ties_even()
}

/// One target px: the first of its two source px, and their weights in 1/256.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tap {
    first: usize,
    weights: [u32; 2],
}

impl Tap {
    /// For px `at` of `target`, which `source` px become.
    fn of(at: usize, source: usize, target: usize) -> Self {
        // OpenCV computes it through the inverse, too.
        let scale = 1.0 / (target as f64 / source as f64);
        let place = scale * (at as f64 + 0.5) - 0.5;
        let last = source - 1;
        if place < 0.0 || place >= last as f64 {
            return Self { first: if place < 0.0 { 0 } else { last }, weights: [256, 0] };
        }
        let first = place.floor();
        let second = round((place - first) * 256.0) as u32;
        Self { first: first as usize, weights: [256 - second, second] }
    }

    fn mix(self, pair: [u32; 2]) -> u32 {
        self.weights[0] * pair[0] + self.weights[1] * pair[1]
    }
}

/// Keeps its working memory.
#[derive(Debug, Default)]
pub(super) struct LinearResize {
    columns: Vec<Tap>,
    /// The latest two source rows at the target's width, in 1/256; an even row is the first.
    rows: [Vec<u32>; 2],
    target: Vec<u8>,
}

impl LinearResize {
    /// Passes the rows of `frame` at `width` x `height` px to `take`, from top to bottom. No side may be 0.
    pub(super) fn run(
        &mut self,
        frame: &Luma,
        width: usize,
        height: usize,
        mut take: impl FnMut(&[u8]),
    ) {
        let Self { columns, rows, target } = self;
        columns.clear();
        columns.extend((0..width).map(|x| Tap::of(x, frame.width(), width)));
        let mut held = [None; 2];
        for y in 0..height {
            let tap = Tap::of(y, frame.height(), height);
            let second = (tap.first + 1).min(frame.height() - 1);
            for row in [tap.first, second] {
                if held[row % 2] != Some(row) {
                    held[row % 2] = Some(row);
                    shrink_row(frame.row(row), columns, &mut rows[row % 2]);
                }
            }
            let pairs = rows[tap.first % 2].iter().zip(&rows[second % 2]);
            target.clear();
            target.extend(
                pairs.map(|(above, below)| ((tap.mix([*above, *below]) + 32768) >> 16) as u8),
            );
            take(target);
        }
    }
}

fn shrink_row(source: &[u8], columns: &[Tap], target: &mut Vec<u32>) {
    let last = source.len() - 1;
    let value =
        |tap: &Tap| tap.mix([source[tap.first], source[(tap.first + 1).min(last)]].map(u32::from));
    target.clear();
    target.extend(columns.iter().map(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(frame: &Luma, width: usize, height: usize) -> Vec<u8> {
        let mut rows = Vec::new();
        LinearResize::default().run(frame, width, height, |row| rows.extend_from_slice(row));
        rows
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let frame = Luma::from_raw(3, 2, vec![0, 255, 7, 130, 20, 90]).unwrap();
        assert_eq!(resized(&frame, 3, 2), frame.pixels());
    }

    #[test]
    fn neighbours_are_mixed_and_borders_repeated() {
        let frame = Luma::from_raw(4, 1, vec![0, 100, 200, 40]).unwrap();
        // Half the size: between two px each.
        assert_eq!(resized(&frame, 2, 1), [50, 120]);
        assert_eq!(resized(&frame, 8, 1), [0, 25, 75, 125, 175, 160, 80, 40]);
        let pixel = Luma::from_raw(1, 1, vec![9]).unwrap();
        assert_eq!(resized(&pixel, 2, 2), [9; 4]);
    }
}
