//! From a frame to a [`FrameReport`]: finds the faces, classifies each, and steadies the answers over time.

mod appearance;
mod chosen;
mod clock;
mod over_time;
mod scene;
mod shown;
mod track;
mod tracks;

use std::time::{Duration, Instant};

use emocue_models::decide::decide;
use emocue_models::geometry::Face;
use emocue_models::label::LabelSet;
use emocue_models::luma::Luma;
use emocue_run::acceptance::{UnshowableLabels, showable};
use emocue_run::{Classifier, Detector, RunError, SelfTestError};

use self::over_time::{Networks, OverTime};
use crate::answer::{Answer, FaceAnswer, FrameReport, Screen};
use crate::camera::FrameInfo;

pub use self::over_time::OverTimeSettings;

/// A detector and a classifier that process frames, one after the other.
///
/// In frames with timestamps, faces are tracked and answers are steadied. Still pictures, and all frames if that is set
/// ([`Vision::set_over_time`]), are processed separately: every face is searched for ([`Vision::find`]) and classified
/// ([`Vision::tell`]).
pub struct Vision {
    detector: Box<dyn Detector + Send>,
    classifier: Box<dyn Classifier + Send>,
    threshold: f32,
    settings: Option<OverTimeSettings>,
    over_time: OverTime,
    /// When a live camera captured the last frame, and its time after the one before. Kept when faces are forgotten.
    captured: Option<Instant>,
    interval: Duration,
    faces: Vec<Face>,
    report: FrameReport,
}

/// Longest time between two frames of one stream.
const SLOWEST: Duration = Duration::from_millis(2500);

impl Vision {
    /// An answer is the most probable class if its probability reaches `threshold` (`0..=1`); else unsure.
    ///
    /// # Errors
    /// [`UnshowableLabels`] when a class is not an expression.
    pub fn new(
        detector: Box<dyn Detector + Send>,
        classifier: Box<dyn Classifier + Send>,
        threshold: f32,
    ) -> Result<Self, UnshowableLabels> {
        let labels = classifier.labels();
        showable(labels)?;
        let report = FrameReport::starting(labels);
        let (settings, over_time) = (Some(OverTimeSettings::default()), OverTime::default());
        let faces = Vec::new();
        Ok(Self {
            detector,
            classifier,
            threshold,
            settings,
            over_time,
            captured: None,
            interval: Duration::ZERO,
            faces,
            report,
        })
    }

    /// Sets how faces are tracked over time; `None` to process every frame separately.
    pub fn set_over_time(&mut self, settings: Option<OverTimeSettings>) {
        self.settings = settings;
        self.over_time.forget();
    }

    /// The classes of the answers.
    pub fn labels(&self) -> LabelSet {
        self.report.labels
    }

    /// Runs the self-test on the embedded portraits ([`emocue_run::self_test`]), and returns the time that the last one
    /// took.
    ///
    /// # Errors
    /// [`SelfTestError`] when a network fails or answers differently.
    pub fn self_test(&mut self, built_in: bool) -> Result<Duration, SelfTestError> {
        let (detector, classifier) = (self.detector.as_mut(), self.classifier.as_mut());
        emocue_run::self_test(detector, classifier, self.threshold, built_in)
    }

    /// Processes one frame; the report is valid until the next.
    ///
    /// # Errors
    /// [`RunError`] when a network fails.
    pub fn look(&mut self, frame: &Luma, info: &FrameInfo) -> Result<&FrameReport, RunError> {
        if let Some(at) = info.captured {
            let last = self.captured.replace(at);
            let interval = last.map(|last| at.saturating_duration_since(last));
            self.interval = interval.filter(|it| *it <= SLOWEST).unwrap_or(self.interval);
        }
        let timed = self.settings.map(|settings| (settings, self.over_time.elapsed(info, frame)));
        let Some((settings, Some(elapsed))) = timed else {
            self.find(frame)?;
            return self.tell(frame, info);
        };
        self.describe(info);
        let mut networks = Networks {
            detector: self.detector.as_mut(),
            classifier: self.classifier.as_mut(),
            threshold: self.threshold,
        };
        self.over_time.look(&mut networks, frame, elapsed, &settings, &mut self.report)?;
        Ok(&self.report)
    }

    /// When a live camera's last answer becomes too old to stay on the screen; `None` while nothing is shown.
    /// `interval` is the configured time from one processed frame to the next; the camera's may be longer.
    pub fn stale_at(&self, interval: Duration) -> Option<Instant> {
        let hold = Duration::from_secs_f32(self.settings?.steady.hold_s);
        let interval = interval.max(self.interval);
        // At a low frame rate, the answer stays until the next frame.
        Some(self.over_time.captured()? + hold.max(interval + interval / 2))
    }

    /// Forgets all faces, after the camera was closed or is missing. Returns the report for that, which shows no
    /// answer.
    pub fn forget(&mut self) -> &FrameReport {
        self.over_time.forget();
        self.report.faces.clear();
        self.report.shown_face = None;
        self.report.shown = Screen::Starting;
        &self.report
    }

    fn describe(&mut self, info: &FrameInfo) {
        let report = &mut self.report;
        report.source.clone_from(&info.source);
        report.index = info.index;
        report.time_ms = info.time_ms;
        report.captured = info.captured;
    }

    /// Finds the faces of `frame`.
    ///
    /// # Errors
    /// [`RunError`] when the detector fails.
    pub fn find(&mut self, frame: &Luma) -> Result<(), RunError> {
        self.detector.detect(frame, &mut self.faces)
    }

    /// Classifies every face that [`Vision::find`] found in `frame`.
    ///
    /// # Errors
    /// [`RunError`] when the classifier fails.
    pub fn tell(&mut self, frame: &Luma, info: &FrameInfo) -> Result<&FrameReport, RunError> {
        self.describe(info);
        let report = &mut self.report;
        report.faces.truncate(self.faces.len());
        for (index, face) in self.faces.iter().enumerate() {
            let probabilities = self.classifier.classify(frame, face)?;
            let expression = decide(probabilities, self.threshold)
                .and_then(|class| report.labels.expression(class));
            let answer = expression.map_or(Answer::Unsure, Answer::Looks);
            match report.faces.get_mut(index) {
                Some(slot) => {
                    slot.face = *face;
                    slot.track = None;
                    slot.answer = answer;
                    slot.probabilities.clear();
                    slot.probabilities.extend_from_slice(probabilities);
                }
                None => {
                    let probabilities = probabilities.to_vec();
                    report.faces.push(FaceAnswer {
                        face: *face,
                        track: None,
                        probabilities,
                        answer,
                    });
                }
            }
        }
        report.searched = true;
        report.shown_face = (!report.faces.is_empty()).then_some(0);
        report.shown = report.shown_face().map_or(Answer::NoFace, |face| face.answer).into();
        Ok(report)
    }
}

#[cfg(test)]
mod tests;
