//! The picture of a screen, drawn in memory: a large emoji and its word in colour.

use std::borrow::Cow;

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use emocue_config::Mode;

use crate::answer::{PracticeScreen, Screen};
use crate::show::canvas::Canvas;
use crate::show::text::Font;
use crate::show::{ShowSettings, paint, words};

/// The margin around the picture is the shorter side divided by this.
const MARGIN: u32 = 24;

/// A picture of a whole screen.
#[derive(Debug, Default)]
pub struct ScreenPicture {
    canvas: Canvas,
    /// Reused for anti-aliased drawing of emoji and letters.
    scratch: Canvas,
}

impl ScreenPicture {
    /// Draws `screen` at `width` x `height` px.
    pub fn draw(&mut self, screen: Screen, settings: &ShowSettings, width: u32, height: u32) {
        let size = Size::new(width, height);
        // The emoji's lines and gaps have the same colour.
        self.canvas.clear(size, paint::INK);
        let margin = width.min(height) / MARGIN;
        let (emoji, text) = areas(size, margin, settings.mode, screen);
        if !emoji.is_zero_sized() {
            paint::emoji(screen, emoji, &mut self.canvas, &mut self.scratch);
        }
        if settings.journal {
            paint::journal_mark(margin, &mut self.canvas);
        }
        if text.is_zero_sized() {
            return;
        }
        let filling = |lines: &[Cow<'_, str>]| {
            let lines: Vec<&str> = lines.iter().map(|line| &**line).collect();
            Font::filling(&lines, text.size.width, text.size.height)
        };
        let [wide, narrow] = [false, true].map(|narrow| lines(screen, settings, narrow));
        // A state is written in one line or in two, whichever allows larger text.
        let lines = if filling(&narrow).height() > filling(&wide).height() { narrow } else { wide };
        let font = filling(&lines);
        let height = font.height() * lines.len() as u32;
        let top = (text.size.height.saturating_sub(height) / 2) as i32;
        for (row, line) in (0..).zip(&lines) {
            let left = (text.size.width.saturating_sub(font.width(line)) / 2) as i32;
            let at = text.top_left + Point::new(left, top + row * font.height() as i32);
            let tint = paint::tint(screen);
            paint::smooth_text(line, font, at, tint, &mut self.canvas, &mut self.scratch);
        }
    }

    /// Fills `width` x `height` px with black.
    pub fn clear(&mut self, width: u32, height: u32) {
        self.canvas.clear(Size::new(width, height), Rgb888::BLACK);
    }

    /// Its pixels, row by row: red, green, blue.
    pub fn rgb(&self) -> &[u8] {
        self.canvas.bytes()
    }
}

/// Where the emoji and the words go: side by side on a wide screen, else the words below; either alone uses the whole
/// area.
fn areas(size: Size, margin: u32, mode: Mode, screen: Screen) -> (Rectangle, Rectangle) {
    let (width, height) =
        (size.width.saturating_sub(2 * margin), size.height.saturating_sub(2 * margin));
    let area = |x: u32, y: u32, w: u32, h: u32| {
        Rectangle::new(Point::new((margin + x) as i32, (margin + y) as i32), Size::new(w, h))
    };
    let square = |w: u32, h: u32| {
        let side = w.min(h);
        area((w - side) / 2, (h - side) / 2, side, side)
    };
    let none = Rectangle::zero();
    let mode = match screen {
        // A question is shown as text only.
        Screen::Question { .. } | Screen::Practice(PracticeScreen::CardWord(_)) => Mode::Word,
        Screen::Practice(PracticeScreen::CardEmoji(_)) => Mode::Emoji,
        Screen::Menu(_) | Screen::Keep { .. } | Screen::KeepsPictures { .. } => Mode::Both,
        _ => mode,
    };
    match mode {
        Mode::Emoji => (square(width, height), none),
        Mode::Word => (none, area(0, 0, width, height)),
        Mode::Both if width > height => {
            let side = height.min(width / 2);
            let left = area(0, (height - side) / 2, side, side);
            (left, area(side + margin, 0, width.saturating_sub(side + margin), height))
        }
        Mode::Both => {
            let side = width.min(height * 2 / 3);
            let above = area((width - side) / 2, 0, side, side);
            (above, area(0, side + margin, width, height.saturating_sub(side + margin)))
        }
    }
}

/// The text lines: the word, in its short lines if `narrow`, with the text above it; a question with its code and how
/// to answer.
fn lines(screen: Screen, settings: &ShowSettings, narrow: bool) -> Vec<Cow<'static, str>> {
    let words = words::words(screen, settings.language);
    let mut lines = Vec::new();
    if !words.above.is_empty() {
        lines.push(Cow::Borrowed(words.above));
    }
    match screen {
        Screen::Question { code, counts, .. } => {
            lines.push(Cow::Borrowed(words.wide));
            lines.push(Cow::Owned(code.to_string()));
            lines.push(Cow::Borrowed(words::answers(counts, &settings.language.questions)));
        }
        Screen::Keep { counts, .. } => {
            lines.push(Cow::Borrowed(words.wide));
            if counts {
                lines.push(Cow::Borrowed(settings.language.questions.answer.whole()));
            }
        }
        Screen::KeepsPictures { seconds_left, .. } => {
            lines.push(Cow::Owned(words::countdown(seconds_left)));
        }
        _ if narrow => lines.extend(words.narrow.iter().map(|line| Cow::Borrowed(line.as_str()))),
        _ => lines.push(Cow::Borrowed(words.wide)),
    }
    lines
}
