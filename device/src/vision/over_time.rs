//! Faces over time: some frames are searched, faces are followed in between, and each has a steadied answer of its own.

use std::time::Instant;

use emocue_config::{LookSettings, SteadySettings, Who};
use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;
use emocue_models::steady::Settled;
use emocue_run::turns::{self, Turns};
use emocue_run::{Classifier, Detector, RunError};

use super::chosen::Chosen;
use super::clock::{FrameClock, Passed};
use super::scene::{self, Scene, SceneChange};
use super::shown::{Shown, ShownFace};
use super::track::{Track, size};
use super::tracks::Tracks;
use crate::answer::{Answer, FaceAnswer, FrameReport};
use crate::camera::FrameInfo;

/// Searches per second (Hz) while there is no face.
const IDLE_HZ: f32 = 5.0;
/// Searches per second (Hz) while a face is lost.
const LOST_HZ: f32 = 8.0;
/// Most faces that are followed in a frame; the others are followed in later frames.
const MOST_FOLLOWED: usize = 8;
/// Classifications per second (Hz) of each face that is not shown, and the most of them in one frame.
const OTHERS_HZ: f32 = 2.0;
const MOST_OTHERS: usize = 2;
/// The shown face is classified more often by this factor while its answer may be about to change.
const UNDECIDED: f32 = 2.0;
/// An unsure answer for a face smaller than the first, px, is "too far", until the face is larger than the second
/// (hysteresis).
const FAR: f32 = 44.0;
const NO_LONGER_FAR: f32 = 50.0;

/// A search finds faces whose roll differs from its own turn by up to this, degrees; others are followed.
const SEARCH_ROLL: f32 = 20.0;

/// Settings for tracking faces over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverTimeSettings {
    /// How answers are steadied.
    pub steady: SteadySettings,
    /// Which face to show.
    pub who: Who,
    /// Searches per second (Hz) while faces are followed.
    pub search_hz: f32,
    /// Classifications of the shown face per second (Hz).
    pub classify_hz: f32,
}

impl OverTimeSettings {
    /// The settings of a configuration.
    pub fn new(look: &LookSettings, steady: SteadySettings) -> Self {
        let LookSettings { who, search_hz, classify_hz, .. } = *look;
        Self { steady, who, search_hz, classify_hz }
    }
}

impl Default for OverTimeSettings {
    fn default() -> Self {
        Self::new(&LookSettings::default(), SteadySettings::default())
    }
}

/// The networks and their threshold.
pub(super) struct Networks<'a> {
    pub(super) detector: &'a mut dyn Detector,
    pub(super) classifier: &'a mut dyn Classifier,
    /// The bundle's own.
    pub(super) threshold: f32,
}

/// State that is kept from one frame to the next.
#[derive(Debug, Default)]
pub(super) struct OverTime {
    clock: FrameClock,
    scene: Scene,
    /// Size of the last frame, px.
    frame_size: (usize, usize),
    tracks: Tracks,
    chosen: Chosen,
    shown: Shown,
    /// Time since the last search, s; `None` for never.
    unsearched: Option<f32>,
    /// The turn of the next search.
    turns: Turns,
    is_dark: bool,
    /// Which face is next if not all faces can be followed.
    turn: usize,
    found: Vec<Face>,
    expected: Vec<Rect>,
}

impl OverTime {
    /// Time since the frame before `info`'s, s; `None` for a still picture.
    pub(super) fn elapsed(&mut self, info: &FrameInfo, frame: &Luma) -> Option<f32> {
        let frame_size = (frame.width(), frame.height());
        let is_same_size = std::mem::replace(&mut self.frame_size, frame_size) == frame_size;
        match self.clock.see(info) {
            Passed::Untimed => {
                self.forget_faces();
                None
            }
            Passed::Later(elapsed) if is_same_size => Some(elapsed),
            Passed::Later(_) | Passed::Began => {
                self.forget_faces();
                Some(0.0)
            }
        }
    }

    /// Resets, as after a pause.
    pub(super) fn forget(&mut self) {
        self.clock.forget();
        self.forget_faces();
    }

    fn forget_faces(&mut self) {
        self.scene.forget();
        self.tracks.forget();
        self.chosen.forget();
        self.shown.forget();
        self.search_at_once();
    }

    /// The next frame may show anything: it is searched, upright first.
    fn search_at_once(&mut self) {
        self.unsearched = None;
        self.turns.begin();
    }

    /// When a live camera captured its last frame, while a face may be on the screen.
    pub(super) fn captured(&self) -> Option<Instant> {
        self.clock.captured()
    }

