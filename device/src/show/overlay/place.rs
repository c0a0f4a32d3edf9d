//! Positions of each face's emoji and words: beside it, where they cover no other face and no other words.

use emocue_models::geometry::{Face, Rect};

use super::bars::{self, Classes};
use crate::answer::FaceAnswer;
use crate::show::paint::padding;
use crate::show::text::Font;
use crate::show::words;

/// An emoji's smallest side, px of the enlarged frame.
const SMALLEST: f32 = 28.0;
/// Bars with a higher [`cost`] become smaller or are omitted.
const MOST_BARS_COST: f32 = 0.5;

/// The emoji and words that are placed beside a face.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    /// The emoji's side, px.
    pub(super) side: f32,
    /// The words' font.
    pub(super) font: Font,
    /// The word, its probability, and the number of a face that is followed.
    pub(super) lines: Vec<String>,
    /// The font of the bars below the lines, if there are any.
    pub(super) bars: Option<Font>,
    /// Whether the bars are kept at any cost.
    keeps_bars: bool,
    pub(super) classes: Classes,
}

impl Tag {
    /// The tag for a face whose box on the canvas is `rect`; `short` is the canvas's shorter side, px.
    pub(super) fn new(
        answer: &FaceAnswer,
        classes: Classes,
        rect: Rect,
        short: f32,
        [with_bars, is_shown]: [bool; 2],
    ) -> Self {
        let face = rect.width.min(rect.height);
        let side = (0.9 * face).min(0.3 * short).max(SMALLEST).round();
        // One font size for all faces of one size: with it, the longer words are as wide as the face.
        let room = side * 1.5;
        let font = Font::fitting(&["surprised", "93 %"], room as u32, side as u32);
        let mut lines = words::lines(answer, &classes.labels, classes.language);
        lines.extend(answer.track.map(|track| format!("#{track}")));
        // As high as the face, or nearly.
        let bars =
            with_bars.then(|| bars::fitting(&classes, (2.5 * side) as u32, (1.2 * side) as u32));
        let font = font.at_least(Font::small(1));
        Self { side, font, lines, bars, keeps_bars: is_shown, classes }
    }

    /// Width and height of the plate, px.
    fn plate_size(&self) -> (f32, f32) {
        let (width, height) = plate_size(&self.lines, self.font);
        let (across, down) = self.bars.map_or((0.0, 0.0), |font| bars::size(&self.classes, font));
        (width.max(across), height + down)
    }

    /// The parts of the plate for the lines and for the bars below them.
    pub(super) fn split(&self, plate: Rect) -> (Rect, Rect) {
        let (_, height) = plate_size(&self.lines, self.font);
        let lines = Rect { height: height.min(plate.height), ..plate };
        let bars = Rect::from_corners(plate.x, lines.bottom(), plate.right(), plate.bottom());
        (lines, bars)
    }
}

/// A placed tag: the emoji's square and the plate behind the words, in whole px.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    pub(super) emoji: Rect,
    pub(super) plate: Rect,
}

/// Width and height of the plate for `lines`, px.
pub(super) fn plate_size(lines: &[String], font: Font) -> (f32, f32) {
    let width = lines.iter().map(|line| font.width(line)).max().unwrap_or(0);
    let pad = 2 * padding(font);
    ((width + pad) as f32, (font.height() * lines.len() as u32 + pad) as f32)
}

/// The face in canvas px, with coordinates limited to the surroundings of the canvas.
pub(super) fn enlarged(face: &Face, zoom: f32, width: f32, height: f32) -> Face {
    let within = |v: f32, limit: f32| {
        let v = (v * zoom).round();
        if v.is_finite() { v.clamp(-limit, 2.0 * limit) } else { 0.0 }
    };
    let rect = face.rect;
    let rect = Rect::from_corners(
        within(rect.x, width),
        within(rect.y, height),
        within(rect.right(), width),
        within(rect.bottom(), height),
    );
    Face { rect, ..*face }
}

/// Places the tags one after the other, each at the lowest cost.
pub(super) fn arrange(tags: Vec<Tag>, faces: &[Face], canvas: Rect) -> Vec<(Tag, Shape)> {
    let mut taken: Vec<Rect> = Vec::with_capacity(2 * tags.len());
    let mut placed = Vec::with_capacity(tags.len());
    for (index, mut tag) in tags.into_iter().enumerate().take(faces.len()) {
        let shape = loop {
            let (cost, shape) = best(&tag, index, faces, &taken, canvas);
            let smaller = tag.bars.and_then(Font::smaller);
            // Too large for the free space.
            if tag.bars.is_none() || cost <= MOST_BARS_COST || tag.keeps_bars && smaller.is_none() {
                break shape;
            }
            tag.bars = smaller;
        };
        taken.extend([shape.emoji, shape.plate]);
        placed.push((tag, shape));
    }
    placed
}

