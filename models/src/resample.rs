//! Rotation, scaling and translation of a part of a picture into a small square.

use crate::geometry::Point;
use crate::luma::Luma;
use crate::reduce::{Grid, Reducer};

/// The largest scale at which pixels are interpolated; beyond it, means are taken.
const INTERPOLATED: f32 = 1.25;

/// The least scale that remains after a reduction by a whole number. The area of an output pixel ends inside cells of
/// the reduced picture, which count as uniform; with this many cells the error is small.
const REMAINING: f32 = 2.5;

/// A similarity transform: rotation, uniform scaling and translation, `(x, y) -> (a x - b y + x0, b x + a y + y0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale times the rotation's cosine.
    pub a: f32,
    /// Scale times the rotation's sine.
    pub b: f32,
    /// Translation to the right, px.
    pub x: f32,
    /// Translation down, px.
    pub y: f32,
}

impl Similarity {
    /// Leaves every point where it is.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, x: 0.0, y: 0.0 };

    /// The least-squares similarity that maps `from` to `to` (Umeyama 1991, without reflection).
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

    /// The inverse; `None` when it maps everything to one point.
    pub fn inverse(&self) -> Option<Self> {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        let inverse = Self { a, b, x: b * self.y - a * self.x, y: -b * self.x - a * self.y };
        inverse.is_finite().then_some(inverse)
    }

    /// The scale factor. The same bits on every processor, which `hypot` does not promise.
    pub fn scale(&self) -> f32 {
        let (a, b) = (f64::from(self.a), f64::from(self.b));
        (a * a + b * b).sqrt() as f32
    }

    /// The transformed `point`.
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

/// Resamples pictures. Keeps its working memory, so that it allocates only for a larger crop than any before.
#[derive(Clone, Debug, Default)]
pub struct Resampler {
    reducer: Reducer,
    reduced: Luma,
}

impl Resampler {
    /// Writes a square of `size` px into `target`; `transform` goes from its coordinates to `source`'s.
    ///
    /// Enlarging is Catmull-Rom bicubic. Reducing takes the mean of the square around an output pixel's centre that is
    /// as large as what the pixel covers; a large part of the picture is first reduced by a whole number, so that an
    /// output pixel never reads more than 36 values. Beyond the border, the border's pixels repeat. A transform that is
    /// not finite, or reduces by more than about 10,000, gives black.
    ///
    /// # Panics
    /// When `target` does not have `size * size` pixels.
    pub fn run(&mut self, source: &Luma, transform: Similarity, size: usize, target: &mut [u8]) {
        assert_eq!(target.len(), size * size, "one target pixel per crop pixel");
        let scale = transform.scale();
        let cell = (scale / REMAINING).floor().max(1.0);
        if source.pixels().is_empty() || !transform.is_finite() || cell > Grid::MAX_CELL as f32 {
            target.fill(0);
            return;
        }
        let reach = if scale <= INTERPOLATED { CUBIC_REACH } else { scale / 2.0 };
        let (grid, transform) = level(transform, size, cell, reach);
        let level = if grid.is_part_of(source) {
            let first = grid.top as usize * source.width() + grid.left as usize;
            Level { pixels: &source.pixels()[first..], stride: source.width(), grid }
        } else {
            self.reducer.run(source, &grid, &mut self.reduced);
            Level { pixels: self.reduced.pixels(), stride: grid.width, grid }
        };
        let side = scale / cell;
        if scale <= INTERPOLATED {
            Filter::new(4, -1.5, catmull_rom).run(&level, transform, size, target);
        } else if side <= 3.0 {
            Filter::<4>::mean(side).run(&level, transform, size, target);
        } else {
            Filter::<LANES>::mean(side).run(&level, transform, size, target);
        }
    }
}

/// Most values that a filter weighs in a row.
const LANES: usize = 8;

/// Radius of the Catmull-Rom filter, px.
const CUBIC_REACH: f32 = 2.0;

/// The cells that a square of `size` px needs for a filter of the radius `reach`, px, and the transform to their
/// coordinates.
fn level(transform: Similarity, size: usize, cell: f32, reach: f32) -> (Grid, Similarity) {
    let Similarity { a, b, x, y } = transform;
    let middle = transform.apply(Point::new(size as f32 / 2.0, size as f32 / 2.0));
    let extent = (a.abs() + b.abs()) * (size as f32 - 1.0).max(0.0) / 2.0;
    // Far outside of any picture, all positions give the same pixels.
    let start = |middle: f32| (middle - extent - reach).floor().clamp(-1e9, 1e9);
    let (left, top) = (start(middle.x), start(middle.y));
    let cells = (2.0 * extent / cell).ceil() as usize + LANES + 2;
    let grid = Grid {
        left: left as isize,
        top: top as isize,
        cell: cell as usize,
        width: cells,
        height: cells,
    };
    let to_cells =
        Similarity { a: a / cell, b: b / cell, x: (x - left) / cell, y: (y - top) / cell };
    (grid, to_cells)
}

/// Values of a grid's cells.
struct Level<'a> {
    pixels: &'a [u8],
    /// From a row to the next.
    stride: usize,
    grid: Grid,
}