    /// Processes a frame that came `elapsed` s after the one before, and writes its report.
    pub(super) fn look(
        &mut self,
        networks: &mut Networks<'_>,
        frame: &Luma,
        elapsed: f32,
        settings: &OverTimeSettings,
        report: &mut FrameReport,
    ) -> Result<(), RunError> {
        let steady = &settings.steady;
        self.unsearched = self.unsearched.map(|time| time + elapsed);
        self.tracks.pass(elapsed, steady.forget_after_s);
        match self.scene.change(frame) {
            SceneChange::Little => {}
            SceneChange::Sudden => {
                self.tracks.doubt();
                self.search_at_once();
            }
            SceneChange::Cut => {
                self.tracks.forget();
                self.search_at_once();
            }
        }
        report.searched = self.find(networks, frame, elapsed, settings.search_hz)?;
        self.tracks.note_appearances(frame, steady);
        let hold = steady.hold_s;
        let chosen = self.chosen.choose(&self.tracks, settings.who, self.frame_size, elapsed, hold);
        self.classify(networks, frame, elapsed, chosen, settings)?;

        let face = chosen.and_then(|id| self.tracks.get(id));
        let face =
            face.map(|track| ShownFace { id: track.id, answer: answer(track, report, steady) });
        let without = if self.is_dark { Answer::TooDark } else { Answer::NoFace };
        report.shown = self.shown.step(face, without, elapsed, steady).into();
        self.report(chosen, report, steady);
        Ok(())
    }

    /// Finds known faces, and new ones if a search is due; returns whether the frame was searched.
    fn find(
        &mut self,
        networks: &mut Networks<'_>,
        frame: &Luma,
        elapsed: f32,
        search_hz: f32,
    ) -> Result<bool, RunError> {
        let can_follow = networks.detector.can_follow();
        let hz = match () {
            () if !can_follow => f32::INFINITY,
            () if self.tracks.all.is_empty() => search_hz.max(IDLE_HZ),
            () if !self.tracks.are_all_seen() => search_hz.max(LOST_HZ),
            () => search_hz,
        };
        let mut searched = self.is_due(hz);
        if searched {
            if can_follow && !networks.detector.turns().is_empty() {
                // Faces that the search would not find, or less well than a view with their own turn.
                let turn = self.next_turn(networks.detector);
                let is_off = |track: &Track| (track.measured.roll() - turn).abs() > SEARCH_ROLL;
                self.follow(networks, frame, elapsed, is_off)?;
            }
            self.search(networks, frame, elapsed, hz)?;
        }
        if can_follow {
            self.follow(networks, frame, elapsed, |_| true)?;
            if !searched && !self.tracks.are_all_seen() && self.is_due(LOST_HZ) {
                self.search(networks, frame, elapsed, LOST_HZ)?;
                searched = true;
            }
        }
        Ok(searched)
    }

    /// The turn of the next search, degrees. If a face is missing, a turned search uses the turn nearest to its roll,
    /// so that it is found sooner.
    fn next_turn(&self, detector: &dyn Detector) -> f32 {
        let turns = detector.turns();
        match (self.turns.next(turns), self.tracks.missing_roll()) {
            (turn, Some(roll)) if turn != 0.0 => turns::nearest(turns, roll),
            (turn, _) => turn,
        }
    }

    fn is_due(&self, hz: f32) -> bool {
        self.unsearched.is_none_or(|time| time * hz > 1.0 - 1e-3)
    }

    fn search(
        &mut self,
        networks: &mut Networks<'_>,
        frame: &Luma,
        elapsed: f32,
        hz: f32,
    ) -> Result<(), RunError> {
        let turn = self.next_turn(networks.detector);
        let Self { tracks, expected, found, .. } = self;
        expected.clear();
        expected.extend(tracks.all.iter().map(|it| it.expected(it.unmeasured(elapsed))));
        turns::search(networks.detector, frame, turn, expected, found)?;
        tracks.join(found, elapsed, turn == 0.0);
        self.turns.made(networks.detector.turns());
        // The delay is carried over, so that the rate is kept at any frame rate.
        let period = 1.0 / hz;
        self.unsearched = Some((self.unsearched.unwrap_or(0.0) - period).clamp(0.0, period));
        self.is_dark = scene::is_dark(frame, self.is_dark);
        Ok(())
    }

