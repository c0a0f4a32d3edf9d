//! Japanese letters, twice as wide as others: the /efont/ bitmaps that `u8g2-fonts` has, under the BSD 3-clause licence.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::Point;
use u8g2_fonts::types::{FontColor, VerticalPosition};
use u8g2_fonts::{Error, FontRenderer, fonts};

/// A font of square letters.
pub(super) struct Wide {
    renderer: FontRenderer,
    /// The advance of a letter, px.
    pub(super) advance: u32,
    /// Rows of a letter, px, and how many of them are above the baseline.
    rows: (u32, u32),
}

/// From large to small.
static FONTS: [Wide; 3] = [
    Wide {
        renderer: FontRenderer::new::<fonts::u8g2_font_b16_t_japanese1>(),
        advance: 16,
        rows: (16, 14),
    },
    Wide {
        renderer: FontRenderer::new::<fonts::u8g2_font_b12_t_japanese1>(),
        advance: 12,
        rows: (12, 10),
    },
    Wide {
        renderer: FontRenderer::new::<fonts::u8g2_font_b10_t_japanese1>(),
        advance: 10,
        rows: (9, 7),
    },
];

impl Wide {
    /// The largest font that fits lines of `height` px, where it has this letter.
    pub(super) fn with(c: char, height: u32) -> Option<&'static Self> {
        let [.., smallest] = &FONTS;
        let font = FONTS.iter().find(|font| font.rows.0 <= height).unwrap_or(smallest);
        let found =
            font.renderer.get_rendered_dimensions(c, Point::zero(), VerticalPosition::Baseline);
        found.is_ok().then_some(font)
    }

    /// Writes a letter, centred in a line of `height` px, whose top-left corner is `at`.
    pub(super) fn write<D: DrawTarget>(
        &self,
        c: char,
        at: Point,
        height: u32,
        color: D::Color,
        target: &mut D,
    ) -> Result<(), D::Error> {
        let (rows, ascent) = self.rows;
        let top = height.saturating_sub(rows) / 2;
        let at = at + Point::new(0, (top + ascent) as i32);
        let color = FontColor::Transparent(color);
        match self.renderer.render(c, at, VerticalPosition::Baseline, color, target) {
            Err(Error::DisplayError(error)) => Err(error),
            // It has the letter, and no background is drawn.
            Ok(_) | Err(Error::GlyphNotFound(_) | Error::BackgroundColorNotSupported) => Ok(()),
        }
    }
}