/// Subcell positions of a filter, as a power of two.
const PLACES: u32 = 8;

/// Fractional bits of a fixed-point coordinate.
const FRACTION: u32 = 16;

/// Weights of values in a row or column, which sum to 1.
struct Filter<const N: usize> {
    /// By the subcell position at which the filter begins.
    weights: [[f32; N]; 1 << PLACES],
    /// How many of them are not 0.
    count: usize,
    /// From an output pixel's centre to where the filter begins, cells.
    start: f32,
}

impl<const N: usize> Filter<N> {
    fn new(count: usize, start: f32, weights: impl Fn(f32) -> [f32; N]) -> Self {
        let place = |at: usize| weights(at as f32 / (1 << PLACES) as f32);
        Self { weights: std::array::from_fn(place), count, start }
    }

    /// The mean over `side` cells, each weighted by how much of it is covered.
    fn mean(side: f32) -> Self {
        let part = |low: f32, i: usize| {
            let (start, end) = (i as f32, i as f32 + 1.0);
            ((low + side).min(end) - low.max(start)).max(0.0) / side
        };
        let count = side.ceil() as usize + 1;
        Self::new(count, -side / 2.0, |low| std::array::from_fn(|i| part(low, i)))
    }

    /// Computes every pixel of the square; `transform` goes to the level's cells.
    fn run(&self, level: &Level<'_>, transform: Similarity, size: usize, target: &mut [u8]) {
        let last = [level.grid.width - N, level.grid.height - self.count].map(|last| last as i64);
        let fixed = |coordinate: f32| (coordinate * (1 << FRACTION) as f32).round() as i64;
        // Rounds to the nearest subcell position.
        let begin = |coordinate: f32, last: i64| {
            fixed((coordinate + self.start).clamp(-1.0, last as f32 + 1.0))
                + (1 << (FRACTION - PLACES - 1))
        };
        let split = |coordinate: i64, last: i64| {
            let place = coordinate >> (FRACTION - PLACES) & ((1 << PLACES) - 1);
            ((coordinate >> FRACTION).clamp(0, last) as usize, &self.weights[place as usize])
        };
        let step = (fixed(transform.a), fixed(transform.b));
        for (y, line) in target.chunks_exact_mut(size.max(1)).enumerate() {
            let first = transform.apply(Point::new(0.5, y as f32 + 0.5));
            let mut at = (begin(first.x, last[0]), begin(first.y, last[1]));
            for pixel in line {
                let ((left, across), (top, down)) = (split(at.0, last[0]), split(at.1, last[1]));
                at = (at.0 + step.0, at.1 + step.1);
                let mut columns = [0.0; N];
                let rows = level.pixels[top * level.stride + left..].chunks(level.stride);
                for (row, weight) in rows.zip(&down[..self.count]) {
                    for (sum, value) in columns.iter_mut().zip(&row[..N]) {
                        *sum += f32::from(*value) * weight;
                    }
                }
                columns.iter_mut().zip(across).for_each(|(sum, weight)| *sum *= weight);
                *pixel = (sum_by_halves(columns) + 0.5) as u8; // saturates
            }
        }
    }
}

