//! The probability of every class as a bar, always in the label set's order.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use emocue_config::Language;
use emocue_models::geometry::Rect;
use emocue_models::label::LabelSet;

use crate::answer::{Answer, FaceAnswer};
use crate::show::canvas::Canvas;
use crate::show::paint::{INK, padding, rectangle, text, tint};
use crate::show::text::Font;
use crate::show::words;

/// Length of a bar for a probability of 1, in heights of a line.
const LENGTH: u32 = 5;
/// The background colour of a bar.
const TROUGH: Rgb888 = Rgb888::new(58, 56, 62);
/// The widest percentage.
const PERCENT: &str = "99 %";

/// The classes, and the language of their words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classes {
    pub(super) labels: LabelSet,
    pub(super) language: &'static Language,
}

/// The word for class `index`: how such a face looks, or the class's own name.
fn word(classes: &Classes, index: usize) -> &'static str {
    match classes.labels.expression(index) {
        Some(expression) => words::words(Answer::Looks(expression), classes.language).wide,
        None => classes.labels.names.get(index).copied().unwrap_or_default(),
    }
}

/// The words of all classes, in order.
pub(super) fn class_words(classes: &Classes) -> Vec<&'static str> {
    (0..classes.labels.names.len()).map(|index| word(classes, index)).collect()
}

fn widest(classes: &Classes, font: Font) -> u32 {
    class_words(classes).into_iter().map(|word| font.width(word)).max().unwrap_or(0)
}

/// Width and height of the bars in `font`, px.
pub(super) fn size(classes: &Classes, font: Font) -> (f32, f32) {
    let (line, pad) = (font.height(), padding(font));
    let width = widest(classes, font) + LENGTH * line + font.width(PERCENT) + 6 * pad;
    (width as f32, (line * classes.labels.names.len() as u32 + 2 * pad) as f32)
}

/// The largest font in which the bars fit `width` x `height` px; the smallest where none does.
pub(super) fn fitting(classes: &Classes, width: u32, height: u32) -> Font {
    let fits = |font: &Font| {
        let (w, h) = size(classes, *font);
        w <= width as f32 && h <= height as f32
    };
    let mut fonts = Font::sizes();
    fonts.find(fits).unwrap_or(Font::small(1))
}

/// Draws the bars of `face` on a dark background, at the top left of `area`.
pub(super) fn draw(
    face: &FaceAnswer,
    classes: &Classes,
    font: Font,
    area: Rect,
    canvas: &mut Canvas,
) {
    let area = rectangle(area);
    canvas.fill(area, INK);
    let (line, pad) = (font.height(), padding(font));
    let bar_at = widest(classes, font) + 3 * pad;
    let percent_at = bar_at + LENGTH * line + 2 * pad;
    let corner = area.top_left + Point::new(0, pad as i32);
    for (index, word) in class_words(classes).into_iter().enumerate() {
        let row = corner + Point::new(0, (index as u32 * line) as i32);
        let color =
            classes.labels.expression(index).map_or(Rgb888::WHITE, |e| tint(Answer::Looks(e)));
        text(word, font, row + Point::new(pad as i32, 0), color, canvas);
        let gap = (line / 6).max(1);
        let bar = row + Point::new(bar_at as i32, gap as i32);
        let thick = line.saturating_sub(2 * gap).max(1);
        canvas.fill(Rectangle::new(bar, Size::new(LENGTH * line, thick)), TROUGH);
        let Some(probability) = face.probabilities.get(index) else { continue };
        let probability = probability.clamp(0.0, 1.0);
        let long = (probability * (LENGTH * line) as f32).round() as u32;
        canvas.fill(Rectangle::new(bar, Size::new(long, thick)), color);
        let percent = format!("{:>2} %", words::whole_percent(probability));
        text(&percent, font, row + Point::new(percent_at as i32, 0), Rgb888::WHITE, canvas);
    }
}
