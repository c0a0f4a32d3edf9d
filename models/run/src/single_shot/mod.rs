//! Single-shot detectors without anchors, at strides of 8, 16 and 32 px: YuNet (Wu et al. 2023) and `emocue-face`.
//! MTCNN's O-Net can confirm faces with low scores, and then gives the landmarks.
//!
//! The networks differ only in the layout of their inputs and outputs: `layout.rs` has a table of them.

mod cells;
mod confirm;
mod fit;
mod layout;
mod near;
mod turned;

use self::cells::Level;
use self::confirm::Confirm;
use self::fit::{Fitted, Region};
use self::layout::Layout;
use self::near::Near;
use self::turned::Patch;
use super::area::AreaResize;
use super::mtcnn::ONET;
use super::stretch::Stretch;
use super::{Detector, Recorded, RegionReport, RunError};
pub use emocue_models::bundle::detector::{Outputs, SingleShotSettings};
use emocue_models::geometry::{Face, Point, Rect};
use emocue_models::luma::Luma;

/// px from one cell to the next, for each level.
const STRIDES: [usize; 3] = [8, 16, 32];

/// Most faces of a frame, the best ones: bounds the work in a picture of noise.
const MAX_FACES: usize = 4096;

/// A face that is turned by at most this, degrees, is followed as an upright one.
const UPRIGHT: f32 = 20.0;

/// Name of the network in messages.
const NETWORK: &str = "detector";

/// The detector, ready to search frames. It keeps its working memory from frame to frame.
pub struct SingleShot {
    settings: SingleShotSettings,
    /// Score from which faces are reported, accepted or not; above 1, only accepted ones are.
    from: f32,
    layout: &'static Layout,
    onnx: Vec<u8>,
    fitted: Option<Fitted>,
    /// The network for the region around a known face.
    region: Region,
    confirm: Option<Confirm>,
    resize: AreaResize,
    /// Of the frame that was searched last.
    stretch: Stretch,
    /// A turned part of a frame.
    patch: Patch,
    found: Vec<Found>,
}

/// A face, and whether it is accepted.
#[derive(Clone, Copy, Debug)]
struct Found {
    face: Face,
    /// By its score, or by O-Net.
    accepted: bool,
}

impl SingleShot {
    /// Keeps the graph, and runs it once. `onet` is MTCNN's, see [`crate::mtcnn::Mtcnn::load`].
    ///
    /// # Errors
    /// [`RunError`] when a graph cannot be loaded, has other outputs or a setting is out of range.
    pub fn load(
        onnx: &[u8],
        outputs: Outputs,
        onet: Option<&[u8]>,
        settings: SingleShotSettings,
    ) -> Result<Self, RunError> {
        if let Some(problem) = settings.problem() {
            return Err(error("bad settings", problem.to_owned()));
        }
        let layout = Layout::of(outputs);
        let region = Region::load(onnx)?;
        let confirm = onet.map(Confirm::load).transpose()?;
        let mut net = Self {
            settings,
            from: f32::INFINITY,
            layout,
            onnx: onnx.to_vec(),
            fitted: None,
            region,
            confirm,
            resize: AreaResize::default(),
            stretch: Stretch::NONE,
            patch: Patch::default(),
            found: Vec::new(),
        };
        // Runs the graph, whose outputs are checked.
        let side = fit::REGION_SIDE;
        net.look_near(&Luma::new(side, side), &Rect::new(0.0, 0.0, side as f32, side as f32))?;
        Ok(net)
    }

    /// Also reports faces with a score of at least `score`, `0..=1`. Accepted faces keep their score, which is at least
    /// `sure`, so that a curve over all thresholds contains the detector's own operating point.
    #[must_use]
    pub fn reporting_from(self, score: f32) -> Self {
        Self { from: score, ..self }
    }

    /// The network's input for `frame`, for calibration.
    ///
    /// # Errors
    /// [`RunError`] when the network fails.
    pub fn inputs(&mut self, frame: &Luma) -> Result<Vec<Recorded>, RunError> {
        self.fit((frame.width(), frame.height()))?;
        self.fitted.iter().for_each(|fitted| fitted.session().record());
        self.search(frame, None, 1.0)?;
        Ok(self.fitted.iter().flat_map(|fitted| fitted.session().take_recorded()).collect())
    }

