//! A colour picture in memory to draw on.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{PointsIter, Rectangle};
use emocue_models::luma::Luma;
use image::{ImageBuffer, imageops};

/// RGB, 8 bits each, row-major; drawing outside is cut off.
#[derive(Clone, Debug, Default)]
pub(super) struct Canvas {
    size: Size,
    bytes: Vec<u8>,
}

impl Canvas {
    /// Takes a frame in grey, enlarged `zoom` times.
    pub(super) fn load(&mut self, frame: &Luma, zoom: u32) {
        let (width, height) = (frame.width() as u32, frame.height() as u32);
        self.size = Size::new(width * zoom, height * zoom);
        self.bytes.clear();
        let enlarged = (zoom > 1)
            .then(|| ImageBuffer::<image::Luma<u8>, _>::from_raw(width, height, frame.pixels()))
            .flatten()
            .map(|frame| {
                let filter = imageops::FilterType::Triangle;
                imageops::resize(&frame, self.size.width, self.size.height, filter)
            });
        let pixels = enlarged.as_ref().map_or(frame.pixels(), |picture| picture.as_raw());
        self.bytes.extend(pixels.iter().flat_map(|&v| [v, v, v]));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bounds(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.size)
    }

    fn index(&self, x: u32, y: u32) -> usize {
        3 * (y as usize * self.size.width as usize + x as usize)
    }

    /// Fills the part of `area` that lies on the canvas.
    pub(super) fn fill(&mut self, area: Rectangle, color: Rgb888) {
        let visible = area.intersection(&self.bounds());
        let (left, top) = (visible.top_left.x as u32, visible.top_left.y as u32);
        let Size { width, height } = visible.size;
        if width == 0 {
            return;
        }
        for y in top..top + height {
            let (from, to) = (self.index(left, y), self.index(left + width - 1, y) + 3);
            for pixel in self.bytes[from..to].chunks_exact_mut(3) {
                pixel.copy_from_slice(&[color.r(), color.g(), color.b()]);
            }
        }
    }

    /// Takes `area` of another canvas, each pixel as a square of `factor` px; black where that has nothing.
    pub(super) fn enlarge_from(&mut self, other: &Self, area: Rectangle, factor: u32) {
        self.size = area.size * factor;
        self.bytes.clear();
        for y in 0..self.size.height {
            for x in 0..self.size.width {
                let at = area.top_left + Point::new((x / factor) as i32, (y / factor) as i32);
                let color = if other.bounds().contains(at) {
                    let index = other.index(at.x as u32, at.y as u32);
                    [other.bytes[index], other.bytes[index + 1], other.bytes[index + 2]]
                } else {
                    [0; 3]
                };
                self.bytes.extend(color);
            }
        }
    }

    /// The reverse of [`Canvas::enlarge_from`]: each pixel of `area` becomes its square's mean.
    pub(super) fn average_from(&mut self, other: &Self, area: Rectangle, factor: u32) {
        let visible = area.intersection(&self.bounds());
        for at in visible.points() {
            let corner = (at - area.top_left) * factor as i32;
            let mut sums = [0u32; 3];
            for y in 0..factor {
                let from = other.index(corner.x as u32, corner.y as u32 + y);
                for pixel in other.bytes[from..from + 3 * factor as usize].chunks_exact(3) {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += u32::from(*value);
                    }
                }
            }
            let index = self.index(at.x as u32, at.y as u32);
            for (value, sum) in self.bytes[index..index + 3].iter_mut().zip(sums) {
                *value = (sum / (factor * factor)) as u8;
            }
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(point, color) in pixels {
            self.fill(Rectangle::new(point, Size::new(1, 1)), color);
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb888) -> Result<(), Infallible> {
        self.fill(*area, color);
        Ok(())
    }
}
