//! Text in the built-in mono fonts, enlarged by whole factors.
//!
//! A font is a size. Each letter is drawn with the first set of glyphs of that size that has it, so words in Latin,
//! Greek and Cyrillic letters have the same sizes and positions. Japanese letters are wider and come from other fonts
//! (`japanese`).

#[cfg(feature = "japanese")]
mod japanese;

use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::{
    MonoFont, MonoTextStyle, ascii, iso_8859_1, iso_8859_2, iso_8859_5, iso_8859_7, iso_8859_9,
};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use emocue_config::PanelSize;

/// One size in every set of glyphs: ASCII, then Western European, Central European, Cyrillic, Greek and Turkish.
type Face = [&'static MonoFont<'static>; 6];

macro_rules! face {
    ($name:ident) => {
        &[
            &ascii::$name,
            &iso_8859_1::$name,
            &iso_8859_2::$name,
            &iso_8859_5::$name,
            &iso_8859_7::$name,
            &iso_8859_9::$name,
        ]
    };
}

/// A font at a size: `scale` px per font pixel, horizontally and vertically.
#[derive(Clone, Copy, Debug)]
pub struct Font {
    face: &'static Face,
    scale: Size,
}

/// Fonts and scales from large to small, without those whose letters touch.
const SIZES: [(&Face, u32); 15] = [
    (face!(FONT_10X20), 3),
    (face!(FONT_9X18_BOLD), 3),
    (face!(FONT_10X20), 2),
    (face!(FONT_9X18_BOLD), 2),
    (face!(FONT_9X15_BOLD), 2),
    (face!(FONT_7X14_BOLD), 2),
    (face!(FONT_7X13), 2),
    (face!(FONT_6X13), 2),
    (face!(FONT_10X20), 1),
    (face!(FONT_9X18_BOLD), 1),
    (face!(FONT_9X15_BOLD), 1),
    (face!(FONT_7X14), 1),
    (face!(FONT_8X13), 1),
    (face!(FONT_6X10), 1),
    (face!(FONT_5X8), 1),
];

/// The font that a letter is drawn with.
enum Glyph {
    Mono(&'static MonoFont<'static>),
    #[cfg(feature = "japanese")]
    Wide(&'static japanese::Wide),
}

impl Font {
    /// The text above a question's code on a tall panel.
    pub const TITLE: Self = Self::new(face!(FONT_7X14), 1, 1);

    /// A question's code on a tall panel, in two lines.
    pub const DIGITS: Self = Self::new(face!(FONT_10X20), 1, 1);

    /// The text above a question's code on a flat panel.
    pub const SMALL_TITLE: Self = Self::new(face!(FONT_6X9), 1, 1);

    /// A question's code on a flat panel, in one line.
    pub const SMALL_DIGITS: Self = Self::new(face!(FONT_6X13), 1, 1);

    /// The word beside the emoji on a tall panel: wide enough for nine letters, and twice as high, so that lines are 2
    /// px thick in both directions.
    pub const TALL_WORD: Self = Self::new(face!(FONT_7X13_BOLD), 1, 2);

    /// The word alone on a tall panel.
    pub const TALL_WIDE_WORD: Self = Self::new(face!(FONT_7X13_BOLD), 2, 2);

    /// The word beside the emoji on a flat panel.
    pub const FLAT_WORD: Self = Self::new(face!(FONT_7X13_BOLD), 1, 1);

    /// The word alone on a flat panel.
    pub const FLAT_WIDE_WORD: Self = Self::new(face!(FONT_9X18_BOLD), 1, 1);

    const fn new(face: &'static Face, across: u32, down: u32) -> Self {
        Self { face, scale: Size::new(across, down) }
    }

    /// The text above a question's code.
    pub const fn title(panel: PanelSize) -> Self {
        match panel {
            PanelSize::Tall => Self::TITLE,
            PanelSize::Flat => Self::SMALL_TITLE,
        }
    }

    /// The small font of remarks, 6x10 px times `scale`.
    pub const fn small(scale: u32) -> Self {
        Self::new(face!(FONT_6X10), scale, scale)
    }

    /// The largest font in which every line fits `width` and all lines together fit `height`; the smallest
    /// one when none does.
    pub fn fitting(lines: &[&str], width: u32, height: u32) -> Self {
        let fits = |font: &Self| {
            let widest = lines.iter().map(|line| font.width(line)).max().unwrap_or(0);
            widest <= width && font.height() * lines.len() as u32 <= height
        };
        Self::sizes().find(fits).unwrap_or(Self::new(face!(FONT_5X8), 1, 1))
    }