    /// Loads the network for frames of `size` px, unless it was the last size.
    fn fit(&mut self, size: (usize, usize)) -> Result<(), RunError> {
        if self.fitted.as_ref().is_none_or(|fitted| fitted.frame() != size) {
            self.fitted = None;
            self.fitted = Some(Fitted::load(&self.onnx, self.layout, size, &self.settings)?);
        }
        Ok(())
    }

    /// Whether the frame is empty, or not even half as wide or as high as the smallest face to search for.
    fn cannot_hold_a_face(&self, frame: &Luma) -> bool {
        let side = frame.width().min(frame.height());
        side == 0 || (side as f32) < self.settings.min_face / 2.0
    }

    /// Fills `found` with what the network scores at least `least`, best first, overlaps suppressed. `turn` is that of
    /// a turned search, degrees clockwise.
    fn search(&mut self, frame: &Luma, turn: Option<f32>, least: f32) -> Result<(), RunError> {
        self.fit((frame.width(), frame.height()))?;
        let Self { layout, resize, stretch, found, settings, .. } = self;
        let Some(fitted) = &mut self.fitted else { return Ok(()) };
        let (columns, rows) = fitted.padded();
        let scale = fitted.scale();
        let view = turn.map(|degrees| fitted.view(degrees));
        let outputs = fitted.run(frame, layout, resize, stretch, view)?;
        found.clear();
        for level in 0..STRIDES.len() {
            let level = Level::read(&outputs, layout, level, columns, rows)?;
            level.decode(least, |face| {
                let face = match view {
                    Some(view) => view.face(&face, scale),
                    None => scaled(&face, scale, Point::default()),
                };
                found.push(Found { face, accepted: false });
            });
        }
        suppress(found, settings.overlap);
        Ok(())
    }

    /// Finds a face again that stands upright at `expected`.
    fn follow_upright(&mut self, frame: &Luma, expected: &Rect) -> Result<Option<Face>, RunError> {
        let Self { confirm, resize, stretch, .. } = self;
        if let Some(confirm) = confirm
            && let Some(face) = confirm.follow(frame, resize, *stretch, expected)?
        {
            return Ok(Some(face));
        }
        // Masked and tilted faces, which O-Net misses.
        self.look_near(frame, expected)
    }

    /// Runs the network on the region around a face that is expected at `expected`.
    fn look_near(&mut self, frame: &Luma, expected: &Rect) -> Result<Option<Face>, RunError> {
        let Self { layout, resize, stretch, settings, region, .. } = self;
        let Some(window) = fit::window(frame, expected) else { return Ok(None) };
        let outputs = region.run(frame, window, layout, resize, *stretch)?;
        let side = fit::REGION_SIDE;
        let scale = window.width as f32 / side as f32;
        let offset = Point::new(window.x as f32, window.y as f32);
        let mut best: Option<Face> = None;
        for level in 0..STRIDES.len() {
            let level = Level::read(&outputs, layout, level, side, side)?;
            level.decode(settings.follow(), |face| {
                let face = scaled(&face, Point::new(scale, scale), offset);
                let is_better = best.is_none_or(|best| face.score > best.score);
                if is_better && face.rect.iou(expected) > near::OVERLAP {
                    best = Some(face);
                }
            });
        }
        Ok(best)
    }
}

