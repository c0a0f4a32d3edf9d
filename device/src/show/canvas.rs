//! A colour picture in memory to draw on.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::{PointsIter, Rectangle};
use emocue_models::geometry::Rect;
use image::imageops::{self, FilterType};
use image::{RgbImage, SubImage};

use super::ShownFrame;

/// RGB, 8 bits each, row-major; drawing outside is clipped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Canvas {
    size: Size,
    bytes: Vec<u8>,
}

impl Canvas {
    /// Loads a picture, enlarged `zoom` times.
    pub(crate) fn load(&mut self, picture: RgbImage, zoom: u32) {
        self.size = Size::new(picture.width() * zoom, picture.height() * zoom);
        let enlarged = match zoom {
            1 => picture,
            _ => {
                imageops::resize(&picture, self.size.width, self.size.height, FilterType::Triangle)
            }
        };
        self.bytes = enlarged.into_raw();
    }

    /// Resizes to `size` px and fills with `color`.
    pub(crate) fn clear(&mut self, size: Size, color: Rgb888) {
        self.size = size;
        self.bytes.clear();
        let pixels = size.width as usize * size.height as usize;
        self.bytes.extend([color.r(), color.g(), color.b()].repeat(pixels));
    }

    /// Draws the part `from` of a picture, clipped to the picture, centred in `area` and as large as fits; returns its
    /// position.
    pub(crate) fn paste(&mut self, picture: &RgbImage, from: Rect, area: Rectangle) -> Rectangle {
        let whole = Rect::new(0.0, 0.0, picture.width() as f32, picture.height() as f32);
        let corner = |value: f32, most: f32| value.round().clamp(0.0, most) as u32;
        let (left, top) = (corner(from.x, whole.width), corner(from.y, whole.height));
        let (right, bottom) =
            (corner(from.right(), whole.width), corner(from.bottom(), whole.height));
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        if width == 0 || height == 0 || area.is_zero_sized() {
            return Rectangle::new(area.center(), Size::zero());
        }
        let scale =
            (area.size.width as f32 / width as f32).min(area.size.height as f32 / height as f32);
        let side = |px: u32, most: u32| ((px as f32 * scale) as u32).clamp(1, most);
        let size = Size::new(side(width, area.size.width), side(height, area.size.height));
        let part = SubImage::new(picture, left, top, width, height);
        let scaled = imageops::resize(&*part, size.width, size.height, FilterType::Triangle);
        let free = area.size - size;
        let at = area.top_left + Point::new(free.width as i32 / 2, free.height as i32 / 2);
        let place = Rectangle::new(at, size);
        for (row, y) in scaled.rows().zip(at.y..) {
            for (pixel, x) in row.zip(at.x..) {
                let [r, g, b] = pixel.0;
                self.fill(Rectangle::new(Point::new(x, y), Size::new(1, 1)), Rgb888::new(r, g, b));
            }
        }
        place
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn bounds(&self) -> Rectangle {
        Rectangle::new(Point::zero(), self.size)
    }

    fn index(&self, x: u32, y: u32) -> usize {
        3 * (y as usize * self.size.width as usize + x as usize)
    }

    /// Fills the part of `area` that lies on the canvas.
    pub(crate) fn fill(&mut self, area: Rectangle, color: Rgb888) {
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

    /// Copies `area` of another canvas, each pixel as a square of `factor` px; black outside that canvas.
    pub(crate) fn enlarge_from(&mut self, other: &Self, area: Rectangle, factor: u32) {
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

    /// Draws `color` where `mask` is white, enlarged `factor` times with its top-left corner at `at`. The mask is
    /// interpolated, and its edge is a pixel wide.
    pub(crate) fn stamp(&mut self, mask: &Self, at: Point, factor: u32, color: Rgb888) {
        /// Below 0.5, so that lines of one pixel that meet only at a corner stay joined.
        const EDGE: f32 = 0.4;
        let size = mask.size.component_mul(Size::new_equal(factor));
        let visible = Rectangle::new(at, size).intersection(&self.bounds());
        let lit = |x: i32, y: i32| {
            let at = Point::new(x, y);
            let is_lit = mask.bounds().contains(at)
                && mask.bytes[mask.index(at.x as u32, at.y as u32)] > 127;
            f32::from(u8::from(is_lit))
        };
        for place in visible.points() {
            let inside = place - at;
            // Position of the pixel's centre between the centres of four mask pixels.
            let along = |px: i32| {
                let middle = (px as f32 + 0.5) / factor as f32 - 0.5;
                (middle.floor() as i32, middle - middle.floor())
            };
            let ((x, right), (y, below)) = (along(inside.x), along(inside.y));
            let upper = lit(x, y) * (1.0 - right) + lit(x + 1, y) * right;
            let lower = lit(x, y + 1) * (1.0 - right) + lit(x + 1, y + 1) * right;
            let value = upper * (1.0 - below) + lower * below;
            let share = ((value - EDGE) * factor as f32 + 0.5).clamp(0.0, 1.0);
            let index = self.index(place.x as u32, place.y as u32);
            let inks = [color.r(), color.g(), color.b()];
            for (value, ink) in self.bytes[index..index + 3].iter_mut().zip(inks) {
                let (ground, ink) = (f32::from(*value), f32::from(ink));
                *value = (ground + (ink - ground) * share).round() as u8;
            }
        }
    }

    /// The reverse of [`Canvas::enlarge_from`]: each pixel of `area` becomes its square's mean.
    pub(crate) fn average_from(&mut self, other: &Self, area: Rectangle, factor: u32) {
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

/// A frame's colours, or its grey.
pub(crate) fn picture(frame: ShownFrame<'_>) -> RgbImage {
    let (width, height) = (frame.luma.width() as u32, frame.luma.height() as u32);
    let bytes: Vec<u8> = match frame.colors {
        Some(colors) => colors.pixels().flatten().collect(),
        None => frame.luma.pixels().iter().flat_map(|grey| [*grey; 3]).collect(),
    };
    // A frame whose colours are of another size is black.
    RgbImage::from_raw(width, height, bytes).unwrap_or_else(|| RgbImage::new(width, height))
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