    /// The largest whole scale of one font in which all lines fit, for screens of any size; a smaller font if none
    /// does.
    pub fn filling(lines: &[&str], width: u32, height: u32) -> Self {
        let once = Self::new(face!(FONT_10X20), 1, 1);
        let widest = lines.iter().map(|line| once.width(line)).max().unwrap_or(0);
        let tall = once.height() * lines.len() as u32;
        let times = (width / widest.max(1)).min(height / tall.max(1));
        match times {
            0 => Self::fitting(lines, width, height),
            times => Self::new(face!(FONT_10X20), times, times),
        }
    }

    /// The same font at scale 1, and its scale.
    pub fn unscaled(self) -> (Self, Size) {
        (Self { scale: Size::new(1, 1), ..self }, self.scale)
    }

    /// The next smaller one of [`Font::sizes`].
    pub fn smaller(self) -> Option<Self> {
        Self::sizes().find(|font| font.height() < self.height())
    }

    /// Fonts from large to small.
    pub fn sizes() -> impl Iterator<Item = Self> {
        SIZES.into_iter().map(|(face, scale)| Self::new(face, scale, scale))
    }

    /// This font, or `other` where that is larger.
    pub fn at_least(self, other: Self) -> Self {
        if self.height() < other.height() { other } else { self }
    }

    /// Width of `text` in px without the gap after its last character.
    pub fn width(&self, text: &str) -> u32 {
        let advance: u32 = text.chars().map(|c| self.advance(&self.glyph(c))).sum();
        advance.saturating_sub(1) * self.scale.width
    }

    /// How many letters as wide as "m" fit `width` px.
    pub fn letters(&self, width: u32) -> u32 {
        (width / self.scale.width + 1) / self.mono().character_size.width.max(1)
    }

    /// The first character of `text` for which there is no glyph.
    pub fn missing(&self, text: &str) -> Option<char> {
        text.chars().find(|c| self.found(*c).is_none())
    }

    /// Height of a line, px.
    pub fn height(&self) -> u32 {
        self.mono().character_size.height * self.scale.height
    }

    /// The metrics of the size, which are the same in every set.
    const fn mono(&self) -> &'static MonoFont<'static> {
        self.face[0]
    }

    fn found(&self, c: char) -> Option<Glyph> {
        // A set without the letter draws a question mark.
        let has = |font: &&&MonoFont| {
            c == '?' || font.glyph_mapping.index(c) != font.glyph_mapping.index('?')
        };
        if let Some(font) = self.face.iter().find(has) {
            return Some(Glyph::Mono(font));
        }
        #[cfg(feature = "japanese")]
        if let Some(wide) = japanese::Wide::with(c, self.mono().character_size.height) {
            return Some(Glyph::Wide(wide));
        }
        None
    }

    /// A question mark where there is no glyph.
    fn glyph(&self, c: char) -> Glyph {
        self.found(c).unwrap_or(Glyph::Mono(self.mono()))
    }

    /// The advance of a letter, in the font's own px.
    fn advance(&self, glyph: &Glyph) -> u32 {
        match glyph {
            Glyph::Mono(font) => font.character_size.width + font.character_spacing,
            #[cfg(feature = "japanese")]
            Glyph::Wide(wide) => wide.advance,
        }
    }

    /// Writes `text` with its top-left corner at `at`; parts outside `target` are clipped.
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
        let mut target = Enlarged { target, at, scale: self.scale };
        if text.is_ascii() {
            let style = MonoTextStyle::new(self.mono(), color);
            Text::with_baseline(text, Point::zero(), style, Baseline::Top).draw(&mut target)?;
            return Ok(());
        }
        let mut left = Point::zero();
        for c in text.chars() {
            let glyph = self.glyph(c);
            match &glyph {
                Glyph::Mono(font) => {
                    let (mut bytes, style) = ([0; 4], MonoTextStyle::new(font, color));
                    let letter = c.encode_utf8(&mut bytes);
                    Text::with_baseline(letter, left, style, Baseline::Top).draw(&mut target)?;
                }
                #[cfg(feature = "japanese")]
                Glyph::Wide(wide) => {
                    wide.write(c, left, self.mono().character_size.height, color, &mut target)?;
                }
            }
            left.x += self.advance(&glyph) as i32;
        }
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
