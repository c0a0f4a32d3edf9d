//! P-Net over a pyramid of the frame.

use super::candidate::{Candidate, Overlap, nms, nms_from};
use super::near::Near;
use super::{NMS, NMS_LEVEL, PNET_SIDE};
use crate::area::{AreaResize, Window};
use crate::stretch::Stretch;
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

    /// Builds the levels for frames of this size, px, unless it was the last size.
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
        let scales: Vec<f32> = scales(width.min(height) as f32, min_face, factor).collect();
        let size = |scale: &f32| [height, width].map(|side| (side as f32 * scale + 1.0) as usize);
        let sizes: Vec<[usize; 2]> = scales.iter().map(size).collect();
        let sessions = Session::load_sizes("pnet", &self.onnx, &sizes)?;
        let levels = scales.into_iter().zip(sizes).zip(sessions);
        self.levels.extend(levels.map(|((scale, [_, width]), session)| Level {
            scale,
            width,
            session,
        }));
        // Set last, so that a failed pyramid is not used.
        self.size = (width, height);
        Ok(())
    }

    /// The sessions of all levels, to record their inputs.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.levels.iter().map(|level| &level.session)
    }

    /// Collects the windows of all levels whose score is enough, best first, overlaps suppressed.
    /// `stretch` becomes that of the largest level.
    pub(super) fn run(
        &self,
        frame: &Luma,
        near: &Near<'_>,
        resize: &mut AreaResize,
        stretch: &mut Stretch,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), RunError> {
        for (number, level) in self.levels.iter().enumerate() {
            let start = candidates.len();
            let outputs = level.session.run(|input| {
                resize.run(frame, Window::whole(frame), level.width, input);
                if number == 0 {
                    *stretch = Stretch::of(input);
                }
                stretch.apply(input);
            })?;
            let columns = cells(level.width);
            let (scores, shifts) = (outputs.get(0)?, outputs.get(1)?);
            decode(scores, shifts, columns, near, level.scale, candidates)?;
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

/// Windows across a level of `side` px: 3x3 convolution, 2x2 pool with a partial last window, two more 3x3.
fn cells(side: usize) -> usize {
    (side - 2).div_ceil(2) - 4
}

/// Turns the cells of one level whose score is enough into windows of the frame.
fn decode(
    scores: &[f32],
    shifts: &[f32],
    columns: usize,
    near: &Near<'_>,
    scale: f32,
    candidates: &mut Vec<Candidate>,
) -> Result<(), RunError> {
    let cells = scores.len();
    if !cells.is_multiple_of(columns) || shifts.len() != 4 * cells {
        let reason = format!("{cells} scores and {} shifts", shifts.len());
        return Err(RunError { model: "pnet".into(), what: "unexpected outputs", reason });
    }
    let least = near.least(0);
    for (cell, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= least) {
        let [x, y] = [cell % columns, cell / columns].map(|i| i as f32 * STRIDE);
        let first = |v: f32| ((v + 1.0) / scale).floor() - 1.0;
        let last = |v: f32| ((v + PNET_SIDE) / scale).floor();
        let candidate = Candidate {
            left: first(x),
            top: first(y),
            right: last(x),
            bottom: last(y),
            score,
            shift: std::array::from_fn(|i| shifts[i * cells + cell]),
            ..Candidate::default()
        };
        if score >= near.threshold(0, &candidate) {
            candidates.push(candidate);
        }
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
        let near = Near::new(&[], [0.6; 3]);
        decode(&scores, &shifts, 2, &near, 0.5, &mut candidates).unwrap();
        let found = candidates[0];
        assert_eq!(candidates.len(), 1);
        assert_eq!((found.left, found.top, found.right, found.bottom), (5.0, 1.0, 28.0, 24.0));
        assert_eq!(found.shift, [0.0, 0.25, 0.0, 0.0]);
        assert!(decode(&scores, &shifts[..7], 2, &near, 0.5, &mut candidates).is_err());
    }
}
