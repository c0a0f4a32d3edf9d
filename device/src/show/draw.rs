//! The one routine that draws a picture's marks on a target.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::art::{Group, Ink, Mark, Paint, Path, Picture};

/// The colour of each ink on a target.
#[derive(Clone, Copy, Debug)]
pub struct Palette<C> {
    /// Lines and solid features.
    pub line: C,
    /// The face's own colour, or the background of lines.
    pub skin: C,
    /// The white of eyes.
    pub white: C,
    /// A gap between two lit shapes.
    pub gap: C,
    /// The tongue.
    pub tongue: C,
    /// Tears and sweat.
    pub drop: C,
}

impl<C: Copy> Palette<C> {
    /// The colour of `ink`.
    pub fn color(&self, ink: Ink) -> C {
        match ink {
            Ink::Line => self.line,
            Ink::Skin => self.skin,
            Ink::White => self.white,
            Ink::Gap => self.gap,
            Ink::Tongue => self.tongue,
            Ink::Drop => self.drop,
        }
    }
}

/// The transform of a group of marks: from the table's 64x64 units to px.
#[derive(Clone, Copy, Debug)]
pub struct MarkPlace {
    /// px per unit, horizontally and vertically; the width of lines is scaled by the second.
    pub scale: (f32, f32),
    /// Position of the table's origin, px.
    pub offset: (f32, f32),
}

/// The layout of a picture on a target.
#[derive(Clone, Copy, Debug)]
pub struct PanelLayout {
    /// Brows; `None` omits the group, for this and the next four.
    pub brows: Option<MarkPlace>,
    /// Eyes.
    pub eyes: Option<MarkPlace>,
    /// Mouth.
    pub mouth: Option<MarkPlace>,
    /// The face's outline.
    pub outline: Option<MarkPlace>,
    /// Signs that are not a face.
    pub sign: Option<MarkPlace>,
    /// Minimum width of lines, px; gaps may be thinner.
    pub thinnest: f32,
}

impl PanelLayout {
    /// A whole picture in the square of `side` px whose top-left corner is `(x, y)`.
    pub fn square(x: f32, y: f32, side: f32) -> Self {
        let scale = side / 64.0;
        let place = Some(MarkPlace { scale: (scale, scale), offset: (x, y) });
        Self { brows: place, eyes: place, mouth: place, outline: place, sign: place, thinnest: 1.0 }
    }

    /// Only eyes, brows and mouth, in 64x32 px from `(x, y)`.
    pub fn strip(x: f32, y: f32) -> Self {
        // The groups keep their width and are reduced in height; the space between them is removed.
        let place = |sx: f32, sy: f32, from: f32, to: f32| {
            Some(MarkPlace { scale: (sx, sy), offset: (x + 32.0 * (1.0 - sx), y + to - from * sy) })
        };
        Self {
            brows: place(1.15, 0.75, 17.0, 5.0),
            eyes: place(1.15, 0.72, 28.0, 13.8),
            mouth: place(1.15, 0.66, 46.0, 25.4),
            outline: None,
            sign: Some(MarkPlace { scale: (0.5, 0.5), offset: (x + 16.0, y) }),
            thinnest: 3.0,
        }
    }

    fn place(&self, group: Group) -> Option<MarkPlace> {
        match group {
            Group::Brows => self.brows,
            Group::Eyes => self.eyes,
            Group::Mouth => self.mouth,
            Group::Outline => self.outline,
            Group::Sign => self.sign,
        }
    }
}

/// Draws `picture`; marks are drawn in the table's order, later ones on top. Nothing is drawn outside `target`.
///
/// # Errors
/// Whatever the target's own drawing returns.
pub fn draw<D: DrawTarget>(
    picture: &Picture,
    layout: &PanelLayout,
    palette: &Palette<D::Color>,
    target: &mut D,
) -> Result<(), D::Error> {
    for mark in picture.marks {
        let Some(place) = layout.place(mark.group) else { continue };
        let color = palette.color(mark.ink);
        // A gap with a minimum width would cover what it separates.
        let thinnest = if mark.ink == Ink::Gap { 0.0 } else { layout.thinnest };
        let width = match mark.paint {
            Paint::Fill => None,
            Paint::Stroke(width) => Some((width * place.scale.1).max(thinnest)),
        };
        Outline::new(mark, place, false).draw(width, color, target)?;
        if mark.twin {
            Outline::new(mark, place, true).draw(width, color, target)?;
        }
    }
    Ok(())
}

