//! From a face in a frame to the classifier's input: align, resample, normalise.
//!
//! There is one such path. A training row, an evaluation row and a camera frame all take it.

use serde::{Deserialize, Serialize};

use crate::geometry::{Face, Landmarks, Point, Rect};
use crate::luma::Luma;

/// Farthest step between samples when reducing, px of the source. A bilinear sample sees 2 px, so nothing
/// falls between two of them.
const SAMPLE_STEP: f32 = 1.25;

/// Most samples per output px and axis; a crop of more than 480 px is seen with gaps.
const MAX_SAMPLES: f32 = 8.0;

/// How a face becomes the classifier's input. Part of a bundle, since the weights depend on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Side of the square crop, px.
    pub size: usize,
    /// Where the five landmarks come to lie in the crop, px.
    pub landmarks: Landmarks,
    /// For a face without landmarks: what is added to the box on every side, as a fraction of its
    /// longer side. Negative cuts off.
    pub margin: f32,
    /// Subtracted from a pixel as a fraction of white, `0..=1`.
    pub mean: f32,
    /// What the difference is divided by, `> 0`.
    pub std: f32,
}

impl Default for Preprocess {
    /// The geometry of FER2013's rows.
    ///
    /// Medians of what MTCNN finds in every 7th Training row up to the 14,000th: 1,532 of 2,000 rows show a
    /// face from the front (eyes at (15.3, 19.0) and (33.3, 18.6), nose (24.3, 29.2), mouth (17.2, 38.0) and
    /// (31.9, 37.7), box 38.3 by 50.1 px). Left and right are averaged, as training mirrors rows anyway.
    fn default() -> Self {
        Self {
            size: 48,
            landmarks: Landmarks {
                left_eye: Point::new(15.0, 18.75),
                right_eye: Point::new(33.0, 18.75),
                nose: Point::new(24.0, 29.2),
                left_mouth: Point::new(16.6, 37.8),
                right_mouth: Point::new(31.4, 37.8),
            },
            // A box of 50 px to a crop of 48.
            margin: -0.02,
            mean: 0.5,
            std: 0.25,
        }
    }
}

impl Preprocess {
    /// The same geometry for a crop of another size, `size` px wide and high.
    pub fn of_size(size: usize) -> Self {
        let base = Self::default();
        let scale = size as f32 / base.size as f32;
        let scaled = |point: Point| Point::new(point.x * scale, point.y * scale);
        let Landmarks { left_eye, right_eye, nose, left_mouth, right_mouth } = base.landmarks;
        let landmarks = Landmarks {
            left_eye: scaled(left_eye),
            right_eye: scaled(right_eye),
            nose: scaled(nose),
            left_mouth: scaled(left_mouth),
            right_mouth: scaled(right_mouth),
        };
        Self { size, landmarks, ..base }
    }

    /// Pixels of a crop, `size * size`.
    pub fn pixels(&self) -> usize {
        self.size * self.size
    }

    /// From the crop's coordinates to the frame's, for `face`.
    ///
    /// By the landmarks where there are any, else by the box alone.
    pub fn transform(&self, face: &Face) -> Similarity {
        let by_landmarks = face
            .landmarks
            .and_then(|found| Similarity::fit(&found.points(), &self.landmarks.points()))
            .and_then(|to_crop| to_crop.inverse());
        by_landmarks.unwrap_or_else(|| self.transform_of_box(&face.rect))
    }

    fn transform_of_box(&self, rect: &Rect) -> Similarity {
        let side = rect.width.max(rect.height) * (1.0 + 2.0 * self.margin);
        let scale = side / self.size as f32;
        let center = rect.center();
        Similarity { a: scale, b: 0.0, x: center.x - side / 2.0, y: center.y - side / 2.0 }
    }

    /// The face that a crop shows of itself: cropping it again changes nothing.
    pub fn canonical_face(&self) -> Face {
        let (size, margin) = (self.size as f32, self.margin);
        let side = size / (1.0 + 2.0 * margin);
        let start = (size - side) / 2.0;
        Face {
            rect: Rect::new(start, start, side, side),
            score: 1.0,
            landmarks: Some(self.landmarks),
        }
    }

