//! Properties of a whole frame: whether the scene has changed since the frame before, and whether it is too dark.

use emocue_models::geometry::Rect;
use emocue_models::luma::Luma;

/// Columns and rows of the thumbnail.
const COLUMNS: usize = 16;
const ROWS: usize = 12;

/// Sampling step in both directions, px.
const STEP: usize = 4;

/// Limits of the mean difference of two thumbnails without their means, of 255: from the first on, the scene may have
/// changed, or the badge was turned quickly; from the second on, it has changed. People who move give less.
const SUDDEN: f32 = 22.0;
const CUT: f32 = 45.0;

/// A frame is dark if at most a hundredth of its px is brighter than this; a face, if at most a tenth is.
const DARK: u8 = 24;
/// The limit for a frame or a face that was dark (hysteresis).
const NO_LONGER_DARK: u8 = 32;

/// How a frame differs from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SceneChange {
    /// As if people move.
    Little,
    /// As if the badge is turned quickly, or the scene changes to a similar one.
    Sudden,
    /// As if the scene changes.
    Cut,
}

/// Compares each frame with the one before.
#[derive(Debug, Default)]
pub(super) struct Scene {
    last: Option<Thumbnail>,
}

type Thumbnail = [f32; COLUMNS * ROWS];

impl Scene {
    /// How `frame` differs from the one before; [`SceneChange::Little`] for the first.
    pub(super) fn change(&mut self, frame: &Luma) -> SceneChange {
        let now = thumbnail(frame);
        let last = self.last.replace(now).unwrap_or(now);
        let sum: f32 = now.iter().zip(&last).map(|(now, last)| (now - last).abs()).sum();
        match sum / now.len() as f32 {
            difference if difference > CUT => SceneChange::Cut,
            difference if difference > SUDDEN => SceneChange::Sudden,
            _ => SceneChange::Little,
        }
    }

    /// The next frame counts as the first.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }
}

/// Means of the frame's cells, minus the mean of all.
fn thumbnail(frame: &Luma) -> Thumbnail {
    let (width, height) = (frame.width(), frame.height());
    let (mut sums, mut counts) = ([0_u32; COLUMNS * ROWS], [0_u32; COLUMNS * ROWS]);
    for y in (0..height).step_by(STEP) {
        let row = y * ROWS / height * COLUMNS;
        let pixels = frame.row(y);
        for column in 0..COLUMNS {
            let (from, to) = (column * width / COLUMNS, (column + 1) * width / COLUMNS);
            for pixel in pixels[from..to].iter().step_by(STEP) {
                sums[row + column] += u32::from(*pixel);
                counts[row + column] += 1;
            }
        }
    }
    let mut cells = [0.0; COLUMNS * ROWS];
    for (cell, (sum, count)) in cells.iter_mut().zip(sums.iter().zip(counts)) {
        *cell = *sum as f32 / count.max(1) as f32;
    }
    let mean = cells.iter().sum::<f32>() / cells.len() as f32;
    cells.map(|cell| cell - mean)
}

/// Whether the whole frame is too dark to find a face; `was` is the last result.
pub(super) fn is_dark(frame: &Luma, was: bool) -> bool {
    let pixels =
        (0..frame.height()).step_by(STEP).flat_map(|y| frame.row(y).iter().step_by(STEP).copied());
    is_below(pixels, 0.99, was)
}

/// Whether a face is too dark to be classified; `was` is the last result.
pub(super) fn is_dark_at(frame: &Luma, rect: &Rect, was: bool) -> bool {
    let clip = |from: f32, to: f32, side: usize| {
        let limit = side as f32;
        (from.clamp(0.0, limit) as usize, to.clamp(0.0, limit) as usize)
    };
    let (left, right) = clip(rect.x, rect.right(), frame.width());
    let (top, bottom) = clip(rect.y, rect.bottom(), frame.height());
    let step = (right.saturating_sub(left) / 16).max(1);
    let pixels = (top..bottom)
        .step_by(step)
        .flat_map(|y| frame.row(y).get(left..right).unwrap_or_default().iter().step_by(step));
    is_below(pixels.copied(), 0.9, was)
}

/// Whether that share of `pixels` is below [`DARK`], or below [`NO_LONGER_DARK`] if `was`; false without pixels.
fn is_below(pixels: impl Iterator<Item = u8>, share: f32, was: bool) -> bool {
    let limit = if was { NO_LONGER_DARK } else { DARK };
    let (mut dark, mut all) = (0_u32, 0_u32);
    for pixel in pixels {
        all += 1;
        dark += u32::from(pixel < limit);
    }
    all > 0 && dark as f32 >= share * all as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gradient with a bright square at `(x, y)`, everything brighter by `brighter`.
    fn frame(x: usize, y: usize, brighter: u8) -> Luma {
        let mut frame = Luma::new(320, 240);
        for (i, pixel) in frame.pixels_mut().iter_mut().enumerate() {
            let (column, row) = (i % 320, i / 320);
            let is_square = column.abs_diff(x + 40) < 40 && row.abs_diff(y + 40) < 40;
            *pixel = brighter + (column / 4) as u8 + if is_square { 120 } else { 0 };
        }
        frame
    }

    #[test]
    fn what_moves_or_is_lit_otherwise_is_the_same_scene() {
        let mut scene = Scene::default();
        let changes = [(100, 80, 0), (112, 84, 0), (112, 84, 50), (40, 20, 50)]
            .map(|(x, y, brighter)| scene.change(&frame(x, y, brighter)));
        assert_eq!(changes, [SceneChange::Little; 4]);
        let mut other = frame(40, 20, 0);
        other.pixels_mut().reverse();
        other.pixels_mut().iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        assert_eq!(scene.change(&other), SceneChange::Sudden);
        other.pixels_mut().iter_mut().for_each(|pixel| *pixel = 255 * (*pixel / 128));
        scene.change(&other);
        other.pixels_mut().iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
        assert_eq!(scene.change(&other), SceneChange::Cut);
        scene.forget();
        assert_eq!(scene.change(&frame(40, 20, 0)), SceneChange::Little);
        for size in [(0, 0), (1, 1), (3, 200)] {
            scene.change(&Luma::new(size.0, size.1));
        }
    }

    #[test]
    fn darkness_is_of_the_frame_or_of_a_face() {
        let mut frame = Luma::new(320, 240);
        assert!(
            is_dark(&frame, false) && is_dark_at(&frame, &Rect::new(0.0, 0.0, 50.0, 50.0), false)
        );
        for row in frame.pixels_mut().chunks_exact_mut(320).take(100) {
            row[100..200].fill(90);
        }
        assert!(!is_dark(&frame, false));
        assert!(!is_dark_at(&frame, &Rect::new(110.0, 10.0, 60.0, 60.0), false));
        assert!(is_dark_at(&frame, &Rect::new(210.0, 10.0, 60.0, 60.0), false));
        for odd in [Rect::new(-90.0, -9.0, 20.0, 5.0), Rect::new(f32::NAN, 0.0, f32::NAN, 1e30)] {
            assert!(!is_dark_at(&frame, &odd, false), "{odd:?}");
        }
        assert!(!is_dark(&Luma::default(), false));
    }
}
