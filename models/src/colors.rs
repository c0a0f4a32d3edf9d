//! A picture's colours, for displays only: the networks see luma only.

use crate::luma::Luma;

/// Red, green and blue planes of one size, 8 bits each, `0..=255` full range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Colors([Luma; 3]);

impl Colors {
    /// `width * height` pixels of three bytes, row-major; missing pixels are black.
    pub fn of_rgb(width: usize, height: usize, rgb: impl IntoIterator<Item = [u8; 3]>) -> Self {
        let mut colors = Self::default();
        colors.fill(width, height, rgb);
        colors
    }

    /// As [`Colors::of_rgb`], in place, so that the allocations are reused.
    pub fn fill(&mut self, width: usize, height: usize, rgb: impl IntoIterator<Item = [u8; 3]>) {
        self.0.iter_mut().for_each(|plane| plane.reshape(width, height));
        let [red, green, blue] = &mut self.0;
        let planes = red.pixels_mut().iter_mut().zip(green.pixels_mut()).zip(blue.pixels_mut());
        let mut rgb = rgb.into_iter();
        for ((r, g), b) in planes {
            [*r, *g, *b] = rgb.next().unwrap_or_default();
        }
    }

    /// Width, px.
    pub fn width(&self) -> usize {
        self.0[0].width()
    }

    /// Height, px.
    pub fn height(&self) -> usize {
        self.0[0].height()
    }

    /// Every pixel, row-major.
    pub fn pixels(&self) -> impl Iterator<Item = [u8; 3]> + '_ {
        let [red, green, blue] = &self.0;
        let planes = red.pixels().iter().zip(green.pixels()).zip(blue.pixels());
        planes.map(|((r, g), b)| [*r, *g, *b])
    }

    /// The planes after `change`, such as [`Luma::reduce`] or an [`Orientation`](crate::luma::Orientation), which gets
    /// a source and a target.
    #[must_use]
    pub fn changed(&self, change: impl Fn(&Luma, &mut Luma)) -> Self {
        let mut changed = Self::default();
        for (from, to) in self.0.iter().zip(&mut changed.0) {
            change(from, to);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use crate::luma::{Orientation, Rotation};

    use super::*;

    #[test]
    fn planes_are_turned_together() {
        let pixels = [[1, 2, 3], [4, 5, 6]];
        let colors = Colors::of_rgb(2, 1, pixels);
        assert_eq!(colors.pixels().collect::<Vec<_>>(), pixels);
        let half = Orientation { rotation: Rotation::Cw90, mirror: false };
        let turned = colors.changed(|from, to| half.apply(from, to));
        assert_eq!((turned.width(), turned.height()), (1, 2));
        assert_eq!(turned.pixels().collect::<Vec<_>>(), pixels);
        let small = colors.changed(|from, to| from.reduce(1, to));
        assert_eq!(small, colors);
    }

    #[test]
    fn missing_pixels_are_black() {
        let colors = Colors::of_rgb(2, 1, [[9, 9, 9]]);
        assert_eq!(colors.pixels().last(), Some([0; 3]));
    }
}
