//! The 1-bit panel: an emoji with the word beside it.

mod titled;

use std::convert::Infallible;
use std::ops::Range;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::primitives::Rectangle;
use emocue_config::{Mode, PanelSize};
use emocue_link::consent::Code;

use super::draw::{self, Palette, PanelLayout};
use super::text::Font;
use super::words::Words;
use super::{ShowSettings, art, words};
use crate::answer::{PracticeScreen, Screen};

/// A panel's size in px.
pub fn size_of(panel: PanelSize) -> Size {
    Size::new(panel.width(), panel.height())
}

/// Lit lines on a dark background, which suits an OLED.
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
    if let Screen::Question { ask, code, counts } = screen {
        let questions = &settings.language.questions;
        let texts = [words::question(ask, questions), words::answers(counts, questions)];
        return draw_question(texts, code, settings.panel, target);
    }
    if settings.journal {
        draw_journal_mark(target)?;
    }
    if let Some(titled) = titled::Titled::of(screen, settings) {
        return titled.draw(settings.panel, target);
    }
    // A card always shows its side; the wearer's mode is only for answers.
    let settings = &match screen {
        Screen::Practice(PracticeScreen::CardEmoji(_)) => settings.in_mode(Mode::Emoji),
        Screen::Practice(PracticeScreen::CardWord(_)) => settings.in_mode(Mode::Word),
        _ => *settings,
    };
    if settings.mode != Mode::Word {
        let x = if settings.mode == Mode::Both { 0.0 } else { 32.0 };
        let layout = match settings.panel {
            PanelSize::Tall => PanelLayout::square(x, 0.0, 64.0),
            PanelSize::Flat => PanelLayout::strip(x, 0.0),
        };
        draw::draw(art::picture(screen), &layout, &LIT, target)?;
    }
    match WordLayout::of(settings.panel, settings.mode) {
        Some(layout) => layout.write(words::words(screen, settings.language), target),
        None => Ok(()),
    }
}

/// The journal mark: two lines of writing in the upper right corner, where there is no word.
fn draw_journal_mark<D>(target: &mut D) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let right = target.bounding_box().size.width as i32;
    for (left, y) in [(9, 0), (6, 2)] {
        let line = Rectangle::new(Point::new(right - left, y), Size::new(left as u32, 1));
        target.fill_solid(&line, BinaryColor::On)?;
    }
    Ok(())
}

/// The layout of words on a panel: one size and one position for all of them, so that nothing moves when the answer
/// changes.
pub(super) struct WordLayout {
    /// The columns for words, px.
    columns: Range<u32>,
    /// The font of the small text above the word, and its top edge, px.
    pub(super) above: (Font, i32),
    /// The word.
    pub(super) font: Font,
    /// Top edges of a word's two lines, px; a word in one line uses the last.
    rows: [i32; 2],
    /// Whether words are broken into their lines beside the emoji.
    broken: bool,
}

/// There are two free columns between the emoji and the word.
const BESIDE: Range<u32> = 66..128;

impl WordLayout {
    /// `None` for a mode without a word.
    pub(super) const fn of(panel: PanelSize, mode: Mode) -> Option<Self> {
        Some(match (panel, mode) {
            (_, Mode::Emoji) => return None,
            (PanelSize::Tall, Mode::Both) => Self {
                columns: BESIDE,
                above: (Font::small(1), 20),
                font: Font::TALL_WORD,
                rows: [7, 31],
                broken: true,
            },
            (PanelSize::Tall, Mode::Word) => Self {
                columns: 0..128,
                above: (Font::small(2), 11),
                font: Font::TALL_WIDE_WORD,
                rows: [7, 31],
                broken: true,
            },
            (PanelSize::Flat, Mode::Both) => Self {
                columns: BESIDE,
                above: (Font::small(1), 6),
                font: Font::FLAT_WORD,
                rows: [4, 18],
                broken: true,
            },
            (PanelSize::Flat, Mode::Word) => Self {
                columns: 0..128,
                above: (Font::small(1), 1),
                font: Font::FLAT_WIDE_WORD,
                rows: [0, 13],
                broken: false,
            },
        })
    }

    /// The width for words, px.
    pub(super) const fn room(&self) -> u32 {
        self.columns.end - self.columns.start
    }

    /// The lines of a word: broken, or the whole as one.
    pub(super) fn lines<'a>(
        &self,
        whole: &'a str,
        lines: &'a [String],
    ) -> impl DoubleEndedIterator<Item = &'a str> {
        let (whole, lines) = if self.broken { (None, lines) } else { (Some(whole), &[][..]) };
        lines.iter().map(String::as_str).chain(whole)
    }

    fn write<D>(&self, words: Words<'_>, target: &mut D) -> Result<(), D::Error>
    where
        D: DrawTarget<Color = BinaryColor>,
    {
        let rows = self.rows.iter().rev().map(|y| (self.font, *y));
        let lines = self.lines(words.wide, words.narrow).rev().zip(rows);
        for (line, (font, y)) in lines.chain([(words.above, self.above)]) {
            let margin = self.room().saturating_sub(font.width(line)) / 2;
            let at = Point::new((self.columns.start + margin) as i32, y);
            font.write(line, at, BinaryColor::On, target)?;
        }
        Ok(())
    }
}

/// Writes a question above its code, and below them how to answer: in every mode, since the wearer agrees to text.
fn draw_question<D>(
    [question, below]: [&str; 2],
    code: Code,
    panel: PanelSize,
    target: &mut D,
) -> Result<(), D::Error>
where
    D: DrawTarget<Color = BinaryColor>,
{
    let [a, b, c, d] = code.groups();
    let whole = code.to_string();
    let halves = [format!("{a} {b}"), format!("{c} {d}")];
    let (font, digits): (_, &[&str]) = match panel {
        PanelSize::Tall => (Font::DIGITS, &[&halves[0], &halves[1]]),
        PanelSize::Flat => (Font::SMALL_DIGITS, &[&whole]),
    };
    let mut lines = vec![(Font::title(panel), question)];
    lines.extend(digits.iter().map(|line| (font, *line)));
    lines.push((Font::small(1), below));
    let mut y = 0;
    for (font, line) in lines {
        let margin = panel.width().saturating_sub(font.width(line)) / 2;
        font.write(line, Point::new(margin as i32, y), BinaryColor::On, target)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::language;

    #[test]
    fn every_word_has_its_rows_on_every_panel_and_in_every_mode() {
        for panel in PanelSize::ALL {
            for mode in [Mode::Word, Mode::Both] {
                let layout = WordLayout::of(panel, mode).unwrap();
                let [first, last] = layout.rows.map(|y| y as u32);
                let (height, room) = (layout.font.height(), layout.room());
                assert!(first < last && last + height <= panel.height(), "{panel:?} {mode:?}");
                for screen in art::SCREENS {
                    if matches!(screen, Screen::Question { .. }) {
                        continue;
                    }
                    let words = words::words(screen, language::english());
                    let lines: Vec<_> = layout.lines(words.wide, words.narrow).collect();
                    for line in &lines {
                        assert!(layout.font.width(line) <= room, "{panel:?} {mode:?}: {line}");
                    }
                    assert!((1..=2).contains(&lines.len()), "{lines:?}");
                    assert!(lines.len() == 1 || words.above.is_empty(), "{lines:?}");
                }
            }
        }
    }
}
