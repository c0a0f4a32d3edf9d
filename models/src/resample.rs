//! Turning, scaling and shifting a picture in one pass over the result.

use crate::geometry::Point;
use crate::luma::Luma;

/// Farthest step between samples when reducing, px of the source. A bilinear sample sees 2 px, so nothing
/// falls between two of them.
const SAMPLE_STEP: f32 = 1.25;

/// Most samples per output px and axis; a crop of more than 480 px is seen with gaps.
const MAX_SAMPLES: f32 = 8.0;

/// A turn, a scaling and a shift: `(x, y) -> (a x - b y + x0, b x + a y + y0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale times the turn's cosine.
    pub a: f32,
    /// Scale times the turn's sine.
    pub b: f32,
    /// Shift to the right, px.
    pub x: f32,
    /// Shift down, px.
    pub y: f32,
}

impl Similarity {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, x: 0.0, y: 0.0 };

    /// The least-squares similarity that brings `from` onto `to` (Umeyama 1991, without reflection).
    ///
    /// `None` when the points of `from` or of `to` coincide or are not finite.
    pub fn fit<const N: usize>(from: &[Point; N], to: &[Point; N]) -> Option<Self> {
        let mean = |points: &[Point; N]| {
            let sum = points.iter().fold(Point::default(), |s, p| Point::new(s.x + p.x, s.y + p.y));
            Point::new(sum.x / N as f32, sum.y / N as f32)
        };
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut cos, mut sin, mut variance) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (px, py) = (p.x - from_mean.x, p.y - from_mean.y);
            let (qx, qy) = (q.x - to_mean.x, q.y - to_mean.y);
            cos += px * qx + py * qy;
            sin += px * qy - py * qx;
            variance += px * px + py * py;
        }
        let (a, b) = (cos / variance, sin / variance);
        let x = to_mean.x - a * from_mean.x + b * from_mean.y;
        let y = to_mean.y - b * from_mean.x - a * from_mean.y;
        let fit = Self { a, b, x, y };
        (fit.is_finite() && fit.scale() > 0.0).then_some(fit)
    }

    /// The inverse; `None` when everything falls onto one point.
    pub fn inverse(&self) -> Option<Self> {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        let inverse = Self { a, b, x: b * self.y - a * self.x, y: -b * self.x - a * self.y };
        inverse.is_finite().then_some(inverse)
    }

    /// Length of a step that was 1 px long.
    pub fn scale(&self) -> f32 {
        self.a.hypot(self.b)
    }

    /// Where `point` goes.
    pub fn apply(&self, point: Point) -> Point {
        Point::new(
            self.a * point.x - self.b * point.y + self.x,
            self.b * point.x + self.a * point.y + self.y,
        )
    }

    fn is_finite(&self) -> bool {
        [self.a, self.b, self.x, self.y].iter().all(|v| v.is_finite())
    }
}

/// Writes a square of `size` px into `target`; `transform` goes from its coordinates to `source`'s.
///
/// Enlarging is Catmull-Rom bicubic; reducing averages bilinear samples over the output pixel's area.
/// Beyond the border, the border's pixels repeat.
///
/// # Panics
/// When `target` does not have `size * size` pixels.
pub fn resample(source: &Luma, transform: Similarity, size: usize, target: &mut [u8]) {
    assert_eq!(target.len(), size * size, "one target pixel per crop pixel");
    if source.pixels().is_empty() || !transform.is_finite() {
        target.fill(0);
        return;
    }
    let n = (transform.scale() / SAMPLE_STEP).ceil().clamp(1.0, MAX_SAMPLES);
    let Similarity { a, b, .. } = transform;
    for (index, pixel) in target.iter_mut().enumerate() {
        let (x, y) = ((index % size) as f32, (index / size) as f32);
        let value = if n == 1.0 {
            bicubic(source, transform.apply(Point::new(x + 0.5, y + 0.5)))
        } else {
            let first = transform.apply(Point::new(x + 0.5 / n, y + 0.5 / n));
            let (along_x, along_y) = (a / n, b / n);
            let mut sum = 0.0;
            for j in 0..n as i32 {
                let (x, y) = (first.x - along_y * j as f32, first.y + along_x * j as f32);
                for i in 0..n as i32 {
                    let (dx, dy) = (along_x * i as f32, along_y * i as f32);
                    sum += bilinear(source, Point::new(x + dx, y + dy));
                }
            }
            sum / (n * n)
        };
        *pixel = (value + 0.5) as u8; // saturates
    }
}

/// Splits a coordinate into the index of the pixel whose centre is before it and the way to the next.
fn split(coordinate: f32) -> (isize, f32) {
    let from_center = coordinate - 0.5;
    // Not `floor`: without SSE4.1 that is a library call, and this is the crop's innermost step.
    let cut = from_center as i32;
    let whole = if cut as f32 > from_center { cut.saturating_sub(1) } else { cut };
    (whole as isize, from_center - whole as f32)
}

fn clamped<const N: usize>(first: isize, count: usize) -> [usize; N] {
    std::array::from_fn(|i| (first + i as isize).clamp(0, count as isize - 1) as usize)
}

fn bilinear(source: &Luma, at: Point) -> f32 {
    let ((x, dx), (y, dy)) = (split(at.x), split(at.y));
    let [left, right] = clamped(x, source.width());
    let [top, bottom] = clamped(y, source.height()).map(|y| y * source.width());
    let pixel = |index: usize| f32::from(source.pixels()[index]);
    let above = pixel(top + left) + (pixel(top + right) - pixel(top + left)) * dx;
    let below = pixel(bottom + left) + (pixel(bottom + right) - pixel(bottom + left)) * dx;
    above + (below - above) * dy
}

fn bicubic(source: &Luma, at: Point) -> f32 {
    let ((x, dx), (y, dy)) = (split(at.x), split(at.y));
    let columns = clamped::<4>(x - 1, source.width());
    let rows = clamped::<4>(y - 1, source.height());
    let (across, down) = (catmull_rom(dx), catmull_rom(dy));
    let mut sum = 0.0;
    for (row, weight) in rows.into_iter().zip(down) {
        let row = source.row(row);
        let line = columns.iter().zip(across).map(|(c, w)| f32::from(row[*c]) * w).sum::<f32>();
        sum += line * weight;
    }
    sum
}

/// Weights of the pixels at -1, 0, 1 and 2 for a point at `t` (Catmull & Rom 1974; Keys 1981, a = -0.5).
fn catmull_rom(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    ]
}