    /// Writes `face` of `frame` as `[size, size]` pixels, row-major, into `crop`.
    ///
    /// A face beyond the border sees the border's pixels repeated; an empty frame gives black.
    ///
    /// # Panics
    /// When `crop` does not have `size * size` pixels.
    pub fn crop(&self, frame: &Luma, face: &Face, crop: &mut [u8]) {
        resample(frame, self.transform(face), self.size, crop);
    }

    /// Writes `(pixel / 255 - mean) / std` of every pixel into `input`.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn normalise(&self, pixels: &[u8], input: &mut [f32]) {
        assert_eq!(pixels.len(), input.len(), "one input value per pixel");
        let (scale, offset) = (1.0 / (255.0 * self.std), self.mean / self.std);
        for (value, pixel) in input.iter_mut().zip(pixels) {
            *value = f32::from(*pixel) * scale - offset;
        }
    }
}

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

    /// The way back; `None` when everything falls onto one point.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A picture with structure at every scale, the same every time.
    fn picture(width: usize, height: usize) -> Luma {
        let pixel = |i: usize| ((i * 7919) ^ (i / width * 104_729)) as u8;
        Luma::from_raw(width, height, (0..width * height).map(pixel).collect()).unwrap()
    }

    /// A bright spot of a Gaussian's shape at each of `points`.
    fn spots(width: usize, height: usize, points: &[Point], radius: f32) -> Luma {
        let value = |i: usize| {
            let at = Point::new((i % width) as f32 + 0.5, (i / width) as f32 + 0.5);
            let light = |p: &Point| (-(at.distance(*p) / radius).powi(2)).exp();
            (255.0 * points.iter().map(light).sum::<f32>()) as u8
        };
        Luma::from_raw(width, height, (0..width * height).map(value).collect()).unwrap()
    }

    fn face_at(similarity: Similarity, preprocess: &Preprocess) -> Face {
        let points = preprocess.landmarks.points().map(|p| similarity.apply(p));
        Face {
            rect: Rect::new(0.0, 0.0, 1.0, 1.0),
            score: 1.0,
            landmarks: Some(Landmarks::from_points(points)),
        }
    }

    #[test]
    fn another_size_sees_the_same_face() {
        assert_eq!(Preprocess::of_size(48), Preprocess::default());
        let mut frame = Luma::new(48, 48);
        let pixels = frame.pixels_mut().iter_mut().enumerate();
        pixels.for_each(|(i, pixel)| *pixel = (i % 48 * 5) as u8);
        let face = Preprocess::default().canonical_face();
        let large = Preprocess::of_size(96);
        let mut crop = vec![0; large.pixels()];
        large.crop(&frame, &face, &mut crop);
        for x in 1..95 {
            let expected = (x as f32 + 0.5) / 2.0 - 0.5;
            assert!((f32::from(crop[96 * 40 + x]) - 5.0 * expected).abs() < 1.1);
        }
    }

    #[test]
    fn a_row_that_is_a_crop_already_stays_exactly_as_it_is() {
        let (preprocess, row) = (Preprocess::default(), picture(48, 48));
        let aligned = preprocess.canonical_face();
        let boxed = Face { landmarks: None, ..aligned };
        for face in [aligned, boxed] {
            let mut crop = vec![0; 2304];
            preprocess.crop(&row, &face, &mut crop);
            assert_eq!(crop, row.pixels());
        }
    }

    #[test]
    fn a_turned_and_scaled_face_comes_to_stand_upright() {
        let preprocess = Preprocess::default();
        for scale in [0.7_f32, 1.6, 4.3] {
            for degrees in [-35.0_f32, 20.0] {
                let (sin, cos) = degrees.to_radians().sin_cos();
                let place = Similarity { a: scale * cos, b: scale * sin, x: 170.0, y: 160.0 };
                let face = face_at(place, &preprocess);
                let points = face.landmarks.unwrap().points();
                let mut crop = vec![0; 2304];
                preprocess.crop(&spots(480, 480, &points, 2.0 * scale), &face, &mut crop);
                let upright = spots(48, 48, &preprocess.landmarks.points(), 2.0);
                let error = crop.iter().zip(upright.pixels()).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(error < Some(40), "{error:?} at scale {scale}, {degrees} degrees");
            }
        }
    }

    #[test]
    fn reducing_averages_instead_of_skipping_pixels() {
        // Columns of black and white: a crop of every fourth pixel would be all black or all white.
        let pixels = (0..192 * 192).map(|i| if i % 2 == 0 { 0 } else { 255 }).collect();
        let stripes = Luma::from_raw(192, 192, pixels).unwrap();
        let mut crop = vec![0; 2304];
        let by_four = Similarity { a: 4.0, ..Similarity::IDENTITY };
        resample(&stripes, by_four, 48, &mut crop);
        assert!(crop.iter().all(|v| (127..=128).contains(v)), "{:?}", &crop[..8]);
    }

    #[test]
    fn enlarging_keeps_a_slope_straight() {
        let pixels = (0..24 * 24).map(|i| (i % 24 * 10) as u8).collect();
        let slope = Luma::from_raw(24, 24, pixels).unwrap();
        let mut crop = vec![0; 2304];
        resample(&slope, Similarity { a: 0.5, ..Similarity::IDENTITY }, 48, &mut crop);
        // Two px in from the border, where nothing is repeated: 5 per px, from -2.5 on.
        for (x, value) in crop[480..528].iter().enumerate().take(44).skip(4) {
            assert!((f32::from(*value) - (5.0 * x as f32 - 2.5)).abs() <= 0.5, "{value} at {x}");
        }
    }

    #[test]
    fn normalises_by_mean_and_deviation() {
        let mut input = [0.0; 3];
        Preprocess::default().normalise(&[0, 51, 255], &mut input);
        for (value, expected) in input.into_iter().zip([-2.0, -1.2, 2.0]) {
            assert!((value - expected).abs() < 1e-6, "{value} for {expected}");
        }
    }

    #[test]
    fn landmarks_on_one_point_fall_back_to_the_box() {
        let preprocess = Preprocess::default();
        let boxed = Face { landmarks: None, ..preprocess.canonical_face() };
        let point = Point::new(9.0, 9.0);
        for landmarks in [[point; 5], [Point::new(f32::NAN, 1.0); 5]] {
            let face = Face { landmarks: Some(Landmarks::from_points(landmarks)), ..boxed };
            assert_eq!(preprocess.transform(&face), preprocess.transform(&boxed));
        }
    }

    proptest! {
        #[test]
        fn the_fit_finds_a_similarity_again(
            a in -3.0..3.0f32, b in 0.1..3.0f32, x in -99.0..99.0f32, y in -99.0..99.0f32,
        ) {
            let (preprocess, place) = (Preprocess::default(), Similarity { a, b, x, y });
            let found = preprocess.transform(&face_at(place, &preprocess));
            for point in [Point::new(0.0, 0.0), Point::new(48.0, 0.0), Point::new(24.0, 48.0)] {
                prop_assert!(found.apply(point).distance(place.apply(point)) < 0.01);
            }
        }

        #[test]
        fn no_face_or_frame_is_too_strange(
            width in 0..5usize, height in 0..5usize,
            values in prop::array::uniform14(prop::num::f32::ANY), landmarks: bool,
        ) {
            let [x, y, w, h, l @ ..] = values;
            let points = std::array::from_fn(|i| Point::new(l[2 * i], l[2 * i + 1]));
            let landmarks = landmarks.then(|| Landmarks::from_points(points));
            let face = Face { rect: Rect::new(x, y, w, h), score: 1.0, landmarks };
            let mut crop = vec![0; 2304];
            Preprocess::default().crop(&picture(width.max(1), height), &face, &mut crop);
        }
    }
}
