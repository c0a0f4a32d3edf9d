//! The sizes at which a frame is searched.

use super::group::WindowRect;
use super::{HaarSettings, linear};

/// One of the sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// Frame px for each px of the shrunk frame.
    factor: f32,
    /// Of the shrunk frame, px.
    pub size: (usize, usize),
    /// From one window to the next, px of the shrunk frame.
    pub step: usize,
    /// Of the window in the frame, px.
    window: (usize, usize),
}

/// From the smallest window that is wide enough to the largest that fits into a frame of `size` px.
pub(super) fn scales(
    size: (usize, usize),
    window: (usize, usize),
    settings: HaarSettings,
) -> impl Iterator<Item = Scale> {
    let factors = std::iter::successors(Some(1.0_f64), move |factor| Some(factor * settings.scale));
    // OpenCV tests for the last window with the 64-bit factor, and computes everything else with 32 bits.
    let window_at = move |factor: f64| {
        (
            linear::round(window.0 as f64 * factor) as usize,
            linear::round(window.1 as f64 * factor) as usize,
        )
    };
    factors
        .take_while(move |factor| {
            let (width, height) = window_at(*factor);
            width <= size.0 && height <= size.1
        })
        .map(move |factor| {
            let factor = factor as f32;
            let side = |side: usize| linear::round(f64::from(side as f32 / factor)) as usize;
            let wide = |side: usize| linear::round(f64::from(side as f32 * factor)) as usize;
            Scale {
                factor,
                size: (side(size.0), side(size.1)),
                step: if factor >= 2.0 { 1 } else { 2 },
                window: (wide(window.0), wide(window.1)),
            }
        })
        .filter(move |scale| {
            let (width, height) = scale.window;
            width.min(height) as f32 >= settings.min_face
        })
}

impl Scale {
    /// The window at `(x, y)` of the shrunk frame, in px of the frame.
    pub(super) fn window(&self, x: usize, y: usize) -> WindowRect {
        let [x, y] = [x, y].map(|at| linear::round(f64::from(at as f32 * self.factor)) as i32);
        WindowRect { x, y, width: self.window.0 as i32, height: self.window.1 as i32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_from_the_smallest_face_to_the_frame() {
        let found: Vec<Scale> = scales((640, 480), (24, 24), HaarSettings::default()).collect();
        let windows: Vec<usize> = found.iter().map(|scale| scale.window.0).collect();
        // 24, 26 and 29 are below 30 px.
        assert_eq!(windows[..4], [32, 35, 39, 43]);
        assert_eq!(*windows.last().unwrap(), 461);
        assert_eq!(found[0].size, (481, 361));
        assert_eq!(found.iter().filter(|scale| scale.step == 2).count(), 5);
        for (width, height) in [(0, 0), (1, 1), (23, 480), (640, 29)] {
            assert_eq!(scales((width, height), (24, 24), HaarSettings::default()).count(), 0);
        }
    }
}