impl Detector for SingleShot {
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
        if self.cannot_hold_a_face(frame) {
            return Ok(());
        }
        let settings @ SingleShotSettings { sure, maybe, confirm: enough, .. } = self.settings;
        let near = Near::new(known);
        let doubts = self.confirm.is_some() || near.knows_any();
        let least = if doubts { maybe } else { sure };
        self.search(frame, None, least.min(self.from))?;
        let Self { confirm, found, resize, stretch, from, .. } = self;
        found.iter_mut().for_each(|it| {
            let suffices = it.face.score >= maybe && confirm.is_none();
            it.accepted = it.face.score >= sure || suffices && near.is_near(&it.face.rect);
        });
        if let Some(confirm) = confirm {
            let enough = |rect: &Rect| near.confirm(rect, enough);
            confirm.run(frame, resize, *stretch, found, enough, settings)?;
        }
        report(found, *from, faces);
        Ok(())
    }

    fn turns(&self) -> &'static [f32] {
        self.layout.turned.turns
    }

    fn detect_turned(
        &mut self,
        frame: &Luma,
        turn: f32,
        known: &[Rect],
        faces: &mut Vec<Face>,
    ) -> Result<(), RunError> {
        faces.clear();
        if self.cannot_hold_a_face(frame) {
            return Ok(());
        }
        let turned = &self.layout.turned;
        self.search(frame, Some(turn), turned.maybe.min(self.from))?;
        let Self { settings, confirm, found, resize, stretch, patch, from, .. } = self;
        let near = Near::new(known);
        for Found { face, accepted } in found.iter_mut() {
            let cut = patch.cut(frame, &face.rect, turn, 1.0, ONET.side);
            let judged = match confirm.as_mut().zip(cut) {
                Some((confirm, within)) => confirm.judge(&patch.luma, resize, *stretch, &within)?,
                None => None,
            };
            let onet = judged.map(|(score, _)| score);
            let together = turned.together(face.score, onet);
            let least = near.confirm(&face.rect, 1.0);
            let is_known = near.is_near(&face.rect) && onet.is_none_or(|score| score > least);
            *accepted = face.score >= turned.maybe && (together >= turned.sure || is_known);
            if let Some((_, landmarks @ Some(_))) = judged.filter(|_| *accepted) {
                face.landmarks = patch.face(&Face { landmarks, ..*face }).landmarks;
            }
            face.score = turned.as_score(together, settings.sure);
        }
        report(found, *from, faces);
        Ok(())
    }

    fn regions(&self) -> Vec<(&str, &RegionReport)> {
        let fitted = self.fitted.iter().map(Fitted::session);
        let confirm = self.confirm.iter().map(Confirm::session);
        // One of the first two: they run the same graph.
        let network = fitted.chain([self.region.session()]).take(1);
        let sessions = network.chain(confirm);
        sessions.flat_map(super::Session::named_regions).collect()
    }

    fn can_follow(&self) -> bool {
        true
    }

    fn follow(
        &mut self,
        frame: &Luma,
        expected: &Rect,
        roll: f32,
    ) -> Result<Option<Face>, RunError> {
        if roll.is_nan() || roll.abs() <= UPRIGHT {
            return self.follow_upright(frame, expected);
        }
        let mut patch = std::mem::take(&mut self.patch);
        let cut = patch.cut(frame, expected, roll, fit::REGION_FACES, fit::REGION_SIDE);
        let found = match cut {
            Some(within) => self.follow_upright(&patch.luma, &within),
            None => Ok(None),
        };
        let found = found.map(|face| face.map(|face| patch.face(&face)));
        self.patch = patch;
        found
    }
}

/// Adds the accepted faces, and those that score `from` or more, to `faces`, and sorts them, largest first.
fn report(found: &[Found], from: f32, faces: &mut Vec<Face>) {
    let reported = found.iter().filter(|it| it.accepted || it.face.score >= from);
    faces.extend(reported.map(|it| it.face));
    faces.sort_unstable_by(|a, b| b.rect.area().total_cmp(&a.rect.area()));
}

/// Converts a face from px of the network's input to px of the frame.
fn scaled(face: &Face, scale: Point, offset: Point) -> Face {
    let rect = face.rect;
    let place =
        |point: Point| Point::new(point.x * scale.x + offset.x, point.y * scale.y + offset.y);
    let corner = place(Point::new(rect.x, rect.y));
    Face {
        rect: Rect::new(corner.x, corner.y, rect.width * scale.x, rect.height * scale.y),
        landmarks: face
            .landmarks
            .map(|it| emocue_models::geometry::Landmarks::from_points(it.points().map(place))),
        ..*face
    }
}

/// Non-maximum suppression: orders by score, best first, and drops what overlaps a better face by more than `overlap`.
fn suppress(found: &mut Vec<Found>, overlap: f32) {
    // (a stable sort would allocate)
    found.sort_unstable_by(|a, b| b.face.score.total_cmp(&a.face.score));
    found.truncate(MAX_FACES);
    let mut kept = 0;
    for index in 0..found.len() {
        let next = found[index];
        if found[..kept].iter().all(|better| better.face.rect.iou(&next.face.rect) <= overlap) {
            found[kept] = next;
            kept += 1;
        }
    }
    found.truncate(kept);
}

fn error(what: &'static str, reason: String) -> RunError {
    RunError { model: NETWORK.into(), what, reason }
}

#[cfg(test)]
mod tests;
