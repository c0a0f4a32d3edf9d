//! The picture with every face's answer: a box, the emoji and the words, in one colour per answer.

mod canvas;
mod place;

use std::path::Path;
use std::time::Instant;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;
use image::ExtendedColorType;

use self::canvas::Canvas;
use self::place::{Shape, Tag};
use super::draw::{Palette, PanelLayout};
use super::png::Folder;
use super::text::Font;
use super::{Display, FileRules, ShowError, art, draw, words};
use crate::answer::{FaceAnswer, FrameReport};

/// Writes every frame with what was found in it. Small frames are enlarged, so that words fit beside faces.
pub struct Overlay {
    folder: Folder,
    canvas: Canvas,
    /// Reused for drawing emoji smoothly.
    scratch: Canvas,
}

/// Frames whose longer side is shorter, px, are enlarged by a whole factor to at least that.
const LONG_SIDE: usize = 1280;
/// The factor's limit.
const MOST_ENLARGED: usize = 8;
/// Emoji are drawn this many times too large and averaged.
const SMOOTHING: u32 = 3;
/// An emoji's smallest side, px of the enlarged frame.
const SMALLEST: f32 = 28.0;

/// So many times thicker is the box of the face that is shown.
const SHOWN_LINE: f32 = 2.0;

/// What words stand on, and lines in the emoji.
const INK: Rgb888 = Rgb888::new(24, 22, 26);

impl Overlay {
    /// Files go to `folder`, which is made.
    ///
    /// # Errors
    /// [`ShowError`] when `folder` is empty or cannot be made.
    pub fn create(folder: impl AsRef<Path>, rules: FileRules) -> Result<Self, ShowError> {
        let folder = Folder::create("overlay", folder, rules)?;
        Ok(Self { folder, canvas: Canvas::default(), scratch: Canvas::default() })
    }
}

impl Display for Overlay {
    fn finish(&mut self) -> Result<(), ShowError> {
        self.folder.say();
        Ok(())
    }

    fn show(
        &mut self,
        frame: Option<&Luma>,
        report: &FrameReport,
        _: Instant,
    ) -> Result<(), ShowError> {
        let Some(frame) = frame.filter(|frame| !frame.pixels().is_empty()) else { return Ok(()) };
        paint(frame, report, &mut self.canvas, &mut self.scratch);
        let Size { width, height } = self.canvas.bounds().size;
        self.folder.write(report, self.canvas.bytes(), width, height, ExtendedColorType::Rgb8)
    }
}

/// Draws the frame and its faces on `canvas`, which takes the enlarged frame's size.
fn paint(frame: &Luma, report: &FrameReport, canvas: &mut Canvas, scratch: &mut Canvas) {
    let long = frame.width().max(frame.height());
    let zoom = LONG_SIDE.div_ceil(long).min(MOST_ENLARGED);
    canvas.load(frame, zoom as u32);
    let bounds = canvas.bounds();
    let (width, height) = (bounds.size.width as f32, bounds.size.height as f32);
    let line = (width.max(height) / 400.0).round().max(2.0);
    let (faces, tags) = placed(report, zoom as f32, width, height);

    for (index, (answer, face)) in report.faces.iter().zip(&faces).enumerate() {
        // The face that a panel would show, where there are others.
        let is_marked = faces.len() > 1 && report.shown_face == Some(index);
        let line = if is_marked { SHOWN_LINE * line } else { line };
        let line = line.min((face.rect.width / 16.0).max(2.0)) as i32;
        frame_box(face.rect, line + 2, INK, 1, canvas);
        frame_box(face.rect, line, tint(answer), 0, canvas);
    }
    for (answer, (tag, shape)) in report.faces.iter().zip(&tags) {
        let color = tint(answer);
        let picture = art::picture(answer.answer);
        let (x, y, side) = (shape.emoji.x as i32, shape.emoji.y as i32, shape.emoji.width as u32);
        smoothly(
            picture,
            color,
            Rectangle::new(Point::new(x, y), Size::new(side, side)),
            canvas,
            scratch,
        );
        write_plate(&tag.lines, tag.font, shape.plate, color, canvas);
    }
    if report.shown_face.is_none() {
        let lines = [words::words(report.shown).wide.to_owned()];
        let font = Font::fitting(&[&lines[0]], bounds.size.width / 3, bounds.size.height / 8);
        let margin = 2.0 * line;
        let (w, h) = place::plate_size(&lines, font);
        write_plate(&lines, font, Rect::new(margin, margin, w, h), Rgb888::WHITE, canvas);
    }
}

/// Every face on a canvas of `width` x `height` px, with its tag.
fn placed(
    report: &FrameReport,
    zoom: f32,
    width: f32,
    height: f32,
) -> (Vec<Face>, Vec<(Tag, Shape)>) {
    let faces: Vec<Face> =
        report.faces.iter().map(|face| place::enlarged(&face.face, zoom, width, height)).collect();
    let tags = report
        .faces
        .iter()
        .zip(&faces)
        .map(|(answer, face)| Tag::new(answer, report, face.rect, width.min(height)))
        .collect();
    let tags = place::arrange(tags, &faces, Rect::new(0.0, 0.0, width, height));
    (faces, tags)
}

fn tint(face: &FaceAnswer) -> Rgb888 {
    let [r, g, b] = art::picture(face.answer).tint;
    Rgb888::new(r, g, b)
}

/// A frame `line` px wide along the inside of `rect`, grown outwards by `grow` px.
fn frame_box(rect: Rect, line: i32, color: Rgb888, grow: i32, canvas: &mut Canvas) {
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

/// Draws a picture in the square `area` with smooth edges.
fn smoothly(
    picture: &art::Picture,
    skin: Rgb888,
    area: Rectangle,
    canvas: &mut Canvas,
    scratch: &mut Canvas,
) {
    let palette = Palette {
        line: INK,
        skin,
        white: Rgb888::WHITE,
        gap: INK,
        tongue: Rgb888::new(226, 84, 104),
        drop: Rgb888::new(24, 104, 216),
    };
    scratch.enlarge_from(canvas, area, SMOOTHING);
    let side = (area.size.width * SMOOTHING) as f32;
    never(draw::draw(picture, &PanelLayout::square(0.0, 0.0, side), &palette, scratch));
    canvas.average_from(scratch, area, SMOOTHING);
}

/// Writes centred lines on a dark plate.
fn write_plate(lines: &[String], font: Font, plate: Rect, color: Rgb888, canvas: &mut Canvas) {
    let (x, y) = (plate.x as i32, plate.y as i32);
    let size = Size::new(plate.width as u32, plate.height as u32);
    canvas.fill(Rectangle::new(Point::new(x, y), size), INK);
    let pad = place::padding(font) as i32;
    for (row, line) in (0..).zip(lines) {
        let margin = (size.width as i32 - font.width(line) as i32) / 2;
        let at = Point::new(x + margin, y + pad + row * font.height() as i32);
        never(font.write(line, at, color, canvas));
    }
}

/// Drawing on a canvas cannot fail.
fn never(result: Result<(), <Canvas as DrawTarget>::Error>) {
    match result {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests;
