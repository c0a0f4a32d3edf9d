//! The layout of square pictures in an array.

use emocue_models::luma::luma_of_rgb;

use super::{Problem, at_row};
use crate::npy::Array;

/// Allowed sides of a picture, px.
const SIDES: std::ops::RangeInclusive<usize> = 8..=1024;

/// The values of black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// 0 and 1.
    Unit,
    /// 0 and 255.
    Byte,
}

/// Square pictures in an array; strides are in elements.
pub(super) struct View {
    /// Width and height, px.
    pub(super) side: usize,
    channels: usize,
    picture_step: usize,
    y_step: usize,
    x_step: usize,
    channel_step: usize,
}

impl View {
    /// The first interpretation of the shape as `count` square pictures.
    pub(super) fn of(array: &Array, count: usize) -> Result<Self, Problem> {
        let (shape, strides) = (&array.shape[..], array.strides());
        // Axes of picture, y, x and channel; flattened pictures have one axis for y and x.
        let readings: &[[Option<usize>; 4]] = match shape.len() {
            2 => &[[Some(0), None, Some(1), None], [Some(1), None, Some(0), None]],
            3 => &[[Some(0), Some(1), Some(2), None], [Some(2), Some(0), Some(1), None]],
            4 => &[[Some(0), Some(1), Some(2), Some(3)], [Some(0), Some(2), Some(3), Some(1)]],
            _ => &[],
        };
        let view = |[picture, y, x, channel]: &[Option<usize>; 4]| {
            let length = |axis: &Option<usize>| axis.map_or(1, |axis| shape[axis]);
            let step = |axis: &Option<usize>| axis.map_or(0, |axis| strides[axis]);
            let side = if y.is_some() { length(x) } else { length(x).isqrt() };
            let is_square = if y.is_some() { length(y) == side } else { length(x) == side * side };
            let fits = is_square && SIDES.contains(&side) && matches!(length(channel), 1 | 3);
            let y_step = if y.is_some() { step(y) } else { side * step(x) };
            let view = Self {
                side,
                channels: length(channel),
                picture_step: step(picture),
                y_step,
                x_step: step(x),
                channel_step: step(channel),
            };
            fits.then_some((length(picture), view))
        };
        let readings: Vec<(usize, Self)> = readings.iter().filter_map(view).collect();
        let pictures = readings.iter().map(|(pictures, _)| *pictures).next();
        match (readings.into_iter().find(|(pictures, _)| *pictures == count), pictures) {
            (Some((_, view)), _) => Ok(view),
            (None, Some(pictures)) => Err(format!("{pictures} pictures for {count} labels").into()),
            (None, None) => Err(format!("shape {shape:?} holds no square pictures").into()),
        }
    }

    /// The values of black and white in the whole array.
    pub(super) fn range(&self, array: &Array) -> Result<Range, Problem> {
        let mut most = 0.0;
        for index in 0..array.len() {
            let value = array.number(index);
            if !(0.0..=255.0).contains(&value) {
                let row = index / self.picture_step.max(1);
                let what = format!("a pixel is {value}, expected 0 to 255 or 0 to 1");
                // With the pictures along the last axis, a picture's values are not contiguous.
                return Err(if self.picture_step > self.x_step {
                    at_row(row, what)
                } else {
                    what.into()
                });
            }
            most = f64::max(most, value);
        }
        match (array.is_float(), most <= 1.0) {
            (true, true) => Ok(Range::Unit),
            (false, true) => {
                Err("no pixel is above 1: truth values are not pictures".to_owned().into())
            }
            (_, false) => Ok(Range::Byte),
        }
    }

    /// Picture `index` as luma.
    pub(super) fn picture(&self, array: &Array, index: usize, range: Range) -> Vec<u8> {
        let white = if range == Range::Unit { 255.0 } else { 1.0 };
        let value = |at: usize| (array.number(at) * white).round() as u8;
        let pixel = |i: usize| {
            let (y, x) = (i / self.side, i % self.side);
            let at = index * self.picture_step + y * self.y_step + x * self.x_step;
            match self.channels {
                3 => luma_of_rgb([0, 1, 2].map(|channel| value(at + channel * self.channel_step))),
                _ => value(at),
            }
        };
        (0..self.side * self.side).map(pixel).collect()
    }
}
