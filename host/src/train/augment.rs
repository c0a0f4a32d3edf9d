//! Random changes of training pictures. One seed gives one picture, on any machine and thread.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::recipe::Augment;
use crate::data::SIDE;

/// The generator of one example in one epoch: the same whatever thread asks.
pub fn generator(seed: u64, epoch: usize, row: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(epoch as u64).to_le_bytes());
    key[16..24].copy_from_slice(&(row as u64).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Writes a changed copy of the 48x48 `picture` into `target`: mirrored, turned, scaled and shifted
/// in one bilinear resampling with the border continued, then brightness, contrast and erasing.
pub fn augment(settings: &Augment, rng: &mut ChaCha8Rng, picture: &[u8], target: &mut [u8]) {
    let mut either_way = |limit: f32| limit * rng.random_range(-1.0..=1.0f32);
    let angle = either_way(settings.rotate_degrees).to_radians();
    let scale = 1.0 + either_way(settings.scale);
    let (shift_x, shift_y) = (either_way(settings.shift), either_way(settings.shift));
    let offset = 255.0 * either_way(settings.brightness);
    let gain = 1.0 + either_way(settings.contrast);
    let mirror = if settings.flip && rng.random_bool(0.5) { -1.0 } else { 1.0 };

    let middle = SIDE as f32 / 2.0;
    let (sin, cos) = (angle.sin() * scale, angle.cos() * scale);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dx, dy) = ((x as f32 + 0.5 - middle) * mirror, y as f32 + 0.5 - middle);
            let source_x = cos * dx - sin * dy + middle + shift_x * SIDE as f32;
            let source_y = sin * dx + cos * dy + middle + shift_y * SIDE as f32;
            let value = bilinear(picture, source_x - 0.5, source_y - 0.5);
            let changed = (value - 128.0) * gain + 128.0 + offset;
            target[y * SIDE + x] = changed.round().clamp(0.0, 255.0) as u8;
        }
    }
    if rng.random_bool(f64::from(settings.erase)) {
        erase(rng, target);
    }
}

/// Fills a box of 6 to 20 px a side with one random grey.
fn erase(rng: &mut ChaCha8Rng, target: &mut [u8]) {
    let (width, height) = (rng.random_range(6..=20usize), rng.random_range(6..=20usize));
    let (left, top) = (rng.random_range(0..=SIDE - width), rng.random_range(0..=SIDE - height));
    let grey = rng.random_range(0..=255u8);
    for row in target.chunks_exact_mut(SIDE).skip(top).take(height) {
        row[left..left + width].fill(grey);
    }
}

fn bilinear(picture: &[u8], x: f32, y: f32) -> f32 {
    let limit = (SIDE - 1) as f32;
    let (x, y) = (x.clamp(0.0, limit), y.clamp(0.0, limit));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(SIDE - 1), (top + 1).min(SIDE - 1));
    let (fx, fy) = (x - left as f32, y - top as f32);
    let at = |x: usize, y: usize| f32::from(picture[y * SIDE + x]);
    let upper = at(left, top) * (1.0 - fx) + at(right, top) * fx;
    let lower = at(left, bottom) * (1.0 - fx) + at(right, bottom) * fx;
    upper * (1.0 - fy) + lower * fy
}

/// A dropout mask for `features`: 0 with probability `drop`, else `1 / (1 - drop)`.
pub fn dropout_mask(rng: &mut ChaCha8Rng, drop: f32, features: usize) -> impl Iterator<Item = f32> {
    let keep = 1.0 / (1.0 - drop);
    (0..features).map(move |_| if rng.random::<f32>() < drop { 0.0 } else { keep })
}

/// The order of `count` examples in an epoch.
pub fn shuffled(seed: u64, epoch: usize, count: usize) -> Vec<usize> {
    use rand::seq::SliceRandom;
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut generator(seed, epoch, usize::MAX));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PIXELS;

    const OFF: Augment = Augment {
        flip: false,
        rotate_degrees: 0.0,
        scale: 0.0,
        shift: 0.0,
        brightness: 0.0,
        contrast: 0.0,
        erase: 0.0,
    };

    fn picture() -> Vec<u8> {
        (0..PIXELS).map(|i| (i * 7 % 251) as u8).collect()
    }

    fn changed(settings: &Augment, row: usize) -> Vec<u8> {
        let mut target = vec![0; PIXELS];
        augment(settings, &mut generator(1, 2, row), &picture(), &mut target);
        target
    }

    #[test]
    fn nothing_asked_changes_nothing() {
        assert_eq!(changed(&OFF, 0), picture());
    }

    #[test]
    fn flips_half_of_the_pictures_exactly() {
        let mirrored: Vec<u8> =
            picture().chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        let settings = Augment { flip: true, ..OFF };
        let results: Vec<_> = (0..200).map(|row| changed(&settings, row)).collect();
        let flipped = results.iter().filter(|result| **result == mirrored).count();
        assert!(results.iter().all(|result| *result == mirrored || *result == picture()));
        assert!((70..130).contains(&flipped), "{flipped}");
    }

    #[test]
    fn one_seed_one_picture() {
        let all = Augment {
            flip: true,
            rotate_degrees: 15.0,
            scale: 0.15,
            shift: 0.1,
            erase: 0.5,
            ..OFF
        };
        assert_eq!(changed(&all, 5), changed(&all, 5));
        assert_ne!(changed(&all, 5), changed(&all, 6));
        assert_eq!(shuffled(3, 1, 50), shuffled(3, 1, 50));
        assert_ne!(shuffled(3, 1, 50), shuffled(3, 2, 50));
    }

    #[test]
    fn dropout_keeps_the_mean() {
        let mean = dropout_mask(&mut generator(0, 0, 0), 0.3, 20_000).sum::<f32>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }
}
