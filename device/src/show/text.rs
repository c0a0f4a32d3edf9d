//! Text in the built-in mono fonts, enlarged by whole factors.

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, ascii};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

/// A font at a size: `scale` px per font pixel, across and down.
#[derive(Clone, Copy, Debug)]
pub struct Font {
    face: &'static MonoFont<'static>,
    scale: Size,
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
    pub const TITLE: Self = Self::new(&ascii::FONT_7X14, 1, 1);

    /// A question's code on a tall panel, in two lines.
    pub const DIGITS: Self = Self::new(&ascii::FONT_10X20, 1, 1);

    /// Over a question's code on a flat panel.
    pub const SMALL_TITLE: Self = Self::new(&ascii::FONT_6X9, 1, 1);

    /// A question's code on a flat panel, in one line.
    pub const SMALL_DIGITS: Self = Self::new(&ascii::FONT_6X13, 1, 1);

    /// The word beside the emoji on a tall panel: as wide as nine letters may be, and twice as high, so that lines are
    /// 2 px thick in both directions.
    pub const TALL_WORD: Self = Self::new(&ascii::FONT_7X13_BOLD, 1, 2);

    /// The word alone on a tall panel.
    pub const TALL_WIDE_WORD: Self = Self::new(&ascii::FONT_7X13_BOLD, 2, 2);

    /// The word beside the emoji on a flat panel.
    pub const FLAT_WORD: Self = Self::new(&ascii::FONT_7X13_BOLD, 1, 1);

    /// The word alone on a flat panel.
    pub const FLAT_WIDE_WORD: Self = Self::new(&ascii::FONT_9X18_BOLD, 1, 1);

    const fn new(face: &'static MonoFont<'static>, across: u32, down: u32) -> Self {
        Self { face, scale: Size::new(across, down) }
    }

    /// The small font of remarks, 6x10 px times `scale`.
    pub const fn small(scale: u32) -> Self {
        Self::new(&ascii::FONT_6X10, scale, scale)
    }

    /// The largest font in which every line fits `width` and all lines together fit `height`; the smallest
    /// one when none does.
    pub fn fitting(lines: &[&str], width: u32, height: u32) -> Self {
        let fits = |font: &Self| {
            let widest = lines.iter().map(|line| font.width(line)).max().unwrap_or(0);
            widest <= width && font.height() * lines.len() as u32 <= height
        };
        let mut fonts = SIZES.into_iter().map(|(face, scale)| Self::new(face, scale, scale));
        fonts.find(fits).unwrap_or(Self::new(&ascii::FONT_5X8, 1, 1))
    }

    /// This font, or `other` where that is larger.
    pub fn at_least(self, other: Self) -> Self {
        if self.height() < other.height() { other } else { self }
    }

    /// Width of `text` in px without the gap after its last character.
    pub fn width(&self, text: &str) -> u32 {
        let advance = self.face.character_size.width + self.face.character_spacing;
        (text.len() as u32 * advance).saturating_sub(1) * self.scale.width
    }

    /// Height of a line, px.
    pub fn height(&self) -> u32 {
        self.face.character_size.height * self.scale.height
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

/// A target on which each pixel is a rectangle of `scale` px, its origin at `at`.
struct Enlarged<'a, D> {
    target: &'a mut D,
    at: Point,
    scale: Size,
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
            let corner = self.at + point.component_mul(Point::zero() + self.scale);
            let visible = Rectangle::new(corner, self.scale).intersection(&area);
            if !visible.is_zero_sized() {
                self.target.fill_solid(&visible, color)?;
            }
        }
        Ok(())
    }
}