/// Chords per arc; up to 200 px of radius they stay within a quarter of a pixel of it.
const CHORDS: usize = 64;

/// A mark's path in px.
struct Outline {
    points: [(f32, f32); CHORDS + 1],
    len: usize,
}

impl Outline {
    fn new(mark: &Mark, place: MarkPlace, mirrored: bool) -> Self {
        let mut outline = Self { points: [(0.0, 0.0); CHORDS + 1], len: 0 };
        let mut push = |(x, y): (f32, f32)| {
            let x = if mirrored { 64.0 - x } else { x };
            let (sx, sy) = place.scale;
            if let Some(point) = outline.points.get_mut(outline.len) {
                *point = (place.offset.0 + x * sx, place.offset.1 + y * sy);
                outline.len += 1;
            }
        };
        match mark.path {
            Path::Line(points) => points.iter().copied().for_each(push),
            Path::Arc { center: (cx, cy), radii: (rx, ry), from, to } => {
                for i in 0..=CHORDS {
                    let angle = (from + (to - from) * i as f32 / CHORDS as f32).to_radians();
                    push((cx + rx * angle.cos(), cy + ry * angle.sin()));
                }
            }
        }
        outline
    }

    /// Fills the outline, or strokes it with round ends where a width is given.
    fn draw<D: DrawTarget>(
        &self,
        width: Option<f32>,
        color: D::Color,
        target: &mut D,
    ) -> Result<(), D::Error> {
        let points = &self.points[..self.len];
        let reach = width.unwrap_or(0.0) / 2.0;
        let bounds = points.iter().fold(
            (f32::MAX, f32::MAX, f32::MIN, f32::MIN),
            |(left, top, right, bottom), &(x, y)| {
                (left.min(x), top.min(y), right.max(x), bottom.max(y))
            },
        );
        let area = target.bounding_box();
        let Some(last) = area.bottom_right() else { return Ok(()) };
        let first = area.top_left;
        let left = ((bounds.0 - reach).floor() as i32).max(first.x);
        let top = ((bounds.1 - reach).floor() as i32).max(first.y);
        let right = ((bounds.2 + reach).ceil() as i32).min(last.x);
        let bottom = ((bounds.3 + reach).ceil() as i32).min(last.y);
        for y in top..=bottom {
            let mut run = None;
            // One column more than needed, so that every run is closed.
            for x in left..=right + 1 {
                let center = (x as f32 + 0.5, y as f32 + 0.5);
                let inside = x <= right
                    && match width {
                        Some(_) => near(points, center, reach),
                        None => within(points, center),
                    };
                match (inside, run) {
                    (true, None) => run = Some(x),
                    (false, Some(start)) => {
                        let size = Size::new((x - start) as u32, 1);
                        target.fill_solid(&Rectangle::new(Point::new(start, y), size), color)?;
                        run = None;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Whether `p` lies within `reach` px of the polyline.
fn near(points: &[(f32, f32)], p: (f32, f32), reach: f32) -> bool {
    let close = |&(ax, ay): &(f32, f32), &(bx, by): &(f32, f32)| {
        // Most chords are far away and are excluded by one comparison.
        if p.1 + reach < ay.min(by) || p.1 - reach > ay.max(by) {
            return false;
        }
        let (dx, dy) = (bx - ax, by - ay);
        let length2 = dx * dx + dy * dy;
        let along = if length2 > 0.0 {
            (((p.0 - ax) * dx + (p.1 - ay) * dy) / length2).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let (ex, ey) = (p.0 - ax - along * dx, p.1 - ay - along * dy);
        ex * ex + ey * ey <= reach * reach
    };
    match points {
        [only] => close(only, only),
        _ => points.windows(2).any(|pair| close(&pair[0], &pair[1])),
    }
}

/// Whether `p` lies inside the closed polygon, by the even-odd rule.
fn within(points: &[(f32, f32)], p: (f32, f32)) -> bool {
    let mut inside = false;
    let mut previous = points.last().copied().unwrap_or_default();
    for &(x, y) in points {
        let (px, py) = previous;
        if (y > p.1) != (py > p.1) && p.0 < (px - x) * (p.1 - y) / (py - y) + x {
            inside = !inside;
        }
        previous = (x, y);
    }
    inside
}
