//! Low light, and light from the side or from behind.

use emocue_models::geometry::{Point, Rect};
use emocue_models::luma::Luma;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::SensorNoise;
use crate::faces::MarkedFace;

/// Low light with shot and read noise; the result is rounded to whole greys.
pub(super) fn dark(picture: &mut Luma, gain: f32, noise: SensorNoise, rng: &mut ChaCha8Rng) {
    for pixel in picture.pixels_mut() {
        let signal = f32::from(*pixel) * gain;
        let deviation = (noise.shot * signal + noise.read * noise.read).sqrt();
        let normal: f32 = rng.sample(StandardNormal);
        // A cast saturates.
        *pixel = (signal + deviation * normal).round() as u8;
    }
}

/// Reduces the contrast by `gain` and moves the mean to `level`.
pub(super) fn low_contrast(picture: &mut Luma, gain: f32, level: f32) {
    let sum: u64 = picture.pixels().iter().map(|pixel| u64::from(*pixel)).sum();
    let mean = sum as f32 / picture.pixels().len().max(1) as f32;
    for pixel in picture.pixels_mut() {
        *pixel = (level + (f32::from(*pixel) - mean) * gain).round() as u8;
    }
}

/// Gamma curve: every grey, as a fraction of white, raised to a power.
pub(super) fn gamma(picture: &mut Luma, gamma: f32) {
    let power = |grey: usize| (255.0 * (grey as f32 / 255.0).powf(gamma)).round() as u8;
    let greys: [u8; 256] = std::array::from_fn(power);
    picture.pixels_mut().iter_mut().for_each(|pixel| *pixel = greys[usize::from(*pixel)]);
}

/// Full light on one side, and light times `shadow` on the other, with a soft transition through the middle.
pub(super) fn side(picture: &mut Luma, degrees: f32, shadow: f32) {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (picture.width(), picture.height());
    let (x_scale, y_scale) = (cos / width.max(1) as f32, sin / height.max(1) as f32);
    for (i, pixel) in picture.pixels_mut().iter_mut().enumerate() {
        let x = (i % width) as f32 + 0.5 - width as f32 / 2.0;
        let y = (i / width) as f32 + 0.5 - height as f32 / 2.0;
        // From -0.5 to 0.5 over the picture; the transition covers half of it.
        let along = (2.0 * (x * x_scale + y * y_scale) + 0.5).clamp(0.0, 1.0);
        let share = along * along * (3.0 - 2.0 * along);
        *pixel = (f32::from(*pixel) * (1.0 - share * (1.0 - shadow))).round() as u8;
    }
}

/// Gaussian noise that does not depend on the signal.
pub(super) fn noise(picture: &mut Luma, deviation: f32, rng: &mut ChaCha8Rng) {
    for pixel in picture.pixels_mut() {
        let normal: f32 = rng.sample(StandardNormal);
        *pixel = (f32::from(*pixel) + deviation * normal).round() as u8;
    }
}

/// Veiling glare: light that a lens scatters over dark parts, in grey levels.
const VEIL: f32 = 10.0;

/// Darkens people and brightens everything else.
pub(super) fn backlight(picture: &mut Luma, faces: &[MarkedFace], person: f32, behind: f32) {
    let (width, height) = (picture.width(), picture.height());
    let mut people = vec![0.0_f32; width * height];
    for face in faces {
        let reach = Silhouette::of(&face.rect).reach();
        let range = |low: f32, high: f32, end: usize| {
            low.floor().clamp(0.0, end as f32) as usize..high.ceil().clamp(0.0, end as f32) as usize
        };
        for y in range(reach.y, height as f32, height) {
            for x in range(reach.x, reach.right(), width) {
                let point = Point::new(x as f32 + 0.5, y as f32 + 0.5);
                let value = &mut people[y * width + x];
                *value = value.max(Silhouette::of(&face.rect).share(point));
            }
        }
    }
    for (pixel, share) in picture.pixels_mut().iter_mut().zip(people) {
        let value = f32::from(*pixel);
        let dark = value * person + VEIL;
        let bright = 255.0 - (255.0 - value) * behind;
        *pixel = (dark * share + bright * (1.0 - share)).round() as u8;
    }
}

/// A head and shoulders around a face.
struct Silhouette<'a> {
    face: &'a Rect,
}

impl<'a> Silhouette<'a> {
    fn of(face: &'a Rect) -> Self {
        Self { face }
    }

    /// The silhouette's bounding box, which continues to below the picture.
    fn reach(&self) -> Rect {
        let Rect { x, y, width, height } = *self.face;
        Rect::new(x - 1.5 * width, y - 0.5 * height, 4.0 * width, 2.0 * height)
    }

