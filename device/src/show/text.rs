//! Text in the built-in mono fonts, enlarged by whole factors.

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, ascii};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

/// A font at a size: `scale` px per font pixel.
#[derive(Clone, Copy, Debug)]
pub struct Font {
    face: &'static MonoFont<'static>,
    scale: u32,
}

/// Fonts from large to small.
const FACES: [&MonoFont<'static>; 8] = [
    &ascii::FONT_10X20,
    &ascii::FONT_9X18_BOLD,
    &ascii::FONT_9X15_BOLD,
    &ascii::FONT_8X13_BOLD,
    &ascii::FONT_7X13_BOLD,
    &ascii::FONT_6X13_BOLD,
    &ascii::FONT_6X10,
    &ascii::FONT_5X8,
];

impl Font {
    /// The small font of remarks, 6x10 px times `scale`.
    pub fn small(scale: u32) -> Self {
        Self { face: &ascii::FONT_6X10, scale }
    }

    /// The readable font of labels, 7x13 px times `scale`, bold.
    pub fn label(scale: u32) -> Self {
        Self { face: &ascii::FONT_7X13_BOLD, scale }
    }

    /// The largest font in which every line fits `width` and all lines together fit `height`; the smallest
    /// one when none does.
    pub fn fitting(lines: &[&str], width: u32, height: u32) -> Self {
        let scales = (1..=4).rev();
        let fonts = scales.flat_map(|scale| FACES.map(|face| Self { face, scale }));
        let fits = |font: &Self| {
            let widest = lines.iter().map(|line| font.width(line)).max().unwrap_or(0);
            widest <= width && font.height() * lines.len() as u32 <= height
        };
        fonts
            .filter(fits)
            .max_by_key(|font| font.height())
            .unwrap_or(Self { face: &ascii::FONT_5X8, scale: 1 })
    }

    /// Width of `text` in px without the gap after its last character.
    pub fn width(&self, text: &str) -> u32 {
        let advance = self.face.character_size.width + self.face.character_spacing;
        (text.len() as u32 * advance).saturating_sub(1) * self.scale
    }

    /// Height of a line, px.
    pub fn height(&self) -> u32 {
        self.face.character_size.height * self.scale
    }

    /// Writes `text` with its top-left corner at `at`; what falls outside `target` is cut.
    ///
    /// # Errors
    /// Whatever the target's own drawing returns.
    pub fn write<D: DrawTarget>(
        &self,
        text: &str,
        at: Point,
        color: D::Color,
        target: &mut D,
    ) -> Result<(), D::Error> {
        let style = MonoTextStyle::new(self.face, color);
        let mut enlarged = Enlarged { target, at, scale: self.scale };
        Text::with_baseline(text, Point::zero(), style, Baseline::Top).draw(&mut enlarged)?;
        Ok(())
    }
}

/// A target on which each pixel is a square of `scale` px, its origin at `at`.
struct Enlarged<'a, D> {
    target: &'a mut D,
    at: Point,
    scale: u32,
}

impl<D: DrawTarget> OriginDimensions for Enlarged<'_, D> {
    fn size(&self) -> Size {
        self.target.bounding_box().size
    }
}

impl<D: DrawTarget> DrawTarget for Enlarged<'_, D> {
    type Color = D::Color;
    type Error = D::Error;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = Pixel<Self::Color>>,
    {
        let area = self.target.bounding_box();
        for Pixel(point, color) in pixels {
            let corner = self.at + point * self.scale as i32;
            let square = Rectangle::new(corner, Size::new(self.scale, self.scale));
            let visible = square.intersection(&area);
            if !visible.is_zero_sized() {
                self.target.fill_solid(&visible, color)?;
            }
        }
        Ok(())
    }
}
