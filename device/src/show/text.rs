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

/// Fonts and enlargements from large to small, without those whose letters run together.
const SIZES: [(&MonoFont<'static>, u32); 15] = [
    (&ascii::FONT_10X20, 3),
    (&ascii::FONT_9X18_BOLD, 3),
    (&ascii::FONT_10X20, 2),
    (&ascii::FONT_9X18_BOLD, 2),
    (&ascii::FONT_9X15_BOLD, 2),
    (&ascii::FONT_7X14_BOLD, 2),
    (&ascii::FONT_7X13, 2),
    (&ascii::FONT_6X13, 2),
    (&ascii::FONT_10X20, 1),
    (&ascii::FONT_9X18_BOLD, 1),
    (&ascii::FONT_9X15_BOLD, 1),
    (&ascii::FONT_7X14, 1),
    (&ascii::FONT_8X13, 1),
    (&ascii::FONT_6X10, 1),
    (&ascii::FONT_5X8, 1),
];

impl Font {
    /// Over a question's code on a tall panel.
    pub const TITLE: Self = Self { face: &ascii::FONT_7X14, scale: 1 };

    /// A question's code on a tall panel, in two lines.
    pub const DIGITS: Self = Self { face: &ascii::FONT_10X20, scale: 1 };

    /// Over a question's code on a flat panel.
    pub const SMALL_TITLE: Self = Self { face: &ascii::FONT_6X9, scale: 1 };

    /// A question's code on a flat panel, in one line.
    pub const SMALL_DIGITS: Self = Self { face: &ascii::FONT_6X13, scale: 1 };

    /// The small font of remarks, 6x10 px times `scale`.
    pub fn small(scale: u32) -> Self {
        Self { face: &ascii::FONT_6X10, scale }
    }

    /// The largest font in which every line fits `width` and all lines together fit `height`; the smallest
    /// one when none does.
    pub fn fitting(lines: &[&str], width: u32, height: u32) -> Self {
        let fits = |font: &Self| {
            let widest = lines.iter().map(|line| font.width(line)).max().unwrap_or(0);
            widest <= width && font.height() * lines.len() as u32 <= height
        };
        let mut fonts = SIZES.into_iter().map(|(face, scale)| Self { face, scale });
        fonts.find(fits).unwrap_or(Self { face: &ascii::FONT_5X8, scale: 1 })
    }

    /// This font, or `other` where that is larger.
    pub fn at_least(self, other: Self) -> Self {
        if self.height() < other.height() { other } else { self }
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
