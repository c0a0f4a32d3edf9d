//! From a face in a frame to the classifier's input: align, resample, normalise.
//!
//! Training rows, evaluation rows and camera frames all use this one path.

use serde::{Deserialize, Serialize};

use crate::geometry::{Face, Landmarks, Point, Rect};
use crate::luma::Luma;
use crate::normalise::{Greys, Normalise};
use crate::resample::{Resampler, Similarity};

/// How a face becomes the classifier's input. Part of a bundle, since the weights depend on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Side of the square crop, px, `8..=256`.
    pub size: usize,
    /// Target positions of the five landmarks in the crop, px.
    pub landmarks: Landmarks,
    /// For a face without landmarks: margin on every side of the box, as a fraction of its longer side, `-0.4..=2`. A
    /// negative one shrinks the box.
    pub margin: f32,
    /// Subtracted from a pixel as a fraction of white, `0..=1`.
    pub mean: f32,
    /// What the difference is divided by, `0.001..=10`.
    pub std: f32,
    /// Whether `mean` and `std` apply, or each crop's own mean and standard deviation.
    #[serde(default, skip_serializing_if = "Normalise::is_fixed")]
    pub normalise: Normalise,
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
            normalise: Normalise::Fixed,
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
    /// Fitted to the landmarks if there are any, else to the box.
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

    /// The face in a crop's own coordinates: cropping a crop by it changes nothing.
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
    /// Beyond the frame's border, the border's pixels repeat; an empty frame gives black.
    ///
    /// # Panics
    /// When `crop` does not have `size * size` pixels.
    pub fn crop(&self, frame: &Luma, face: &Face, resampler: &mut Resampler, crop: &mut [u8]) {
        resampler.run(frame, self.transform(face), self.size, crop);
    }

    /// Writes every pixel of a crop into `input` as the network reads it: `(pixel / 255 - mean) / std`, or by the crop's
    /// own mean and deviation.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn normalise(&self, pixels: &[u8], input: &mut [f32]) {
        assert_eq!(pixels.len(), input.len(), "one input value per pixel");
        let (scale, offset) = match self.normalise {
            Normalise::Fixed => (1.0 / (255.0 * self.std), self.mean / self.std),
            Normalise::Face { floor, gain } => {
                let Greys { mean, deviation } = Greys::of(pixels);
                let scale = gain / deviation.max(floor);
                (scale, mean * scale)
            }
        };
        for (value, pixel) in input.iter_mut().zip(pixels) {
            *value = f32::from(*pixel) * scale - offset;
        }
    }
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
        large.crop(&frame, &face, &mut Resampler::default(), &mut crop);
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
            preprocess.crop(&row, &face, &mut Resampler::default(), &mut crop);
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
                preprocess.crop(
                    &spots(480, 480, &points, 2.0 * scale),
                    &face,
                    &mut Resampler::default(),
                    &mut crop,
                );
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
        Resampler::default().run(&stripes, by_four, 48, &mut crop);
        assert!(crop.iter().all(|v| (127..=128).contains(v)), "{:?}", &crop[..8]);
    }

    #[test]
    fn enlarging_keeps_a_slope_straight() {
        let pixels = (0..24 * 24).map(|i| (i % 24 * 10) as u8).collect();
        let slope = Luma::from_raw(24, 24, pixels).unwrap();
        let mut crop = vec![0; 2304];
        Resampler::default().run(
            &slope,
            Similarity { a: 0.5, ..Similarity::IDENTITY },
            48,
            &mut crop,
        );
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
    fn a_face_of_its_own_light_is_the_same_in_any_light() {
        let preprocess = Preprocess { normalise: Normalise::FACE, ..Preprocess::default() };
        let normalised = |pixels: [u8; 4]| {
            let mut input = [0.0; 4];
            preprocess.normalise(&pixels, &mut input);
            input
        };
        let bright = normalised([100, 140, 180, 220]);
        for (a, b) in bright.iter().zip(normalised([15, 25, 35, 45])) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        let square: f32 = bright.iter().map(|value| value * value).sum();
        assert!(((square / 4.0).sqrt() - 0.9).abs() < 1e-5, "{bright:?}");
        // Less contrast than 4 greys stays little: a deviation of 1 grey becomes 0.9 / 4.
        for (value, expected) in normalised([7, 9, 7, 9]).into_iter().zip([-0.225, 0.225].repeat(2))
        {
            assert!((value - expected).abs() < 1e-6, "{value} for {expected}");
        }
        assert_eq!(normalised([0; 4]), [0.0; 4]);
    }

    #[test]
    fn json_of_before_and_after() {
        let fixed = serde_json::to_string(&Preprocess::default()).unwrap();
        assert!(!fixed.contains("normalise"), "as earlier programs wrote it: {fixed}");
        assert_eq!(serde_json::from_str::<Preprocess>(&fixed).unwrap(), Preprocess::default());
        let own = Preprocess { normalise: Normalise::FACE, ..Preprocess::default() };
        let json = serde_json::to_string(&own).unwrap();
        assert!(json.contains(r#""normalise":{"face":{"floor":4.0,"gain":0.9}}"#), "{json}");
        assert_eq!(serde_json::from_str::<Preprocess>(&json).unwrap(), own);
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
            Preprocess::default().crop(&picture(width.max(1), height), &face, &mut Resampler::default(), &mut crop);
        }
    }
}
