//! R-Net and O-Net: one network over windows cut from the frame.

use super::area::{AreaResize, Window};
use super::candidate::Candidate;
use crate::luma::Luma;
use crate::run::{RunError, Session};

/// A network that judges windows of one size.
pub(super) struct Stage {
    name: &'static str,
    /// Sides of the network's input, px.
    side: usize,
    /// Values that each window gets besides score and shift.
    extra: usize,
    session: Session,
}

impl Stage {
    /// Loads a network for windows of `side` x `side` px, whose third output, unless `extra` is 0, has `extra`
    /// values for each window.
    pub(super) fn load(
        name: &'static str,
        onnx: &[u8],
        side: usize,
        extra: usize,
    ) -> Result<Self, RunError> {
        let session = Session::load(name, onnx, &[1, 1, side, side])?;
        Ok(Self { name, side, extra, session })
    }

    /// Keeps the candidates that the network scores above `threshold`, with its score and shift. `passed` sees
    /// each, still where the network saw it, with its extra values.
    pub(super) fn run(
        &self,
        frame: &Luma,
        threshold: f32,
        resize: &mut AreaResize,
        candidates: &mut Vec<Candidate>,
        mut passed: impl FnMut(&mut Candidate, &[f32]),
    ) -> Result<(), RunError> {
        let mut kept = 0;
        for i in 0..candidates.len() {
            let mut candidate = candidates[i];
            let Some(window) = inside(&candidate, frame) else { continue };
            let outputs = self.session.run(|input| resize.run(frame, window, self.side, input))?;
            let score = self.exactly(outputs.get(0)?, 1)?[0];
            if score > threshold {
                candidate.score = score;
                candidate.shift.copy_from_slice(self.exactly(outputs.get(1)?, 4)?);
                let extra = match self.extra {
                    0 => &[],
                    count => self.exactly(outputs.get(2)?, count)?,
                };
                passed(&mut candidate, extra);
                candidates[kept] = candidate;
                kept += 1;
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
