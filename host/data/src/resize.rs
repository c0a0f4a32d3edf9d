//! Resizing of pictures with the badge's resampling.

use emocue_models::geometry::Rect;
use emocue_models::luma::Luma;
use emocue_models::resample::{Resampler, Similarity};

/// Resizes a square of `from * from` px to `to * to` px; unchanged when the sides are equal.
///
/// # Panics
/// When `pixels` does not have `from * from` values.
pub fn scaled(pixels: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut source = Luma::new(from, from);
    source.pixels_mut().copy_from_slice(pixels);
    cut(&source, &Rect::new(0.0, 0.0, from as f32, from as f32), to)
}

/// The square of `picture` about the centre of `rect`, of its longer side, resized to `to * to` px.
pub fn cut(picture: &Luma, rect: &Rect, to: usize) -> Vec<u8> {
    let side = rect.width.max(rect.height);
    let center = rect.center();
    let transform = Similarity {
        a: side / to as f32,
        b: 0.0,
        x: center.x - side / 2.0,
        y: center.y - side / 2.0,
    };
    let mut square = vec![0; to * to];
    Resampler::default().run(picture, transform, to, &mut square);
    square
}
