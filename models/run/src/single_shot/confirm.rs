//! MTCNN's O-Net as a second stage for faces that another network found.

use emocue_models::geometry::{Face, Landmarks, Rect};
use emocue_models::luma::Luma;

use super::{Found, SingleShotSettings};
use crate::area::AreaResize;
use crate::mtcnn::candidate::Candidate;
use crate::mtcnn::refine::{Border, Stage};
use crate::mtcnn::{FOLLOW_THRESHOLD, ONET, decode_landmarks};
use crate::stretch::Stretch;
use crate::{RunError, Session};

/// O-Net and its working memory.
pub(super) struct Confirm {
    onet: Stage,
    candidates: Vec<Candidate>,
}

impl Confirm {
    /// # Errors
    /// [`RunError`] when the graph cannot be loaded.
    pub(super) fn load(onnx: &[u8]) -> Result<Self, RunError> {
        let mut net = Self {
            onet: Stage::load("onet", onnx, ONET, Border::Repeated)?,
            candidates: Vec::new(),
        };
        // Runs the graph, whose outputs are checked.
        let side = ONET.side;
        let whole = Rect::new(0.0, 0.0, side as f32, side as f32);
        net.follow(&Luma::new(side, side), &mut AreaResize::default(), Stretch::NONE, &whole)?;
        Ok(net)
    }

    pub(super) fn session(&self) -> &Session {
        self.onet.session()
    }

    /// Accepts the doubtful faces that O-Net scores above their `threshold`. Those, and the accepted ones that it sees
    /// too, get its landmarks and a higher score; the others are not changed. Below `settings.maybe` nothing is
    /// accepted.
    pub(super) fn run(
        &mut self,
        frame: &Luma,
        resize: &mut AreaResize,
        stretch: Stretch,
        found: &mut [Found],
        threshold: impl Fn(&Rect) -> f32,
        settings: SingleShotSettings,
    ) -> Result<(), RunError> {
        let Self { onet, candidates } = self;
        candidates.clear();
        candidates.extend(found.iter().enumerate().map(|(index, it)| window(&it.face.rect, index)));
        // The window is the face's box squared, so the box itself says what is near.
        let needed: &[Found] = found;
        let threshold = |candidate: &Candidate| match needed[candidate.tag] {
            Found { accepted: true, .. } => FOLLOW_THRESHOLD,
            Found { face, .. } => threshold(&face.rect),
        };
        onet.run(frame, threshold, resize, stretch, candidates, |candidate, values| {
            candidate.landmarks = Some(decode_landmarks(candidate, values));
        })?;
        for candidate in candidates {
            let it = &mut found[candidate.tag];
            it.accepted |= it.face.score >= settings.maybe;
            it.face.landmarks = candidate.landmarks;
            it.face.score = settings.confirmed(it.face.score);
        }
        Ok(())
    }

    /// Finds one face again that is expected at `expected`.
    pub(super) fn follow(
        &mut self,
        frame: &Luma,
        resize: &mut AreaResize,
        stretch: Stretch,
        expected: &Rect,
    ) -> Result<Option<Face>, RunError> {
        Ok(self.look(frame, resize, stretch, expected, FOLLOW_THRESHOLD)?.map(|mut candidate| {
            candidate.regress();
            let Candidate { score, landmarks, .. } = candidate;
            Face { rect: candidate.rect(), score, landmarks }
        }))
    }

    /// O-Net's result for the window around `expected`; `None` if its score is not above `threshold`.
    fn look(
        &mut self,
        frame: &Luma,
        resize: &mut AreaResize,
        stretch: Stretch,
        expected: &Rect,
        threshold: f32,
    ) -> Result<Option<Candidate>, RunError> {
        let Self { onet, candidates } = self;
        candidates.clear();
        candidates.push(window(expected, 0));
        onet.run(
            frame,
            |_| threshold,
            resize,
            stretch,
            candidates,
            |candidate, values| {
                candidate.landmarks = Some(decode_landmarks(candidate, values));
            },
        )?;
        Ok(candidates.first().copied())
    }

    /// O-Net's score and landmarks of a face that stands upright at `rect`; `None` where nothing of it is in the frame.
    pub(super) fn judge(
        &mut self,
        frame: &Luma,
        resize: &mut AreaResize,
        stretch: Stretch,
        rect: &Rect,
    ) -> Result<Option<(f32, Option<Landmarks>)>, RunError> {
        let seen = self.look(frame, resize, stretch, rect, f32::NEG_INFINITY)?;
        Ok(seen.map(|candidate| (candidate.score, candidate.landmarks)))
    }
}

fn window(rect: &Rect, tag: usize) -> Candidate {
    let mut window = Candidate { tag, ..Candidate::at(rect) };
    window.square();
    window
}
