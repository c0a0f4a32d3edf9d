//! R-Net and O-Net: one network over windows cut from the frame.

use super::candidate::Candidate;
use crate::area::{AreaResize, PaddedWindow, Window};
use crate::stretch::Stretch;
use crate::{RunError, Session};
use emocue_models::luma::Luma;

/// Input and output sizes of a network for windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Sides of its input, px.
    pub side: usize,
    /// Windows in one run; the last run may be partly empty.
    pub batch: usize,
    /// Values that each window gets in a third output, besides score and shift; 0 where there is none.
    pub extra: usize,
}

/// What a network sees of a window that reaches past the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Border {
    /// The part inside, stretched, as MTCNN's reference does. Landmarks and shifts are misplaced there.
    Stretched,
    /// The frame's border, repeated.
    Repeated,
}

/// A network that scores windows of one size.
pub(crate) struct Stage {
    name: &'static str,
    shape: Shape,
    border: Border,
    session: Session,
}

impl Stage {
    /// Loads a network.
    pub(crate) fn load(
        name: &'static str,
        onnx: &[u8],
        shape: Shape,
        border: Border,
    ) -> Result<Self, RunError> {
        let session = Session::load(name, onnx, &[shape.batch, 1, shape.side, shape.side])?;
        Ok(Self { name, shape, border, session })
    }

    /// The network's session, to record its inputs.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// Keeps the candidates that the network scores above their `threshold`, with its score and shift. `passed` gets
    /// each of them, not moved yet, with its extra values.
    pub(crate) fn run(
        &self,
        frame: &Luma,
        threshold: impl Fn(&Candidate) -> f32,
        resize: &mut AreaResize,
        stretch: Stretch,
        candidates: &mut Vec<Candidate>,
        mut passed: impl FnMut(&mut Candidate, &[f32]),
    ) -> Result<(), RunError> {
        let Shape { side, batch, extra } = self.shape;
        candidates.retain(|candidate| inside(candidate, frame).is_some());
        let mut kept = 0;
        for start in (0..candidates.len()).step_by(batch) {
            let end = candidates.len().min(start + batch);
            let outputs = self.session.run(|input| {
                let slots = input.chunks_exact_mut(side * side);
                for (slot, candidate) in slots.zip(&candidates[start..end]) {
                    if let Some(inside) = inside(candidate, frame) {
                        match self.border {
                            Border::Stretched => resize.run(frame, inside, side, slot),
                            Border::Repeated => {
                                let (x, y) = (
                                    (candidate.left, candidate.right),
                                    (candidate.top, candidate.bottom),
                                );
                                let window = PaddedWindow { x, y, inside };
                                resize.run_padded(frame, window, side, slot);
                            }
                        }
                        stretch.apply(slot);
                    }
                }
            })?;
            let scores = self.exactly(outputs.get(0)?, batch)?;
            let shifts = self.exactly(outputs.get(1)?, batch * 4)?;
            let extras = match extra {
                0 => &[],
                _ => self.exactly(outputs.get(2)?, batch * extra)?,
            };
            for i in 0..end - start {
                if scores[i] > threshold(&candidates[start + i]) {
                    let mut candidate = candidates[start + i];
                    candidate.score = scores[i];
                    candidate.shift.copy_from_slice(&shifts[i * 4..][..4]);
                    passed(&mut candidate, &extras[i * extra..][..extra]);
                    candidates[kept] = candidate;
                    kept += 1;
                }
            }
        }
        candidates.truncate(kept);
        Ok(())
    }

    fn exactly<'a>(&self, values: &'a [f32], count: usize) -> Result<&'a [f32], RunError> {
        if values.len() == count {
            return Ok(values);
        }
        let reason = format!("{} values where {count} are due", values.len());
        Err(RunError { model: self.name.into(), what: "unexpected outputs", reason })
    }
}

/// The part of a candidate that lies in the frame, in whole px; `None` when nothing is left.
fn inside(candidate: &Candidate, frame: &Luma) -> Option<Window> {
    let clip = |near: f32, far: f32, side: usize| {
        let near = near.floor().max(0.0) as usize;
        let far = far.floor().clamp(0.0, side as f32) as usize;
        (far > near).then(|| (near, far - near))
    };
    let (x, width) = clip(candidate.left, candidate.right, frame.width())?;
    let (y, height) = clip(candidate.top, candidate.bottom, frame.height())?;
    Some(Window { x, y, width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_clipped_to_the_frame() {
        let frame = Luma::new(10, 8);
        let at = |left, top, right, bottom| {
            inside(&Candidate { left, top, right, bottom, ..Candidate::default() }, &frame)
        };
        let window = |x, y, width, height| Some(Window { x, y, width, height });
        assert_eq!(at(1.7, 2.2, 5.9, 6.0), window(1, 2, 4, 4));
        assert_eq!(at(-3.0, -1.0, 30.0, 3.5), window(0, 0, 10, 3));
        assert_eq!(at(-9.0, 0.0, -1.0, 8.0), None);
        assert_eq!(at(10.0, 0.0, 20.0, 8.0), None);
        assert_eq!(at(f32::NAN, 0.0, f32::NAN, 8.0), None);
    }
}
