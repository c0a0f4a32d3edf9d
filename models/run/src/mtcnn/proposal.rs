//! P-Net over a pyramid of the frame.

use super::candidate::{Candidate, Overlap, nms, nms_from};
use super::{NMS, NMS_LEVEL, PNET_SIDE};
use crate::area::{AreaResize, Window};
use crate::{RunError, Session};
use emocue_models::luma::Luma;

/// P-Net's step between windows, px.
const STRIDE: f32 = 2.0;

/// One size of the frame and P-Net for it.
struct Level {
    /// Level px per frame px.
    scale: f32,
    width: usize,
    session: Session,
}

/// The pyramid for one frame size; rebuilt when the size changes.
pub(super) struct Proposals {
    onnx: Vec<u8>,
    size: (usize, usize),
    levels: Vec<Level>,
}

impl Proposals {
    /// A pyramid without levels.
    pub(super) fn new(onnx: Vec<u8>) -> Self {
        Self { onnx, size: (0, 0), levels: Vec::new() }
    }

    /// Builds the levels for frames of this size, unless they stand.
    pub(super) fn fit(
        &mut self,
        width: usize,
        height: usize,
        min_face: f32,
        factor: f32,
    ) -> Result<(), RunError> {
        if self.size == (width, height) {
            return Ok(());
        }
        self.levels.clear();
        for scale in scales(width.min(height) as f32, min_face, factor) {
            let [w, h] = [width, height].map(|side| (side as f32 * scale + 1.0) as usize);
            let session = Session::load("pnet", &self.onnx, &[1, 1, h, w])?;
            self.levels.push(Level { scale, width: w, session });
        }
        // Only now, so that a failure is not taken for a pyramid.
        self.size = (width, height);
        Ok(())
    }

    /// P-Net for each level, to watch it.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.levels.iter().map(|level| &level.session)
    }

    /// Collects the windows of all levels that score at least `threshold`, best first, overlaps suppressed.
    pub(super) fn run(
        &self,
        frame: &Luma,
        threshold: f32,
        resize: &mut AreaResize,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), RunError> {
        for level in &self.levels {
            let start = candidates.len();
            let outputs = level
                .session
                .run(|input| resize.run(frame, Window::whole(frame), level.width, input))?;
            let columns = cells(level.width);
            decode(outputs.get(0)?, outputs.get(1)?, columns, threshold, level.scale, candidates)?;
            nms_from(candidates, start, NMS_LEVEL, Overlap::Union);
        }
        nms(candidates, NMS, Overlap::Union);
        Ok(())
    }
}

/// From the smallest face to the largest: the factors by which the frame shrinks so that such a face fills
/// P-Net's window, as long as the frame's shorter side still does.
fn scales(shorter: f32, min_face: f32, factor: f32) -> impl Iterator<Item = f32> {
    let first = PNET_SIDE / min_face;
    std::iter::successors(Some(first), move |scale| Some(scale * factor))
        .take_while(move |scale| shorter * scale >= PNET_SIDE)
}

/// Windows across a level of `side` px: 3x3 convolution, 2x2 pool with a ragged end, two more 3x3.
fn cells(side: usize) -> usize {
    (side - 2).div_ceil(2) - 4
}

/// Turns the cells of one level that score at least `threshold` into windows of the frame.
fn decode(
    scores: &[f32],
    shifts: &[f32],
    columns: usize,
    threshold: f32,
    scale: f32,
    candidates: &mut Vec<Candidate>,
) -> Result<(), RunError> {
    let cells = scores.len();
    if !cells.is_multiple_of(columns) || shifts.len() != 4 * cells {
        let reason = format!("{cells} scores and {} shifts", shifts.len());
        return Err(RunError { model: "pnet".into(), what: "unexpected outputs", reason });
    }
    for (cell, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= threshold) {
        let [x, y] = [cell % columns, cell / columns].map(|i| i as f32 * STRIDE);
        let near = |v: f32| ((v + 1.0) / scale).floor() - 1.0;
        let far = |v: f32| ((v + PNET_SIDE) / scale).floor();
        candidates.push(Candidate {
            left: near(x),
            top: near(y),
            right: far(x),
            bottom: far(y),
            score,
            shift: std::array::from_fn(|i| shifts[i * cells + cell]),
            tag: 0,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pyramid_reaches_from_the_smallest_face_to_the_frame() {
        let scales: Vec<f32> = scales(480.0, 40.0, 0.5).collect();
        assert_eq!(scales, [0.3, 0.15, 0.075, 0.0375]);
        assert_eq!(super::scales(30.0, 40.0, 0.5).count(), 0);
    }

    #[test]
    fn a_cell_becomes_the_window_it_saw() {
        let (scores, mut shifts) = ([0.1, 0.9], [0.0; 8]);
        shifts[3] = 0.25;
        let mut candidates = Vec::new();
        decode(&scores, &shifts, 2, 0.6, 0.5, &mut candidates).unwrap();
        let found = candidates[0];
        assert_eq!(candidates.len(), 1);
        assert_eq!((found.left, found.top, found.right, found.bottom), (5.0, 1.0, 28.0, 24.0));
        assert_eq!(found.shift, [0.0, 0.25, 0.0, 0.0]);
        assert!(decode(&scores, &shifts[..7], 2, 0.6, 0.5, &mut candidates).is_err());
    }
}
