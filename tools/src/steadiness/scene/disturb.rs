//! Camera effects on a scene: noise, sway, jumps, exposure drift, compression, lost frames.

use emocue_link::random::Random;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat, ImageResult};

use super::super::log::Point;
use super::canvas::Grey;

/// Number of entries of the noise table; each frame starts at a different offset.
const TABLE: usize = 1 << 20;

/// Interval at which jumps can occur, s.
const JUMP_EVERY: f64 = 1.5;

/// Duration of a jump, s.
const JUMP_LASTS: f64 = 0.2;

/// Strength of each effect.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::steadiness) struct Disturbance {
    /// Standard deviation of camera noise, grey levels (0 to 255).
    pub(in crate::steadiness) noise: f64,
    /// Amplitude of a slow subpixel movement, px.
    pub(in crate::steadiness) sway: f64,
    /// Amplitude of sudden movements, px.
    pub(in crate::steadiness) jump: f64,
    /// Exposure drift, relative to the brightness.
    pub(in crate::steadiness) drift: f64,
    /// Quality of a JPEG round trip, 1 to 100.
    pub(in crate::steadiness) jpeg: Option<u8>,
    /// Share of lost frames, 0 to 1; the previous frame is repeated, since a Y4M stream has no gaps.
    pub(in crate::steadiness) lost: f64,
}

/// A disturbance with its random numbers.
#[derive(Clone)]
pub(in crate::steadiness) struct Disturber {
    amount: Disturbance,
    seed: u64,
    noise: Vec<i8>,
}

impl Disturber {
    /// The disturbance of a seed.
    pub(in crate::steadiness) fn new(amount: Disturbance, seed: u64) -> Self {
        let mut random = Random::of(seed, "noise");
        let count = if amount.noise > 0.0 { TABLE } else { 0 };
        // The sum of four uniform values approximates a normal distribution.
        let spread = amount.noise * 3.0_f64.sqrt();
        let mut bell = || (0..4).map(|_| random.part() - 0.5).sum::<f64>() * spread;
        Self { amount, seed, noise: (0..count).map(|_| bell().round() as i8).collect() }
    }

    /// Displacement of the camera, px, at `time` s.
    pub(in crate::steadiness) fn offset(&self, time: f64) -> Point {
        let wave = |hertz: f64, phase: f64| (std::f64::consts::TAU * (hertz * time + phase)).sin();
        let sway = self.amount.sway / 2.0;
        let mut offset = Point {
            x: sway * (wave(0.31, 0.0) + wave(1.3, 0.4)),
            y: sway * (wave(0.23, 0.6) + wave(1.7, 0.1)),
        };
        let number = (time / JUMP_EVERY) as u64;
        let mut random = Random::new(Random::of(self.seed, "jump").number() ^ number);
        let begins = random.part() * (JUMP_EVERY - JUMP_LASTS);
        let turn = random.part() * std::f64::consts::TAU;
        if (begins..begins + JUMP_LASTS).contains(&(time - number as f64 * JUMP_EVERY)) {
            offset.x += self.amount.jump * turn.cos();
            offset.y += self.amount.jump * turn.sin();
        }
        offset
    }

    /// Whether frame `index` is lost; the first never is.
    pub(in crate::steadiness) fn loses(&self, index: u64) -> bool {
        let mut random = Random::new(Random::of(self.seed, "lost").number() ^ index);
        index > 0 && random.part() < self.amount.lost
    }

    /// Applies the effects to `frame` with this `index` at `time` s.
    pub(in crate::steadiness) fn apply(
        &self,
        frame: &mut Grey,
        index: u64,
        time: f64,
    ) -> ImageResult<()> {
        if self.amount.drift > 0.0 {
            let wave = (std::f64::consts::TAU * time / 7.0).sin() * self.amount.drift;
            let lit: Vec<u8> =
                (0..=255).map(|shade| (f64::from(shade) * (1.0 + wave)) as u8).collect();
            frame.pixels.iter_mut().for_each(|pixel| *pixel = lit[usize::from(*pixel)]);
        }
        if !self.noise.is_empty() {
            let mut random = Random::new(Random::of(self.seed, "frame").number() ^ index);
            for row in frame.pixels.chunks_mut(frame.width) {
                let from = random.below(TABLE - row.len());
                for (pixel, noise) in row.iter_mut().zip(&self.noise[from..]) {
                    *pixel = pixel.saturating_add_signed(*noise);
                }
            }
        }
        if let Some(quality) = self.amount.jpeg {
            let mut file = Vec::new();
            let (width, height) = (frame.width as u32, frame.height as u32);
            JpegEncoder::new_with_quality(&mut file, quality).encode(
                &frame.pixels,
                width,
                height,
                ExtendedColorType::L8,
            )?;
            frame.pixels = image::load_from_memory_with_format(&file, ImageFormat::Jpeg)?
                .into_luma8()
                .into_raw();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(amount: Disturbance, index: u64, time: f64) -> Grey {
        let mut frame = Grey::new(64, 48, 100);
        Disturber::new(amount, 1).apply(&mut frame, index, time).unwrap();
        frame
    }

    #[test]
    fn noise_has_the_deviation_that_it_should_and_differs_by_frame() {
        let amount = Disturbance { noise: 8.0, ..Disturbance::default() };
        let frame = after(amount, 3, 0.1);
        let square = |pixel: &u8| (f64::from(*pixel) - 100.0).powi(2);
        let deviation =
            (frame.pixels.iter().map(square).sum::<f64>() / frame.pixels.len() as f64).sqrt();
        assert!((7.0..9.0).contains(&deviation), "{deviation}");
        assert_eq!(frame, after(amount, 3, 0.1));
        assert_ne!(frame, after(amount, 4, 0.1));
    }

    #[test]
    fn exposure_drifts_and_compression_shows() {
        let drift = Disturbance { drift: 0.3, ..Disturbance::default() };
        assert_eq!(after(drift, 0, 1.75).pixels[0], 130);
        assert_eq!(after(drift, 0, 5.25).pixels[0], 70);
        let compressed = Disturbance { noise: 20.0, jpeg: Some(30), ..Disturbance::default() };
        assert_ne!(
            after(compressed, 0, 0.0),
            after(Disturbance { jpeg: None, ..compressed }, 0, 0.0)
        );
    }

    #[test]
    fn a_fifth_of_the_frames_is_lost_and_a_jump_comes_and_goes() {
        let disturber =
            Disturber::new(Disturbance { lost: 0.2, jump: 10.0, ..Disturbance::default() }, 7);
        let lost = (0..1000).filter(|index| disturber.loses(*index)).count();
        assert!((150..250).contains(&lost) && !disturber.loses(0), "{lost}");
        let away = (0..300)
            .map(|step| disturber.offset(f64::from(step) / 30.0))
            .filter(|offset| offset.x.hypot(offset.y) > 9.0)
            .count();
        assert!((20..80).contains(&away), "{away}");
    }
}
