//! Pictures as 8-bit full-range luma: the only input of the networks.

use serde::{Deserialize, Serialize};

/// A picture of one 8-bit luma channel, `0..=255` full range, rows top to bottom without padding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Luma {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// The pixel count does not fit the stated size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {width}x{height} luma picture has {expected} pixels, not {actual}")]
pub struct SizeMismatch {
    width: usize,
    height: usize,
    expected: usize,
    actual: usize,
}

impl Luma {
    /// A black picture.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height] }
    }

    /// A picture of `width * height` pixels, row-major.
    ///
    /// # Errors
    /// [`SizeMismatch`] when the count differs.
    pub fn from_raw(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, SizeMismatch> {
        let expected = width.saturating_mul(height);
        if pixels.len() != expected {
            return Err(SizeMismatch { width, height, expected, actual: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// Width, px.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height, px.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All pixels, row-major.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All pixels, row-major, mutable.
    pub fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// One row of `width` pixels.
    ///
    /// # Panics
    /// When `y >= height`.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.pixels[y * self.width..(y + 1) * self.width]
    }

    /// Changes the size and keeps the allocation; the content is unspecified afterwards.
    pub fn reshape(&mut self, width: usize, height: usize) {
        self.width = width;
        self.height = height;
        self.pixels.resize(width * height, 0);
    }

    /// Writes the means of squares of `factor` x `factor` px into `target`, whose allocation is reused. Incomplete
    /// squares at the right and bottom edges are dropped.
    pub fn reduce(&self, factor: usize, target: &mut Self) {
        let factor = factor.max(1);
        target.reshape(self.width / factor, self.height / factor);
        let area = (factor * factor) as u32;
        for (y, row) in target.pixels.chunks_exact_mut((self.width / factor).max(1)).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                let rows = (y * factor..(y + 1) * factor).map(|y| self.row(y));
                let sum = rows.flat_map(|row| &row[x * factor..(x + 1) * factor]);
                let sum: u32 = sum.map(|pixel| u32::from(*pixel)).sum();
                *pixel = ((sum + area / 2) / area) as u8;
            }
        }
    }

    /// The pixel at `(x, y)`, coordinates clamped to the border.
    ///
    /// # Panics
    /// When the picture is empty.
    pub fn at_clamped(&self, x: isize, y: isize) -> u8 {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.pixels[y * self.width + x]
    }
}

/// How a source encodes black and white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// 0 is black, 255 is white: JPEG, PNG, FER2013.
    #[default]
    Full,
    /// 16 is black, 235 is white (ITU-R BT.601): most cameras and Y4M streams.
    Limited,
}

impl Range {
    /// Expands pixels to full range in place.
    pub fn expand(self, pixels: &mut [u8]) {
        if self == Self::Limited {
            for pixel in pixels {
                // 219 steps between 16 and 235, rounded to nearest.
                *pixel = ((u32::from(pixel.saturating_sub(16)) * 255 + 109) / 219).min(255) as u8;
            }
        }
    }
}

/// BT.601 luma of an RGB pixel, `0..=255`: what a JPEG stores and a camera sends as Y.
pub fn luma_of_rgb([r, g, b]: [u8; 3]) -> u8 {
    // 0.299, 0.587, 0.114 in 16-bit fixed point; the three sum to 65536, so white stays 255.
    ((19595 * u32::from(r) + 38470 * u32::from(g) + 7471 * u32::from(b) + 32768) >> 16) as u8
}

/// How the camera is mounted: rotated clockwise first, then mirrored left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orientation {
    /// Clockwise turn of the picture.
    pub rotation: Rotation,
    /// Mirror left to right, after the turn.
    pub mirror: bool,
}

/// A clockwise turn in quarter steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rotation {
    /// As it comes.
    #[default]
    #[serde(rename = "0")]
    None,
    /// 90 degrees clockwise.
    #[serde(rename = "90")]
    Cw90,
    /// 180 degrees.
    #[serde(rename = "180")]
    Half,
    /// 270 degrees clockwise.
    #[serde(rename = "270")]
    Cw270,
}

impl Orientation {
    /// Whether [`Orientation::apply`] would only copy.
    pub fn is_identity(self) -> bool {
        self == Self::default()
    }

    /// Writes the turned and mirrored `source` into `target`, whose allocation is reused.
    pub fn apply(self, source: &Luma, target: &mut Luma) {
        let (w, h) = (source.width(), source.height());
        match self.rotation {
            Rotation::None | Rotation::Half => target.reshape(w, h),
            Rotation::Cw90 | Rotation::Cw270 => target.reshape(h, w),
        }
        let (tw, th) = (target.width(), target.height());
        for y in 0..th {
            for x in 0..tw {
                let turned = if self.mirror { tw - 1 - x } else { x };
                let (sx, sy) = match self.rotation {
                    Rotation::None => (turned, y),
                    Rotation::Cw90 => (y, h - 1 - turned),
                    Rotation::Half => (w - 1 - turned, h - 1 - y),
                    Rotation::Cw270 => (w - 1 - y, turned),
                };
                target.pixels[y * tw + x] = source.pixels[sy * w + sx];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Luma {
        Luma::from_raw(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap()
    }

    fn oriented(rotation: Rotation, mirror: bool) -> (usize, Vec<u8>) {
        let mut out = Luma::default();
        Orientation { rotation, mirror }.apply(&picture(), &mut out);
        (out.width(), out.pixels().to_vec())
    }

    #[test]
    fn a_reduced_picture_has_the_means_of_whole_squares() {
        let picture = Luma::from_raw(5, 3, vec![0, 2, 10, 20, 99, 4, 6, 30, 41, 99, 9, 9, 9, 9, 9]);
        let mut small = Luma::default();
        picture.unwrap().reduce(2, &mut small);
        assert_eq!(small, Luma::from_raw(2, 1, vec![3, 25]).unwrap());
        Luma::new(3, 1).reduce(2, &mut small);
        assert_eq!((small.width(), small.height()), (1, 0));
    }

    #[test]
    fn limited_range_reaches_black_and_white() {
        let mut pixels = [0, 16, 126, 235, 255];
        Range::Limited.expand(&mut pixels);
        assert_eq!(pixels, [0, 0, 128, 255, 255]);
        Range::Full.expand(&mut pixels);
        assert_eq!(pixels, [0, 0, 128, 255, 255]);
    }

    #[test]
    fn luma_of_grey_is_itself() {
        for v in 0..=255 {
            assert_eq!(luma_of_rgb([v, v, v]), v);
        }
        assert_eq!([[255, 0, 0], [0, 255, 0], [0, 0, 255]].map(luma_of_rgb), [76, 150, 29]);
    }

    #[test]
    fn turns_and_mirrors() {
        assert_eq!(oriented(Rotation::None, false), (3, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(oriented(Rotation::None, true), (3, vec![3, 2, 1, 6, 5, 4]));
        assert_eq!(oriented(Rotation::Cw90, false), (2, vec![4, 1, 5, 2, 6, 3]));
        assert_eq!(oriented(Rotation::Half, false), (3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(oriented(Rotation::Cw270, false), (2, vec![3, 6, 2, 5, 1, 4]));
        assert_eq!(oriented(Rotation::Cw90, true), (2, vec![1, 4, 2, 5, 3, 6]));
    }

    #[test]
    fn refuses_a_wrong_pixel_count() {
        let error = Luma::from_raw(48, 48, vec![0; 2303]).unwrap_err();
        assert_eq!(error.to_string(), "a 48x48 luma picture has 2304 pixels, not 2303");
    }
}
