//! Drawing functions for displays with colours.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use emocue_models::geometry::Rect;

use super::canvas::Canvas;
use super::draw::{Palette, PanelLayout};
use super::text::Font;
use super::{art, draw};
use crate::answer::Screen;

/// Supersampling factor of emoji.
const SMOOTHING: u32 = 3;

/// The largest side that they are drawn with, px: on a 4K screen the factor is 2, in 44 MB.
const LARGEST: u32 = 3840;

/// The background of words, and lines in the emoji.
pub(crate) const INK: Rgb888 = Rgb888::new(24, 22, 26);

/// An answer's colour.
pub(crate) fn tint(screen: impl Into<Screen>) -> Rgb888 {
    let [r, g, b] = art::picture(screen).tint;
    Rgb888::new(r, g, b)
}

/// The box in whole px.
pub(crate) fn rectangle(rect: Rect) -> Rectangle {
    let size = Size::new(rect.width.max(0.0) as u32, rect.height.max(0.0) as u32);
    Rectangle::new(Point::new(rect.x as i32, rect.y as i32), size)
}

/// A frame `line` px wide along the inside of `rect`, grown outwards by `grow` px.
pub(crate) fn frame_box(rect: Rect, line: i32, color: Rgb888, grow: i32, canvas: &mut Canvas) {
    let (left, top) = (rect.x as i32 - grow, rect.y as i32 - grow);
    let (right, bottom) = (rect.right() as i32 + grow, rect.bottom() as i32 + grow);
    let mut bar = |x: i32, y: i32, to_x: i32, to_y: i32| {
        let size = Size::new((to_x - x).max(0) as u32, (to_y - y).max(0) as u32);
        canvas.fill(Rectangle::new(Point::new(x, y), size), color);
    };
    bar(left, top, right, top + line);
    bar(left, bottom - line, right, bottom);
    bar(left, top + line, left + line, bottom - line);
    bar(right - line, top + line, right, bottom - line);
}

/// Draws the picture of `screen` in the square `area` with smooth edges.
pub(crate) fn emoji(
    screen: impl Into<Screen>,
    area: Rectangle,
    canvas: &mut Canvas,
    scratch: &mut Canvas,
) {
    let screen = screen.into();
    let picture = art::picture(screen);
    // A sign without a face is drawn to be visible on any background.
    let has_skin = picture.marks.iter().any(|mark| mark.ink == art::Ink::Skin);
    let palette = Palette {
        line: if has_skin { INK } else { tint(screen) },
        skin: tint(screen),
        white: Rgb888::WHITE,
        gap: INK,
        tongue: Rgb888::new(226, 84, 104),
        drop: Rgb888::new(24, 104, 216),
    };
    let smoothing = (LARGEST / area.size.width.max(1)).clamp(1, SMOOTHING);
    scratch.enlarge_from(canvas, area, smoothing);
    let layout = PanelLayout::square(0.0, 0.0, (area.size.width * smoothing) as f32);
    never(draw::draw(picture, &layout, &palette, scratch));
    canvas.average_from(scratch, area, smoothing);
}

/// The journal mark: two lines of writing in the upper right corner, within `margin` px.
pub(crate) fn journal_mark(margin: u32, canvas: &mut Canvas) {
    let (right, line) = (canvas.bounds().size.width as i32, (margin / 8).max(1));
    for (row, lines) in [(1, 8), (4, 5)] {
        let at = Point::new(right - (lines * line) as i32, (row * line) as i32);
        canvas.fill(Rectangle::new(at, Size::new(lines * line, line)), Rgb888::WHITE);
    }
}

/// Padding around words on a plate, px.
pub(crate) fn padding(font: Font) -> u32 {
    (font.height() / 8).max(2)
}

/// Writes centred lines on a dark plate.
pub(crate) fn plate(lines: &[String], font: Font, area: Rect, color: Rgb888, canvas: &mut Canvas) {
    let area = rectangle(area);
    canvas.fill(area, INK);
    let pad = padding(font) as i32;
    for (row, line) in (0..).zip(lines) {
        let margin = (area.size.width as i32 - font.width(line) as i32) / 2;
        let at = area.top_left + Point::new(margin, pad + row * font.height() as i32);
        text(line, font, at, color, canvas);
    }
}

/// Writes a line with its top-left corner at `at`.
pub(crate) fn text(line: &str, font: Font, at: Point, color: Rgb888, canvas: &mut Canvas) {
    never(font.write(line, at, color, canvas));
}

/// The same, with smooth edges instead of squares if letters are enlarged.
pub(crate) fn smooth_text(
    line: &str,
    font: Font,
    at: Point,
    color: Rgb888,
    canvas: &mut Canvas,
    scratch: &mut Canvas,
) {
    let (plain, scale) = font.unscaled();
    if scale.width != scale.height || scale.width < 2 {
        return text(line, font, at, color, canvas);
    }
    scratch.clear(Size::new(plain.width(line), plain.height()), Rgb888::BLACK);
    text(line, plain, Point::zero(), Rgb888::WHITE, scratch);
    canvas.stamp(scratch, at, scale.width, color);
}

/// Drawing on a canvas cannot fail.
fn never(result: Result<(), <Canvas as DrawTarget>::Error>) {
    match result {
        Ok(()) => {}
        Err(never) => match never {},
    }
}
