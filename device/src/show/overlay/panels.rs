//! Four pictures side by side: the frame, the face that is shown, the probabilities of all classes, the emoji.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;
use emocue_config::Language;
use emocue_models::geometry::Rect;
use image::RgbImage;

use super::bars::{self, Classes};
use super::place;
use crate::answer::FrameReport;
use crate::show::canvas::Canvas;
use crate::show::paint::{INK, emoji, frame_box, plate, tint};
use crate::show::text::Font;
use crate::show::words;

/// The whole picture, px.
const WHOLE: Size = Size::new(1280, 960);
/// The gap between pictures and around them, px.
const GAP: u32 = 16;
/// The colour of the gap.
const GROUND: Rgb888 = Rgb888::new(96, 94, 100);
/// Size of the shown part around a face, in sizes of its box.
const AROUND: f32 = 1.3;

/// A quarter of the whole: column and row, 0 or 1.
fn quarter(column: u32, row: u32) -> Rectangle {
    let size = Size::new((WHOLE.width - 3 * GAP) / 2, (WHOLE.height - 3 * GAP) / 2);
    let at = |index: u32, side: u32| (GAP + index * (side + GAP)) as i32;
    Rectangle::new(Point::new(at(column, size.width), at(row, size.height)), size)
}

fn rect(area: Rectangle) -> Rect {
    let (corner, size) = (area.top_left, area.size);
    Rect::new(corner.x as f32, corner.y as f32, size.width as f32, size.height as f32)
}

/// Draws on `canvas`, which is resized to 1280x960 px.
pub(super) fn paint(
    picture: &RgbImage,
    report: &FrameReport,
    language: &'static Language,
    canvas: &mut Canvas,
    scratch: &mut Canvas,
) {
    canvas.clear(WHOLE, GROUND);
    let [frame, found, chart, sign] = [quarter(0, 0), quarter(1, 0), quarter(0, 1), quarter(1, 1)];
    for area in [frame, found, chart, sign] {
        canvas.fill(area, INK);
    }

    let whole = Rect::new(0.0, 0.0, picture.width() as f32, picture.height() as f32);
    let place = canvas.paste(picture, whole, frame);
    let zoom = place.size.width as f32 / whole.width.max(1.0);
    for (index, answer) in report.faces.iter().enumerate() {
        let face = place::enlarged(&answer.face, zoom, rect(frame).width, rect(frame).height).rect;
        let (x, y) = (place.top_left.x as f32 + face.x, place.top_left.y as f32 + face.y);
        let line = if report.shown_face == Some(index) { 4 } else { 2 };
        let inside = clipped(Rect { x, y, ..face }, rect(place));
        frame_box(inside, line, tint(answer.answer), 0, canvas);
    }

    let lines: Vec<String> = match report.shown_face() {
        Some(answer) => {
            let Rect { width, height, .. } = answer.face.rect;
            let side = AROUND * width.max(height);
            let middle = answer.face.rect.center();
            let around = Rect::new(middle.x - side / 2.0, middle.y - side / 2.0, side, side);
            canvas.paste(picture, around, found);
            let classes = Classes { labels: report.labels, language };
            let font = bars::fitting(&classes, chart.size.width, chart.size.height);
            let (w, h) = bars::size(&classes, font);
            bars::draw(answer, &classes, font, centred(chart, w, h), canvas);
            words::lines(answer, &report.labels, language)
        }
        None => vec![words::words(report.shown, language).wide.to_owned()],
    };
    let side = sign.size.height * 2 / 3;
    let corner = Point::new((sign.size.width - side) as i32 / 2, GAP as i32);
    emoji(
        report.shown,
        Rectangle::new(sign.top_left + corner, Size::new(side, side)),
        canvas,
        scratch,
    );
    let room = Size::new(sign.size.width - 2 * GAP, sign.size.height - side - 2 * GAP);
    let text: Vec<&str> = lines.iter().map(String::as_str).collect();
    let font = Font::fitting(&text, room.width, room.height);
    let (w, h) = place::plate_size(&lines, font);
    let below =
        Rectangle::new(sign.top_left + Point::new(GAP as i32, (side + GAP + GAP / 2) as i32), room);
    plate(&lines, font, centred(below, w, h), tint(report.shown), canvas);
}

/// `width` x `height` px in the centre of `area`, as far as it fits.
fn centred(area: Rectangle, width: f32, height: f32) -> Rect {
    let area = rect(area);
    let (width, height) = (width.min(area.width), height.min(area.height));
    let x = (area.x + (area.width - width) / 2.0).floor();
    let y = (area.y + (area.height - height) / 2.0).floor();
    Rect::new(x, y, width, height)
}

/// The part of `rect` in `area`.
fn clipped(rect: Rect, area: Rect) -> Rect {
    let within = |value: f32, low: f32, high: f32| value.clamp(low, high);
    Rect::from_corners(
        within(rect.x, area.x, area.right()),
        within(rect.y, area.y, area.bottom()),
        within(rect.right(), area.x, area.right()),
        within(rect.bottom(), area.y, area.bottom()),
    )
}
