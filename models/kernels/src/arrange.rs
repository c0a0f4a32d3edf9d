//! Layers that move values and change none: concatenation and nearest-neighbour upsampling.

use crate::error::KernelError;
use crate::layout::{LANES, Planes, Shape, check_count};

/// Concatenates the inputs along the channels. All but the last have whole blocks of 16 channels, and all have the
/// output's zero point; their scales must be the same too; [`crate::Pointwise`] converts others.
///
/// # Errors
/// When a shape or zero point does not fit; then `out` is as it was.
pub fn concat(inputs: &[&Planes], out: &mut Planes) -> Result<(), KernelError> {
    let shape = out.shape();
    let mut channels = 0_usize;
    for (index, input) in inputs.iter().enumerate() {
        let expected = Shape { channels: input.shape().channels, ..shape };
        input.check("input of a concatenation", expected, out.zero_point())?;
        if index + 1 < inputs.len() && !expected.channels.is_multiple_of(LANES) {
            let whole = expected.blocks() * LANES;
            check_count("channels of an input that others follow", whole, expected.channels)?;
        }
        channels = channels.saturating_add(expected.channels);
    }
    check_count("channels of all inputs", shape.channels, channels)?;
    let blocks = inputs.iter().flat_map(|x| (0..x.shape().blocks()).map(move |block| (x, block)));
    for (to, (input, block)) in blocks.enumerate() {
        for y in 0..shape.height {
            out.row_mut(to, y).copy_from_slice(input.row(block, y));
        }
    }
    Ok(())
}

/// Repeats each value `factors` times, `[down, right]`, up to the size of the output.
///
/// # Errors
/// When the output is not a whole multiple of the input, or its zero point is another; then it is as it was.
pub fn upsample(x: &Planes, factors: [usize; 2], out: &mut Planes) -> Result<(), KernelError> {
    let input = x.shape();
    let [down, right] = factors;
    let (height, width) = (input.height.checked_mul(down), input.width.checked_mul(right));
    let expected =
        Shape { height: height.unwrap_or(usize::MAX), width: width.unwrap_or(usize::MAX), ..input };
    out.check("output", expected, x.zero_point())?;
    for block in 0..input.blocks() {
        for y in 0..expected.height {
            let row = x.row(block, y / down);
            for (pixels, pixel) in out.row_mut(block, y).chunks_exact_mut(right).zip(row) {
                pixels.fill(*pixel);
            }
        }
    }
    Ok(())
}
