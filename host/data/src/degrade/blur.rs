//! Motion blur, defocus and compression.

use std::io::Cursor;

use emocue_models::geometry::Point;
use emocue_models::luma::Luma;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat, ImageReader};

/// Bilinear interpolation at a point, px; the border is repeated.
pub(super) fn bilinear(picture: &Luma, point: Point) -> f32 {
    let (x, y) = (point.x - 0.5, point.y - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    let (left, top) = (left as isize, top as isize);
    let at = |x, y| f32::from(picture.at_clamped(x, y));
    let across = |y| at(left, y) * (1.0 - fx) + at(left + 1, y) * fx;
    across(top) * (1.0 - fy) + across(top + 1) * fy
}

/// Motion blur: the mean along a line of `length` px.
pub(super) fn motion(picture: &Luma, length: f32, degrees: f32) -> Luma {
    let mut target = picture.clone();
    // A longer line than the picture's diagonal has no further effect.
    let longest = (picture.width() + picture.height()) as f32;
    let length = length.clamp(0.0, longest);
    let steps = length.ceil() as usize + 1;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let along = |step: usize| match steps {
        1 => 0.0,
        _ => (step as f32 / (steps - 1) as f32 - 0.5) * length,
    };
    let offsets: Vec<(f32, f32)> =
        (0..steps).map(along).map(|way| (way * cos, way * sin)).collect();
    for (y, row) in target.pixels_mut().chunks_exact_mut(picture.width().max(1)).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
            let sum: f32 =
                offsets.iter().map(|(dx, dy)| bilinear(picture, Point::new(x + dx, y + dy))).sum();
            *pixel = (sum / steps as f32).round() as u8;
        }
    }
    target
}

/// A Gaussian blur.
pub(super) fn defocus(picture: &mut Luma, sigma: f32) {
    let (width, height) = (picture.width(), picture.height());
    // Beyond 3 sigma, the weights on either side add up to less than half a grey level.
    let reach = (3.0 * sigma).ceil().clamp(0.0, 200.0) as isize;
    if reach == 0 || width == 0 || height == 0 {
        return;
    }
    let weights: Vec<f32> =
        (-reach..=reach).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let sum: f32 = weights.iter().sum();
    let mut across = vec![0.0; width * height];
    for (i, value) in across.iter_mut().enumerate() {
        let (x, y) = ((i % width) as isize, (i / width) as isize);
        let parts = weights.iter().zip(-reach..=reach);
        let part = |(weight, d): (&f32, isize)| weight * f32::from(picture.at_clamped(x + d, y));
        *value = parts.map(part).sum::<f32>() / sum;
    }
    for (i, pixel) in picture.pixels_mut().iter_mut().enumerate() {
        let (x, y) = (i % width, (i / width) as isize);
        let part = |(weight, d): (&f32, isize)| {
            weight * across[(y + d).clamp(0, height as isize - 1) as usize * width + x]
        };
        let value = weights.iter().zip(-reach..=reach).map(part).sum::<f32>() / sum;
        *pixel = value.round() as u8;
    }
}

/// Encodes and decodes the picture; if that fails, returns it unchanged.
pub(super) fn jpeg(picture: Luma, quality: u8) -> Luma {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    let decoded = encoder
        .encode(picture.pixels(), width, height, ExtendedColorType::L8)
        .and_then(|()| ImageReader::with_format(Cursor::new(bytes), ImageFormat::Jpeg).decode());
    let pixels = decoded.ok().map(|decoded| decoded.into_luma8().into_raw());
    let own = (picture.width(), picture.height());
    pixels.and_then(|pixels| Luma::from_raw(own.0, own.1, pixels).ok()).unwrap_or(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Black with a white vertical line in the middle.
    fn line() -> Luma {
        let mut picture = Luma::new(41, 31);
        picture.pixels_mut().chunks_exact_mut(41).for_each(|row| row[20] = 255);
        picture
    }

    fn row(picture: &Luma) -> Vec<usize> {
        picture.row(15).iter().map(|pixel| usize::from(*pixel)).collect()
    }

    #[test]
    fn motion_spreads_a_line_along_its_way_only() {
        let across = row(&motion(&line(), 10.0, 0.0));
        assert_eq!(across.iter().filter(|pixel| **pixel > 0).count(), 11);
        assert!(across[15..=25].iter().all(|pixel| (22..=24).contains(pixel)), "{across:?}");
        assert_eq!(motion(&line(), 10.0, 90.0), line());
        assert_eq!(motion(&line(), 0.0, 0.0), line());
    }

    #[test]
    fn defocus_spreads_light_evenly_and_loses_none() {
        let mut picture = line();
        defocus(&mut picture, 2.0);
        let values = row(&picture);
        assert_eq!(values[18], values[22]);
        assert!(values[20] > values[22] && values[20] < 60, "{values:?}");
        assert!((250..=260).contains(&values.iter().sum::<usize>()));
        defocus(&mut picture, 0.0);
        assert_eq!(row(&picture), values);
    }

    #[test]
    fn compression_loses_more_at_a_lower_quality() {
        let pixels: Vec<u8> = (0..64 * 64).map(|i| ((i * 31) ^ (i / 64 * 17)) as u8).collect();
        let picture = Luma::from_raw(64, 64, pixels).unwrap();
        let lost = |quality| {
            let changed = jpeg(picture.clone(), quality);
            let pairs = changed.pixels().iter().zip(picture.pixels());
            pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
        };
        assert!(lost(10) > lost(60) && lost(60) > lost(95) && lost(95) > 0);
    }
}
