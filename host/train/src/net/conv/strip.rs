//! Pictures laid out so that a tap of the kernel is an offset.
//!
//! Each channel is one strip: a block of pictures below one another, with every row padded with zeros. The zeros at the
//! end of a row are also the padding at the beginning of the next. With a stride, a strip has every stride-th row and
//! column, and there is one for each phase.

use super::kernel::LANES;

/// One axis of a strip, in positions of one phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Samples of the picture.
    pub(super) size: usize,
    /// Zeros before them.
    pub(super) lead: usize,
    /// Number of phases.
    pub(super) stride: usize,
    /// Distance from one row or picture to the next.
    pub(super) pitch: usize,
    /// Largest shift that is read.
    pub(super) reach: usize,
}

impl Axis {
    /// For `outputs` positions that each read `taps` samples of a phase.
    pub(super) fn new(
        size: usize,
        lead: usize,
        stride: usize,
        outputs: usize,
        taps: usize,
    ) -> Self {
        let end = (lead + size - 1) / stride + 1;
        let extent = end.max(outputs + taps - 1);
        let shared = (lead / stride).min(extent - end);
        Self { size, lead, stride, pitch: outputs.max(extent - shared), reach: taps - 1 }
    }

    /// Phase of a kernel's tap and its shift in there.
    pub(super) fn tap(&self, tap: usize) -> (usize, usize) {
        (tap % self.stride, tap / self.stride)
    }
}

/// A block of pictures in strips.
pub(super) struct Strip {
    rows: Axis,
    columns: Axis,
    channels: usize,
    /// Distance from one channel's strip to the next, in `f32`.
    pub(super) pitch: usize,
    /// `[row phases, column phases, channels, pitch]`.
    pub(super) data: Vec<f32>,
}

impl Strip {
    /// Zeros for up to `images` pictures.
    pub(super) fn new(rows: Axis, columns: Axis, channels: usize, images: usize) -> Self {
        let len = images * rows.pitch * columns.pitch;
        // The last vector of the last picture reads this far.
        let pitch = len + rows.reach * columns.pitch + columns.reach + LANES;
        let data = vec![0.0; rows.stride * columns.stride * channels * pitch];
        Self { rows, columns, channels, pitch, data }
    }

    /// Positions of `images` pictures.
    pub(super) fn len(&self, images: usize) -> usize {
        images * self.rows.pitch * self.columns.pitch
    }

    /// Index of position 0 of `channel` in a phase, shifted by rows and columns.
    pub(super) fn offset(
        &self,
        channel: usize,
        row: (usize, usize),
        column: (usize, usize),
    ) -> usize {
        let phase = row.0 * self.columns.stride + column.0;
        (phase * self.channels + channel) * self.pitch + row.1 * self.columns.pitch + column.1
    }

    /// Fills the strips from `pictures`, `[images, channels, height, width]`.
    pub(super) fn fill(&mut self, pictures: &[f32]) {
        let (height, width) = (self.rows.size, self.columns.size);
        for (plane, picture) in pictures.chunks_exact(height * width).enumerate() {
            let (image, channel) = (plane / self.channels, plane % self.channels);
            for (y, row) in picture.chunks_exact(width).enumerate() {
                let (phase, y) = self.rows.tap(y + self.rows.lead);
                self.fill_row((phase, image * self.rows.pitch + y), channel, row);
            }
        }
    }

    fn fill_row(&mut self, at: (usize, usize), channel: usize, row: &[f32]) {
        let columns = self.columns;
        if columns.stride == 1 {
            let start = self.offset(channel, at, (0, columns.lead));
            self.data[start..][..row.len()].copy_from_slice(row);
            return;
        }
        for first in 0..columns.stride.min(row.len()) {
            let start = self.offset(channel, at, columns.tap(first + columns.lead));
            let samples = row[first..].iter().step_by(columns.stride);
            for (to, from) in self.data[start..].iter_mut().zip(samples) {
                *to = *from;
            }
        }
    }
}

/// Which samples of a picture the positions along one axis are: `position * stride + first`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lattice {
    pub(super) first: isize,
    pub(super) stride: usize,
    /// Samples of the picture.
    pub(super) size: usize,
}

impl Lattice {
    /// Positions whose sample is in the picture, the first with its sample.
    fn inside(&self) -> (usize, usize, usize) {
        let skip = (-self.first).max(0).unsigned_abs().div_ceil(self.stride);
        let sample = (skip * self.stride).wrapping_add_signed(self.first);
        (skip, sample, self.size.saturating_sub(sample).div_ceil(self.stride))
    }
}

/// Copies one channel's results out of its strip: `strip` starts at the picture's position 0, its
/// rows are `pitch` apart, `picture` is `[rows.size, columns.size]`.
pub(super) fn take(
    strip: &[f32],
    pitch: usize,
    rows: Lattice,
    columns: Lattice,
    picture: &mut [f32],
) {
    let (skip_rows, first_row, count_rows) = rows.inside();
    let (skip, first, count) = columns.inside();
    if count == 0 {
        return;
    }
    for row in 0..count_rows {
        let from = &strip[(skip_rows + row) * pitch + skip..][..count];
        let to = &mut picture[(first_row + row * rows.stride) * columns.size..][..columns.size];
        if columns.stride == 1 {
            to[first..first + count].copy_from_slice(from);
        } else {
            for (to, from) in to[first..].iter_mut().step_by(columns.stride).zip(from) {
                *to = *from;
            }
        }
    }
}
