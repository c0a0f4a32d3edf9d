//! Colours from luma and chroma (ITU-R BT.601).

use emocue_models::colors::Colors;
use emocue_models::luma::{Luma, Range};

/// How many px a sample of chroma covers, horizontally and vertically.
pub(super) type Step = [usize; 2];

/// Chroma around 0 of a sample, `0..=255`, in full range.
fn centred(sample: u8, range: Range) -> f32 {
    let gain = if range == Range::Limited { 255.0 / 224.0 } else { 1.0 };
    (f32::from(sample) - 128.0) * gain
}

/// Writes the colours of a frame: `luma` is in full range, `chroma` returns Cb and Cr, in `range`, for a column and a
/// row of samples, of which each covers `step` px.
pub(super) fn fill(
    colors: &mut Colors,
    luma: &Luma,
    range: Range,
    step: Step,
    chroma: impl Fn(usize, usize) -> [u8; 2],
) {
    let (width, height) = (luma.width(), luma.height());
    let pixels = luma.pixels().iter().enumerate().map(|(index, y)| {
        let (column, row) = (index % width, index / width);
        let [cb, cr] = chroma(column / step[0], row / step[1]).map(|it| centred(it, range));
        let y = f32::from(*y);
        // The conversion saturates.
        [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
            .map(|value| value.round() as u8)
    });
    colors.fill(width, height, pixels);
}