/// The place with the lowest cost for a tag, and the cost.
fn best(tag: &Tag, index: usize, faces: &[Face], taken: &[Rect], canvas: Rect) -> (f32, Shape) {
    let (mut least, mut shape) = (f32::MAX, Shape::default());
    let candidates = candidates(faces[index].rect, tag.side, tag.plate_size());
    for (order, candidate) in candidates.into_iter().enumerate() {
        let candidate = pushed_inside(candidate, canvas);
        // Of equal places the earlier one is chosen.
        let cost = cost(&candidate, index, faces, taken) + 1e-3 * order as f32;
        if cost < least {
            (least, shape) = (cost, candidate);
        }
    }
    (least, shape)
}

/// Places around a face: beside it (words under the emoji), above and below it (words beside the emoji), and finally
/// over its lower corners.
fn candidates(face: Rect, side: f32, plate: (f32, f32)) -> [Shape; 16] {
    let (w, h) = plate;
    let column = side.max(w);
    let tall = side + h;
    let row = side + w;
    let thick = side.max(h);
    let middle = |from: f32, to: f32, size: f32| ((from + to - size) / 2.0).round();
    let (center_x, center_y) = (
        move |size: f32| middle(face.x, face.right(), size),
        move |size: f32| middle(face.y, face.bottom(), size),
    );
    let stacked = move |x: f32, y: f32| Shape {
        emoji: Rect::new(x + ((column - side) / 2.0).round(), y, side, side),
        plate: Rect::new(x + ((column - w) / 2.0).round(), y + side, w, h),
    };
    let abreast = move |x: f32, y: f32| Shape {
        emoji: Rect::new(x, y + ((thick - side) / 2.0).round(), side, side),
        plate: Rect::new(x + side, y + ((thick - h) / 2.0).round(), w, h),
    };
    let (left, right) = (face.x - column - 2.0, face.right() + 2.0);
    let (above, below) = (face.y - thick - 2.0, face.bottom() + 2.0);
    [
        stacked(right, face.y),
        stacked(left, face.y),
        stacked(right, center_y(tall)),
        stacked(left, center_y(tall)),
        stacked(right, face.bottom() - tall),
        stacked(left, face.bottom() - tall),
        stacked(center_x(column), below),
        stacked(center_x(column), face.y - tall - 2.0),
        abreast(center_x(row), below),
        abreast(face.x, below),
        abreast(face.right() - row, below),
        abreast(center_x(row), above),
        abreast(face.x, above),
        abreast(face.right() - row, above),
        stacked(face.right() - column, face.bottom() - h),
        stacked(face.x, face.bottom() - h),
    ]
}

/// The shape, moved onto the canvas as a whole, as far as it fits.
fn pushed_inside(shape: Shape, canvas: Rect) -> Shape {
    let Shape { emoji, plate } = shape;
    let push = |low: f32, high: f32, end: f32| {
        let back = (end - high).min(0.0);
        back.max(-low)
    };
    let dx = push(emoji.x.min(plate.x), emoji.right().max(plate.right()), canvas.width);
    let dy = push(emoji.y.min(plate.y), emoji.bottom().max(plate.bottom()), canvas.height);
    let moved = |rect: Rect| Rect { x: rect.x + dx, y: rect.y + dy, ..rect };
    Shape { emoji: moved(emoji), plate: moved(plate) }
}

/// The cost of a place: covered area in units of the tag's own area.
fn cost(shape: &Shape, index: usize, faces: &[Face], taken: &[Rect]) -> f32 {
    let area = shape.emoji.area() + shape.plate.area();
    let covers = |rect: &Rect| shape.emoji.intersection(rect) + shape.plate.intersection(rect);
    let mut cost: f32 = taken.iter().map(|rect| 12.0 * covers(rect)).sum();
    for (other, face) in faces.iter().enumerate() {
        // Covering its own face costs less than covering another's; eyes cost most.
        let weight = if other == index { 3.0 } else { 5.0 };
        cost += weight * covers(&face.rect) + 12.0 * covers(&eyes(face));
    }
    cost / area.max(1.0)
}

/// The part of a face where the eyes are: a little above the box's middle.
pub(super) fn eyes(face: &Face) -> Rect {
    let Rect { x, y, width, height } = face.rect;
    Rect::new(x + 0.1 * width, y + 0.25 * height, 0.8 * width, 0.3 * height)
}
