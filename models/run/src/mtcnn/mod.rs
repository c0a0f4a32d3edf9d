//! MTCNN (Zhang et al. 2016): a cascade of three small networks that finds faces and five landmarks.
//!
//! P-Net scores every window of 12 px at steps of 2 px in a pyramid of the frame; R-Net and O-Net score the remaining
//! windows at 24x24 and 48x48 px. Numbers and order follow the reference implementation in `facenet-pytorch`. Its boxes
//! count pixels from 1 and include the last one; here a box has edges, so its `x - 1` is the left edge.

pub(crate) mod candidate;
mod near;
mod proposal;
pub(crate) mod refine;

use self::candidate::{Candidate, Overlap, nms};
use self::near::Near;
use self::proposal::Proposals;
use self::refine::{Border, Shape, Stage};
use super::area::AreaResize;
use super::stretch::Stretch;
use super::{Detector, Recorded, RegionReport, RunError, Session};
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;

pub use emocue_models::bundle::detector::MtcnnSettings;

/// IoU above which the window with the lower score is suppressed, within a pyramid level.
const NMS_LEVEL: f32 = 0.5;
/// The same across levels and after R-Net; after O-Net by the smaller box.
const NMS: f32 = 0.7;
/// Side of P-Net's window, px.
const PNET_SIDE: f32 = 12.0;

/// O-Net's score for a face that is followed.
pub(crate) const FOLLOW_THRESHOLD: f32 = 0.5;

/// R-Net scores many windows per frame; in a batch of four each costs a quarter less, larger batches gain nothing.
const RNET: Shape = Shape { side: 24, batch: 4, extra: 0 };
/// O-Net scores few windows, and gains nothing from a batch. The ten extra values are five landmarks.
pub(crate) const ONET: Shape = Shape { side: 48, batch: 1, extra: 10 };

/// The three networks as ONNX, with luma `0..=255` `[N,1,H,W]` as their input; see [`Mtcnn::load`] for their outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MtcnnNets<B = Vec<u8>> {
    /// Proposal network.
    pub pnet: B,
    /// Refinement network.
    pub rnet: B,
    /// Output network.
    pub onet: B,
}

/// The cascade, ready to search frames. It keeps its working memory from frame to frame.
pub struct Mtcnn {
    settings: MtcnnSettings,
    proposals: Proposals,
    rnet: Stage,
    onet: Stage,
    resize: AreaResize,
    /// Of the frame that was searched last.
    stretch: Stretch,
    candidates: Vec<Candidate>,
}

impl Mtcnn {
    /// Loads R- and O-Net; P-Net is loaded for each frame size with the first frame of that size.
    ///
    /// The graphs must give: P-Net `score` `[N,1,h,w]`, `box` `[N,4,h,w]`; R-Net `score` `[N,1]`, `box` `[N,4]`;
    /// O-Net the same and `landmarks` `[N,10]`, five x then five y. A box is the shift of left, top, right and
    /// bottom in widths and heights of the window; landmarks are relative to it.
    ///
    /// # Errors
    /// [`RunError`] when a graph cannot be loaded or a setting is out of range.
    pub fn load<B: AsRef<[u8]>>(
        nets: &MtcnnNets<B>,
        settings: MtcnnSettings,
    ) -> Result<Self, RunError> {
        if let Some(problem) = settings.problem() {
            let reason = problem.to_owned();
            return Err(RunError { model: "mtcnn".into(), what: "bad settings", reason });
        }
        Ok(Self {
            settings,
            proposals: Proposals::new(nets.pnet.as_ref().to_vec()),
            rnet: Stage::load("rnet", nets.rnet.as_ref(), RNET, Border::Stretched)?,
            onet: Stage::load("onet", nets.onet.as_ref(), ONET, Border::Stretched)?,
            resize: AreaResize::default(),
            stretch: Stretch::NONE,
            candidates: Vec::new(),
        })
    }

    /// The settings in use.
    pub fn settings(&self) -> MtcnnSettings {
        self.settings
    }

