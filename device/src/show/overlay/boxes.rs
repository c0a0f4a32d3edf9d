//! Boxes, emoji, words and bars on the frame itself.

use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use emocue_config::Language;
use emocue_models::geometry::{Face, Rect};
use image::RgbImage;

use super::bars::{self, Classes};
use super::place::{self, Shape, Tag};
use crate::answer::FrameReport;
use crate::show::canvas::Canvas;
use crate::show::paint::{INK, emoji, frame_box, plate, rectangle, tint};
use crate::show::text::Font;
use crate::show::words;

/// Frames whose longer side is shorter than this, px, are enlarged by a whole factor to at least this.
const LONG_SIDE: u32 = 1280;
/// The largest factor.
const MOST_ENLARGED: u32 = 8;

/// The shown face's box is thicker by this factor.
const SHOWN_LINE: f32 = 2.0;

/// Draws the frame and its faces on `canvas`, which is resized to the enlarged frame's size.
pub(super) fn paint(
    picture: RgbImage,
    report: &FrameReport,
    language: &'static Language,
    with_bars: bool,
    canvas: &mut Canvas,
    scratch: &mut Canvas,
) {
    let long = picture.width().max(picture.height());
    let zoom = LONG_SIDE.div_ceil(long.max(1)).min(MOST_ENLARGED);
    canvas.load(picture, zoom);
    let bounds = canvas.bounds();
    let (width, height) = (bounds.size.width as f32, bounds.size.height as f32);
    let line = (width.max(height) / 400.0).round().max(2.0);
    let (faces, tags) = placed(report, language, with_bars, zoom as f32, width, height);

    for (index, (answer, face)) in report.faces.iter().zip(&faces).enumerate() {
        // The face that a panel would show, where there are others.
        let is_marked = faces.len() > 1 && report.shown_face == Some(index);
        let line = if is_marked { SHOWN_LINE * line } else { line };
        let line = line.min((face.rect.width / 16.0).max(2.0)) as i32;
        frame_box(face.rect, line + 2, INK, 1, canvas);
        frame_box(face.rect, line, tint(answer.answer), 0, canvas);
    }
    for (answer, (tag, shape)) in report.faces.iter().zip(&tags) {
        emoji(answer.answer, rectangle(shape.emoji), canvas, scratch);
        let (lines, bars) = tag.split(shape.plate);
        plate(&tag.lines, tag.font, lines, tint(answer.answer), canvas);
        if let Some(font) = tag.bars {
            bars::draw(answer, &tag.classes, font, bars, canvas);
        }
    }
    if report.shown_face.is_none() {
        let lines = [words::words(report.shown, language).wide.to_owned()];
        let font = Font::fitting(&[&lines[0]], bounds.size.width / 3, bounds.size.height / 8);
        let margin = 2.0 * line;
        let (w, h) = place::plate_size(&lines, font);
        plate(&lines, font, Rect::new(margin, margin, w, h), Rgb888::WHITE, canvas);
    }
}

/// Every face on a canvas of `width` x `height` px, with its tag.
pub(super) fn placed(
    report: &FrameReport,
    language: &'static Language,
    with_bars: bool,
    zoom: f32,
    width: f32,
    height: f32,
) -> (Vec<Face>, Vec<(Tag, Shape)>) {
    let faces: Vec<Face> =
        report.faces.iter().map(|face| place::enlarged(&face.face, zoom, width, height)).collect();
    let classes = Classes { labels: report.labels, language };
    let tag = |(index, (answer, face)): (usize, (_, &Face))| {
        let is_shown = report.shown_face == Some(index);
        Tag::new(answer, classes, face.rect, width.min(height), [with_bars, is_shown])
    };
    let tags = report.faces.iter().zip(&faces).enumerate().map(tag).collect();
    let tags = place::arrange(tags, &faces, Rect::new(0.0, 0.0, width, height));
    (faces, tags)
}