/// The sum of `N` values, a power of two, in an order that can be vectorised.
fn sum_by_halves<const N: usize>(mut values: [f32; N]) -> f32 {
    let mut half = N / 2;
    while half > 0 {
        let (sums, others) = values.split_at_mut(half);
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += *other);
        half /= 2;
    }
    values[0]
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Waves of several lengths, the shortest 5 px, and an edge.
    fn picture(width: usize, height: usize) -> Luma {
        let wave = |at: f32, length: f32| 28.0 * (at * std::f32::consts::TAU / length).sin();
        let pixel = |i: usize| {
            let (x, y) = ((i % width) as f32, (i / width) as f32);
            let edge = if x + 0.3 * y > 0.6 * width as f32 { 40.0 } else { 0.0 };
            (110.0 + edge + wave(x, 5.0) + wave(y - 0.4 * x, 9.0) + wave(x + y, 47.0)) as u8
        };
        Luma::from_raw(width, height, (0..width * height).map(pixel).collect()).unwrap()
    }

    /// A square of 24 px of the part of `picture` around (`x`, `y`).
    fn around(x: f32, y: f32, scale: f32, degrees: f32) -> Similarity {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let turn = Similarity { a: scale * cos, b: scale * sin, x: 0.0, y: 0.0 };
        let middle = turn.apply(Point::new(12.0, 12.0));
        Similarity { x: x - middle.x, y: y - middle.y, ..turn }
    }

    fn resampled(picture: &Luma, transform: Similarity) -> Vec<u8> {
        let mut square = vec![0; 24 * 24];
        Resampler::default().run(picture, transform, 24, &mut square);
        square
    }

    /// The mean of what each output pixel covers, turned as it is, by many samples.
    fn exact(picture: &Luma, transform: Similarity) -> Vec<f32> {
        let count = (4.0 * transform.scale()).ceil().max(24.0);
        let sample = |x: f32, y: f32| {
            let at = transform.apply(Point::new(x, y));
            f32::from(picture.at_clamped(at.x.floor() as isize, at.y.floor() as isize))
        };
        let pixel = |i: usize| {
            let (left, top) = ((i % 24) as f32, (i / 24) as f32);
            let way = |j: usize| (j as f32 + 0.5) / count;
            let line = |y: f32| (0..count as usize).map(move |j| sample(left + way(j), top + y));
            (0..count as usize).flat_map(|j| line(way(j))).sum::<f32>() / (count * count)
        };
        (0..24 * 24).map(pixel).collect()
    }

    #[test]
    fn a_reduced_part_is_the_mean_of_what_its_pixels_cover() {
        let picture = picture(520, 500);
        for scale in [1.3, 1.9, 2.6, 3.7, 4.9, 5.0, 5.1, 7.4, 7.6, 11.0, 15.0, 19.0] {
            for degrees in [0.0, 12.0, -33.0, 45.0, 90.0] {
                let place = around(260.3, 249.8, scale, degrees);
                let squares = resampled(&picture, place).into_iter().zip(exact(&picture, place));
                let squares = squares.map(|(found, mean)| (f32::from(found) - mean).powi(2));
                let error = (squares.sum::<f32>() / 576.0).sqrt();
                // The waves are steep. On faces, an error of 0.5 is usual; rounding alone gives 0.29.
                let most = if scale < 5.0 { 2.5 } else { 4.0 };
                assert!(error < most, "{error} at scale {scale}, {degrees} degrees");
            }
        }
    }

    #[test]
    fn a_part_beyond_the_border_sees_the_border_repeated() {
        let small = picture(90, 70);
        let (mut large, beyond) = (Luma::new(690, 670), 300);
        for (i, pixel) in large.pixels_mut().iter_mut().enumerate() {
            let (x, y) = (i as isize % 690 - beyond, i as isize / 690 - beyond);
            *pixel = small.at_clamped(x, y);
        }
        for scale in [0.5, 1.0, 2.0, 4.0, 8.0] {
            for (x, y) in [(0.0, 0.0), (90.0, 35.0), (45.0, 90.0), (-40.0, 100.0)] {
                let place = around(x, y, scale, 15.0);
                let shifted = Similarity { x: place.x + 300.0, y: place.y + 300.0, ..place };
                let pairs = resampled(&small, place).into_iter().zip(resampled(&large, shifted));
                let most = pairs.map(|(a, b)| a.abs_diff(b)).max();
                assert!(most <= Some(1), "{most:?} at scale {scale} around {x}, {y}");
            }
        }
    }

    #[test]
    fn what_was_resampled_before_does_not_matter() {
        let (picture, mut kept) = (picture(300, 280), Resampler::default());
        for scale in [9.0, 0.7, 6.0, 3.0, 11.0, 1.0] {
            let place = around(250.0, 30.0, scale, -20.0);
            let mut square = vec![0; 24 * 24];
            kept.run(&picture, place, 24, &mut square);
            assert_eq!(square, resampled(&picture, place), "scale {scale}");
        }
    }

    proptest! {
        #[test]
        fn one_brightness_stays_what_it_is(
            value: u8, scale in 0.01..400.0f32, degrees in -180.0..180.0f32,
            x in -500.0..500.0f32, y in -500.0..500.0f32,
        ) {
            let flat = Luma::from_raw(60, 50, vec![value; 3000]).unwrap();
            let found = resampled(&flat, around(x, y, scale, degrees));
            prop_assert!(found.iter().all(|pixel| *pixel == value), "{found:?}");
        }

        #[test]
        fn no_transform_is_too_strange(
            values in prop::array::uniform4(prop_oneof![prop::num::f32::ANY, -1e4..1e4f32]),
            width in 1..40usize, height in 1..40usize,
        ) {
            let [a, b, x, y] = values;
            resampled(&picture(width, height), Similarity { a, b, x, y });
        }
    }
}