    /// Each network's inputs while the cascade searches `frame`, for calibration.
    ///
    /// # Errors
    /// [`RunError`] when a network fails.
    pub fn inputs(&mut self, frame: &Luma) -> Result<MtcnnNets<Vec<Recorded>>, RunError> {
        let MtcnnSettings { min_face, factor, .. } = self.settings;
        self.proposals.fit(frame.width(), frame.height(), min_face, factor)?;
        self.proposals.sessions().for_each(Session::record);
        self.rnet.session().record();
        self.onet.session().record();
        self.detect(frame, &mut Vec::new())?;
        Ok(MtcnnNets {
            pnet: self.proposals.sessions().flat_map(Session::take_recorded).collect(),
            rnet: self.rnet.session().take_recorded(),
            onet: self.onet.session().take_recorded(),
        })
    }

    /// Collects the windows that P-Net accepts.
    fn propose(&mut self, frame: &Luma, near: &Near<'_>) -> Result<(), RunError> {
        let MtcnnSettings { min_face, factor, .. } = self.settings;
        self.proposals.fit(frame.width(), frame.height(), min_face, factor)?;
        let Self { proposals, resize, stretch, candidates, .. } = self;
        proposals.run(frame, near, resize, stretch, candidates)?;
        for candidate in &mut self.candidates {
            candidate.regress_proposal();
            candidate.square();
        }
        Ok(())
    }

    /// Scores and regresses the windows by R-Net.
    fn refine(&mut self, frame: &Luma, near: &Near<'_>) -> Result<(), RunError> {
        let Self { rnet, resize, stretch, candidates, .. } = self;
        let threshold = |window: &Candidate| near.threshold(1, window);
        rnet.run(frame, threshold, resize, *stretch, candidates, |_, _| ())?;
        nms(&mut self.candidates, NMS, Overlap::Union);
        for candidate in &mut self.candidates {
            candidate.regress();
            candidate.square();
        }
        Ok(())
    }

    /// Scores and regresses the windows by O-Net, which also gives landmarks. `threshold` is the score that each needs.
    fn finish(
        &mut self,
        frame: &Luma,
        threshold: impl Fn(&Candidate) -> f32,
    ) -> Result<impl Iterator<Item = Face>, RunError> {
        let Self { onet, resize, stretch, candidates, .. } = self;
        onet.run(frame, threshold, resize, *stretch, candidates, |candidate, values| {
            candidate.landmarks = Some(decode_landmarks(candidate, values));
        })?;
        for candidate in candidates.iter_mut() {
            candidate.regress();
        }
        nms(candidates, NMS, Overlap::Smaller);
        Ok(candidates.iter().map(|candidate| Face {
            rect: candidate.rect(),
            score: candidate.score,
            landmarks: candidate.landmarks,
        }))
    }
}

impl Detector for Mtcnn {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        self.detect_near(frame, &[], faces)
    }

    fn detect_near(
        &mut self,
        frame: &Luma,
        known: &[Rect],
        faces: &mut Vec<Face>,
    ) -> Result<(), RunError> {
        faces.clear();
        self.candidates.clear();
        let near = Near::new(known, self.settings.thresholds);
        self.propose(frame, &near)?;
        self.refine(frame, &near)?;
        faces.extend(self.finish(frame, |window| near.threshold(2, window))?);
        faces.sort_unstable_by(|a, b| b.rect.area().total_cmp(&a.rect.area()));
        Ok(())
    }

    fn regions(&self) -> Vec<(&str, &RegionReport)> {
        let stages = [&self.rnet, &self.onet].into_iter();
        stages.flat_map(|stage| stage.session().named_regions()).collect()
    }

    fn can_follow(&self) -> bool {
        true
    }

    fn follow(&mut self, frame: &Luma, expected: &Rect, _: f32) -> Result<Option<Face>, RunError> {
        let mut window = Candidate::at(expected);
        window.square();
        self.candidates.clear();
        self.candidates.push(window);
        Ok(self.finish(frame, |_| FOLLOW_THRESHOLD)?.next())
    }
}

/// Five x and five y, in widths and heights of O-Net's window.
pub(crate) fn decode_landmarks(window: &Candidate, values: &[f32]) -> Landmarks {
    let rect = window.rect();
    Landmarks::from_points(std::array::from_fn(|i| {
        Point::new(rect.x + rect.width * values[i], rect.y + rect.height * values[i + 5])
    }))
}
