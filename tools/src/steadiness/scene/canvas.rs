//! A greyscale image on which faces are drawn.

use super::super::log::Point;

/// Width of every scene, px.
pub(in crate::steadiness) const WIDTH: usize = 640;

/// Height of every scene, px.
pub(in crate::steadiness) const HEIGHT: usize = 480;

/// Width of the blending zone at a picture's border, px of the canvas.
const FADE: f64 = 12.0;

/// A greyscale image, 8 bits per pixel.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::steadiness) struct Grey {
    pub(in crate::steadiness) width: usize,
    pub(in crate::steadiness) height: usize,
    pub(in crate::steadiness) pixels: Vec<u8>,
}

/// Similarity transform from a picture to the canvas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::steadiness) struct Place {
    /// A reference point on the picture, px.
    pub(in crate::steadiness) anchor: Point,
    /// The position of `anchor` on the canvas, px.
    pub(in crate::steadiness) at: Point,
    /// Scale, px of the canvas per px of the picture.
    pub(in crate::steadiness) scale: f64,
    /// Rotation, radians clockwise.
    pub(in crate::steadiness) turn: f64,
}

impl Place {
    /// The point on the picture that is drawn at `(x, y)`.
    fn on_picture(&self, x: f64, y: f64) -> Point {
        let (dx, dy) = ((x - self.at.x) / self.scale, (y - self.at.y) / self.scale);
        let (sin, cos) = (-self.turn).sin_cos();
        Point { x: self.anchor.x + dx * cos - dy * sin, y: self.anchor.y + dx * sin + dy * cos }
    }

    /// The point on the canvas at which `at` of the picture is drawn.
    fn on_canvas(&self, at: Point) -> Point {
        let (dx, dy) = (at.x - self.anchor.x, at.y - self.anchor.y);
        let (sin, cos) = self.turn.sin_cos();
        Point {
            x: self.at.x + (dx * cos - dy * sin) * self.scale,
            y: self.at.y + (dx * sin + dy * cos) * self.scale,
        }
    }
}

impl Grey {
    /// An image of one grey level.
    pub(in crate::steadiness) fn new(width: usize, height: usize, shade: u8) -> Self {
        Self { width, height, pixels: vec![shade; width * height] }
    }

    /// The image at half size: means of 2x2 px.
    pub(in crate::steadiness) fn half(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut half = Self::new(width, height, 0);
        for y in 0..height {
            for x in 0..width {
                let sum: u32 = [(0, 0), (1, 0), (0, 1), (1, 1)]
                    .iter()
                    .map(|(right, down)| u32::from(self.near(2 * x + right, 2 * y + down)))
                    .sum();
                half.pixels[y * width + x] = (sum / 4) as u8;
            }
        }
        half
    }

