//! Reduction of the resolution.

use emocue_models::luma::Luma;
use emocue_models::resample::{Resampler, Similarity};

/// Reduces by `factor` and enlarges again, by the badge's resampling.
pub(super) fn reduced(picture: Luma, factor: f32) -> Luma {
    let (width, height) = (picture.width(), picture.height());
    let side = width.max(height);
    if factor.is_nan() || factor <= 1.0 || picture.pixels().is_empty() {
        return picture;
    }
    let factor = factor.min(side as f32);
    let mut resampler = Resampler::default();
    // The resampler writes squares; the part outside the picture repeats its border and is cropped at the end.
    let mut square = |source: &Luma, scale: f32, side: usize| {
        let mut target = Luma::new(side, side);
        let transform = Similarity { a: scale, ..Similarity::IDENTITY };
        resampler.run(source, transform, side, target.pixels_mut());
        target
    };
    let small = square(&picture, factor, (side as f32 / factor).ceil() as usize);
    let large = square(&small, 1.0 / factor, side);
    let mut target = picture;
    for (line, source) in target.pixels_mut().chunks_exact_mut(width).zip(0..) {
        line.copy_from_slice(&large.row(source)[..width]);
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_of_a_pixel_are_lost_and_wide_ones_stay() {
        let stripes = |width: usize| {
            let pixel = |i: usize| if (i % 60 / width).is_multiple_of(2) { 40 } else { 200 };
            Luma::from_raw(60, 40, (0..60 * 40).map(pixel).collect()).unwrap()
        };
        let range = |picture: &Luma| {
            let row = &picture.row(20)[10..50];
            row.iter().max().unwrap() - row.iter().min().unwrap()
        };
        assert!(range(&reduced(stripes(1), 2.0)) < 8);
        assert!(range(&reduced(stripes(10), 2.0)) > 150);
        for factor in [1.0, 0.0, f32::NAN] {
            assert!(reduced(stripes(3), factor) == stripes(3), "{factor}");
        }
        let all = reduced(stripes(10), 1e9);
        assert_eq!((all.width(), all.height()), (60, 40));
        assert!(range(&all) < 30);
    }
}