    /// Opacity of the silhouette at a point, `0..=1`.
    fn share(&self, point: Point) -> f32 {
        let center = self.face.center();
        let x = (point.x - center.x).abs() / self.face.width.max(1.0);
        let y = (point.y - center.y) / self.face.height.max(1.0);
        // In radii of the head, hair included; the soft edge is 0.2 radii wide.
        let head = (1.0 - ((x / 0.66).hypot(y / 0.72) - 1.0) / 0.2).clamp(0.0, 1.0);
        let half_width = (0.35 + (y - 0.5) * 1.6).min(1.4);
        let body = if y > 0.4 { (1.0 - (x - half_width) / 0.1).clamp(0.0, 1.0) } else { 0.0 };
        head.max(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;

    fn ramp() -> Luma {
        Luma::from_raw(256, 64, (0..256 * 64).map(|i| (i % 256) as u8).collect()).unwrap()
    }

    fn mean(picture: &Luma, columns: std::ops::Range<usize>) -> f32 {
        let values = (0..picture.height()).flat_map(|y| &picture.row(y)[columns.clone()]);
        let sum: u32 = values.clone().map(|v| u32::from(*v)).sum();
        sum as f32 / values.count() as f32
    }

    #[test]
    fn the_dark_keeps_the_mean_and_adds_noise_that_grows_with_light() {
        let mut picture = ramp();
        dark(&mut picture, 0.12, SensorNoise::SMALL, &mut generator(1, 0, 0));
        assert!((mean(&picture, 190..210) - 200.0 * 0.12).abs() < 0.2);
        let deviation = |columns: std::ops::Range<usize>| {
            let mean = mean(&picture, columns.clone());
            let values = (0..64).flat_map(|y| &picture.row(y)[columns.clone()]);
            let count = values.clone().count() as f32;
            (values.map(|v| (f32::from(*v) - mean).powi(2)).sum::<f32>() / count).sqrt()
        };
        // Rounding adds 1/12 to the variance.
        let expected = (0.05 * 24.0 + 0.49 + 1.0 / 12.0_f32).sqrt();
        assert!((deviation(195..205) - expected).abs() < 0.15, "{}", deviation(195..205));
        assert!(deviation(195..205) > 1.3 * deviation(45..55));
    }

    #[test]
    fn differences_below_a_grey_are_lost() {
        let mut picture = ramp();
        dark(&mut picture, 0.05, SensorNoise { shot: 0.0, read: 0.0 }, &mut generator(1, 0, 0));
        assert_eq!(picture.row(0).iter().max(), Some(&13));
        let mut picture = ramp();
        low_contrast(&mut picture, 0.08, 118.0);
        let (low, high) = (picture.row(0)[0], picture.row(0)[255]);
        assert_eq!((low, high), (108, 128));
    }

    #[test]
    fn gamma_keeps_black_and_white_and_darkens_between() {
        let mut picture = ramp();
        gamma(&mut picture, 2.0);
        let row = picture.row(0);
        assert_eq!([row[0], row[128], row[255]], [0, 64, 255]);
    }

    #[test]
    fn the_shadow_is_where_it_is_asked_for() {
        for (degrees, lit, dark) in [(0.0, 20, 236), (180.0, 236, 20)] {
            let mut picture = Luma::from_raw(256, 64, vec![200; 256 * 64]).unwrap();
            side(&mut picture, degrees, 0.2);
            assert_eq!([picture.row(9)[lit], picture.row(50)[dark]], [200, 40]);
        }
    }

    #[test]
    fn noise_has_the_deviation_that_is_asked_for() {
        let mut picture = Luma::from_raw(256, 64, vec![120; 256 * 64]).unwrap();
        noise(&mut picture, 10.0, &mut generator(1, 0, 0));
        let values = picture.pixels().iter().map(|pixel| f32::from(*pixel) - 120.0);
        let variance = values.map(|value| value * value).sum::<f32>() / (256.0 * 64.0);
        assert!((variance.sqrt() - 10.0).abs() < 0.3, "{variance}");
    }

    #[test]
    fn a_person_before_a_window_is_dark_and_the_window_bright() {
        let mut picture = Luma::from_raw(200, 150, vec![120; 30000]).unwrap();
        let rect = Rect::new(80.0, 40.0, 40.0, 50.0);
        backlight(&mut picture, &[MarkedFace { rect, ..Default::default() }], 0.2, 0.3);
        let at = |x: isize, y: isize| picture.at_clamped(x, y);
        assert_eq!([at(100, 65), at(100, 130), at(10, 10)], [34, 34, 215]);
        assert_eq!(at(30, 65), 215, "beside the head");
    }
}