    /// Draws `picture` at `place`; its border is blended into the canvas.
    pub(in crate::steadiness) fn draw(&mut self, picture: &Self, place: &Place) {
        // Reduced pictures are sampled from smaller copies to avoid aliasing.
        if place.scale < 0.6 && picture.width > 8 && picture.height > 8 {
            let anchor = Point { x: place.anchor.x / 2.0, y: place.anchor.y / 2.0 };
            let place = Place { anchor, scale: place.scale * 2.0, ..*place };
            return self.draw(&picture.half(), &place);
        }
        let (right, bottom) = (picture.width as f64 - 1.0, picture.height as f64 - 1.0);
        let corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)]
            .map(|(x, y)| place.on_canvas(Point { x, y }));
        let range = |of: fn(&Point) -> f64, end: usize| {
            let low = corners.iter().map(of).fold(f64::INFINITY, f64::min).max(0.0) as usize;
            let high = corners.iter().map(of).fold(0.0, f64::max).ceil() as usize + 1;
            low.min(end)..high.min(end)
        };
        let columns = range(|corner| corner.x, self.width);
        for y in range(|corner| corner.y, self.height) {
            for x in columns.clone() {
                let at = place.on_picture(x as f64, y as f64);
                let inside = [at.x, at.y, right - at.x, bottom - at.y]
                    .into_iter()
                    .fold(f64::INFINITY, f64::min);
                if inside >= 0.0 {
                    let share = (inside * place.scale / FADE).min(1.0);
                    let pixel = &mut self.pixels[y * self.width + x];
                    let mixed = picture.at(at) * share + f64::from(*pixel) * (1.0 - share);
                    *pixel = mixed.round() as u8;
                }
            }
        }
    }

    /// Linear blend with `other`, of which `share` (0 to 1) is the weight; both have the same size.
    pub(in crate::steadiness) fn blend(&self, other: &Self, share: f64) -> Self {
        let mix = |(a, b): (&u8, &u8)| {
            (f64::from(*a) * (1.0 - share) + f64::from(*b) * share).round() as u8
        };
        let pixels = self.pixels.iter().zip(&other.pixels).map(mix).collect();
        Self { pixels, ..*self }
    }

    /// Box blur with squares of `2 * reach + 1` px.
    pub(in crate::steadiness) fn blurred(&self, reach: usize) -> Self {
        let along = |picture: &Self, right: usize, down: usize| {
            let mut blurred = Self::new(picture.width, picture.height, 0);
            for y in 0..picture.height {
                for x in 0..picture.width {
                    let sum: u32 = (0..=2 * reach)
                        .map(|step| {
                            let x = (x + step * right).saturating_sub(reach * right);
                            let y = (y + step * down).saturating_sub(reach * down);
                            u32::from(picture.near(x, y))
                        })
                        .sum();
                    blurred.pixels[y * picture.width + x] = (sum / (2 * reach as u32 + 1)) as u8;
                }
            }
            blurred
        };
        along(&along(self, 1, 0), 0, 1)
    }

    /// Grey level by bilinear interpolation.
    fn at(&self, at: Point) -> f64 {
        let (x, y) = (at.x as usize, at.y as usize);
        let (right, down) = (at.x - x as f64, at.y - y as f64);
        let line = |y: usize| {
            f64::from(self.near(x, y)) * (1.0 - right) + f64::from(self.near(x + 1, y)) * right
        };
        line(y) * (1.0 - down) + line(y + 1) * down
    }

    /// The pixel, clamped to the image.
    fn near(&self, x: usize, y: usize) -> u8 {
        self.pixels[y.min(self.height - 1) * self.width + x.min(self.width - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dark at the left, light at the right.
    fn ramp(width: usize) -> Grey {
        let pixels = (0..width * 40).map(|at| (at % width * 200 / width) as u8).collect();
        Grey { width, height: 40, pixels }
    }

    #[test]
    fn a_picture_is_drawn_where_its_anchor_says() {
        let mut canvas = Grey::new(100, 80, 255);
        let place = Place {
            anchor: Point { x: 20.0, y: 20.0 },
            at: Point { x: 50.0, y: 40.0 },
            scale: 1.0,
            turn: 0.0,
        };
        canvas.draw(&ramp(40), &place);
        assert_eq!(canvas.pixels[40 * 100 + 50], 100);
        assert_eq!((canvas.pixels[0], canvas.pixels[40 * 100 + 71]), (255, 255));
        // Upside down, light and dark change sides.
        canvas.draw(&ramp(40), &Place { turn: std::f64::consts::PI, ..place });
        assert!(canvas.pixels[40 * 100 + 44] > canvas.pixels[40 * 100 + 56]);
    }

    #[test]
    fn half_a_pixel_shows_and_the_border_may_cut() {
        let place = |x: f64| Place {
            anchor: Point { x: 20.0, y: 20.0 },
            at: Point { x, y: 40.0 },
            scale: 1.0,
            turn: 0.0,
        };
        let shade = |x: f64| {
            let mut canvas = Grey::new(100, 80, 0);
            canvas.draw(&ramp(40), &place(x));
            canvas.pixels[40 * 100 + 50]
        };
        assert!(shade(50.0) > shade(50.5) && shade(50.5) > shade(51.0));
        let mut canvas = Grey::new(100, 80, 9);
        for x in [-15.0, 110.0, -500.0, 500.0] {
            canvas.draw(&ramp(40), &place(x));
        }
        assert_eq!(canvas.pixels[40 * 100 + 50], 9);
    }

    #[test]
    fn blends_halves_and_blur_keep_the_mean() {
        let (dark, light) = (Grey::new(8, 8, 10), Grey::new(8, 8, 30));
        assert_eq!(dark.blend(&light, 0.25).pixels, [15; 64]);
        assert_eq!(light.half(), Grey::new(4, 4, 30));
        assert_eq!(light.blurred(2), light);
    }
}