    /// Follows the faces that were not found in this frame yet and that satisfy `counts`, up to the limit per frame: the
    /// shown face first, the others in turn.
    fn follow(
        &mut self,
        networks: &mut Networks<'_>,
        frame: &Luma,
        elapsed: f32,
        counts: impl Fn(&Track) -> bool,
    ) -> Result<(), RunError> {
        let count = self.tracks.all.len();
        let mut left = MOST_FOLLOWED;
        let (turn, shown) = (self.turn, self.chosen.id());
        let shown = self.tracks.all.iter().position(|track| Some(track.id) == shown);
        let others = (0..count).map(|step| (turn + step) % count).filter(|at| Some(*at) != shown);
        for at in shown.into_iter().chain(others) {
            let track = &self.tracks.all[at];
            if track.is_fresh || !counts(track) {
                continue;
            }
            if left == 0 {
                self.turn = at;
                break;
            }
            left -= 1;
            let expected = track.expected(track.unmeasured(elapsed));
            let face = networks.detector.follow(frame, &expected, track.measured.roll())?;
            self.tracks.follow(at, face, elapsed);
        }
        Ok(())
    }

    /// Classifies the faces that are due, and steadies all answers.
    fn classify(
        &mut self,
        networks: &mut Networks<'_>,
        frame: &Luma,
        elapsed: f32,
        chosen: Option<u32>,
        settings: &OverTimeSettings,
    ) -> Result<(), RunError> {
        let Networks { classifier, threshold, .. } = networks;
        self.take_turns(chosen, settings.classify_hz);
        for track in self.tracks.all.iter_mut().filter(|track| track.is_seen()) {
            let probabilities = if track.is_due {
                track.is_dark = scene::is_dark_at(frame, &track.measured.rect, track.is_dark);
                Some(classifier.classify(frame, &track.measured)?)
            } else {
                None
            };
            track.is_far = size(&track.face.rect) < if track.is_far { NO_LONGER_FAR } else { FAR };
            track.steady.step(elapsed, probabilities, *threshold, &settings.steady);
        }
        Ok(())
    }

    /// Marks the faces to classify: the shown one at its rate, and of the others those that have waited longest.
    fn take_turns(&mut self, chosen: Option<u32>, classify_hz: f32) {
        for track in &mut self.tracks.all {
            track.is_due = false;
            if chosen == Some(track.id) {
                let hurry = if track.steady.is_undecided() { UNDECIDED } else { 1.0 };
                track.take_turn(1.0 / (hurry * classify_hz));
            }
        }
        for _ in 0..MOST_OTHERS {
            let others =
                self.tracks.all.iter_mut().filter(|it| !it.is_due && chosen != Some(it.id));
            let waiting = others.filter(|track| track.can_be_classified());
            let Some(track) = waiting.max_by(|a, b| a.waited().total_cmp(&b.waited())) else {
                break;
            };
            track.take_turn(1.0 / OTHERS_HZ);
        }
    }

    /// Writes the faces of this frame into the report, nearest first.
    fn report(&mut self, chosen: Option<u32>, report: &mut FrameReport, steady: &SteadySettings) {
        let seen = self.tracks.all.iter().filter(|track| track.is_seen());
        report.faces.truncate(seen.clone().count());
        for (index, track) in seen.enumerate() {
            let answer = answer(track, report, steady);
            let slot = match report.faces.get_mut(index) {
                Some(slot) => slot,
                None => {
                    report.faces.push(FaceAnswer {
                        face: track.face,
                        track: None,
                        probabilities: Vec::with_capacity(report.labels.len()),
                        answer,
                    });
                    &mut report.faces[index]
                }
            };
            slot.face = track.face;
            slot.track = Some(track.id);
            slot.answer = answer;
            slot.probabilities.clear();
            slot.probabilities.extend_from_slice(track.steady.average());
        }
        let area = |face: &FaceAnswer| face.face.rect.area();
        report.faces.sort_unstable_by(|a, b| area(b).total_cmp(&area(a)));
        report.shown_face = match chosen {
            Some(_) => report.faces.iter().position(|face| face.track == chosen),
            None => None,
        };
    }
}

/// The answer for a face.
fn answer(track: &Track, report: &FrameReport, steady: &SteadySettings) -> Answer {
    match track.steady.settled() {
        // Followed, but no longer classified: its answer is old.
        _ if !track.has_size() && track.waited() > steady.forget_after_s => Answer::TooFar,
        Some(Settled::Class(class)) => {
            report.labels.expression(class).map_or(Answer::Unsure, Answer::Looks)
        }
        None => Answer::FaceFound,
        Some(Settled::Unsure) if track.is_dark => Answer::TooDark,
        Some(Settled::Unsure) if track.is_far => Answer::TooFar,
        Some(Settled::Unsure) => Answer::Unsure,
    }
}

#[cfg(test)]
mod tests;
