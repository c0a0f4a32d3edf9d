//! The 1-bit panel: an emoji with the word beside it.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::primitives::Rectangle;
use emocue_config::{Mode, PanelSize};
use emocue_link::consent::{Ask, Code};

use super::draw::{self, Palette, PanelLayout};
use super::text::Font;
use super::{ShowSettings, art, words};
use crate::answer::Screen;

/// A panel's size in px.
pub fn size_of(panel: PanelSize) -> Size {
    Size::new(panel.width(), panel.height())
}

/// Lit lines on dark ground, as an OLED shows them best.
pub const LIT: Palette<BinaryColor> = Palette {
    line: BinaryColor::On,
    skin: BinaryColor::Off,
    white: BinaryColor::Off,
    gap: BinaryColor::Off,
    tongue: BinaryColor::On,
    drop: BinaryColor::On,
};

/// Draws `screen` on a panel of `settings.panel`'s size; `target` is cleared first.
///
/// # Errors
/// Whatever the target's own drawing returns.
pub fn draw<D>(screen: Screen, settings: &ShowSettings, target: &mut D) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    target.clear(BinaryColor::Off)?;
    let size = size_of(settings.panel);
    if let Screen::Question { ask, code, counts } = screen {
        return draw_question(ask, code, words::answers(counts), settings.panel, target);
    }
    if settings.mode != Mode::Word {
        let x = if settings.mode == Mode::Both { 0.0 } else { 32.0 };
        let layout = match settings.panel {
            PanelSize::Tall => PanelLayout::square(x, 0.0, 64.0),
            PanelSize::Flat => PanelLayout::strip(x, 0.0),
        };
        draw::draw(art::picture(screen), &layout, &LIT, target)?;
    }
    match settings.mode {
        Mode::Emoji => Ok(()),
        Mode::Word => {
            let words = words::words(screen);
            let area = Rectangle::new(Point::zero(), size);
            write(words.above, &[words.wide], area, target)
        }
        Mode::Both => {
            let words = words::words(screen);
            // Two columns stay free between the face and the word.
            let area = Rectangle::new(Point::new(66, 0), Size::new(62, size.height));
            write(words.above, words.narrow, area, target)
        }
    }
}

/// Writes a question over its code, and below them what to do: in every mode, as words are what is agreed to.
fn draw_question<D>(
    ask: Ask,
    code: Code,
    below: &str,
    panel: PanelSize,
    target: &mut D,
) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let [a, b, c, d] = code.groups();
    let whole = code.to_string();
    let halves = [format!("{a} {b}"), format!("{c} {d}")];
    let (above, digits): (_, (Font, &[&str])) = match panel {
        PanelSize::Tall => (Font::TITLE, (Font::DIGITS, &[&halves[0], &halves[1]])),
        PanelSize::Flat => (Font::SMALL_TITLE, (Font::SMALL_DIGITS, &[&whole])),
    };
    let mut lines = vec![(above, ask.words())];
    lines.extend(digits.1.iter().map(|line| (digits.0, *line)));
    lines.push((Font::small(1), below));
    let mut y = 0;
    for (font, line) in lines {
        let margin = panel.width().saturating_sub(font.width(line)) / 2;
        font.write(line, Point::new(margin as i32, y), BinaryColor::On, target)?;
        y += font.height() as i32;
    }
    Ok(())
}

/// Writes `lines` as large as they fit in the middle of `area`, with `above` small over them.
fn write<D>(above: &str, lines: &[&str], area: Rectangle, target: &mut D) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let small = Font::small(if area.size.width < 128 || area.size.height < 64 { 1 } else { 2 });
    let head = if above.is_empty() { 0 } else { small.height() };
    let large = Font::fitting(lines, area.size.width, area.size.height - head);
    let height = head + large.height() * lines.len() as u32;
    let mut y = area.top_left.y + (area.size.height.saturating_sub(height) / 2) as i32;
    for (font, line) in std::iter::once((small, above)).chain(lines.iter().map(|l| (large, *l))) {
        if line.is_empty() {
            continue;
        }
        let margin = area.size.width.saturating_sub(font.width(line)) / 2;
        let at = Point::new(area.top_left.x + margin as i32, y);
        font.write(line, at, BinaryColor::On, target)?;
        y += font.height() as i32;
    }
    Ok(())
}

/// A panel in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    size: Size,
    lit: Vec<bool>,
}

impl Panel {
    /// A dark panel.
    pub fn new(size: PanelSize) -> Self {
        let size = size_of(size);
        Self { size, lit: vec![false; (size.width * size.height) as usize] }
    }

    /// Shows `screen`.
    pub fn show(&mut self, screen: Screen, settings: &ShowSettings) {
        match draw(screen, settings, self) {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Width, px.
    pub fn width(&self) -> usize {
        self.size.width as usize
    }

    /// Height, px.
    pub fn height(&self) -> usize {
        self.size.height as usize
    }

    /// Whether the pixel is lit; dark outside the panel.
    pub fn is_lit(&self, x: usize, y: usize) -> bool {
        x < self.width() && self.lit.get(y * self.width() + x).copied().unwrap_or(false)
    }

    /// All pixels, row-major.
    pub fn pixels(&self) -> &[bool] {
        &self.lit
    }
}

impl OriginDimensions for Panel {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Panel {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(Point { x, y }, color) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            if x < self.width() && y < self.height() {
                let index = y * self.width() + x;
                self.lit[index] = color.is_on();
            }
        }
        Ok(())
    }
}
