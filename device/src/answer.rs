//! What the badge says about a frame.

use std::time::Instant;

use emocue_models::geometry::Face;
use emocue_models::label::{Expression, LabelSet};

/// What the panel shows: an expression that a face looks like, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Loading; nothing has been seen yet.
    Starting,
    /// The camera sees no face.
    NoFace,
    /// A face, but no class reaches the threshold.
    Unsure,
    /// The wearer paused the badge; the camera is closed.
    Paused,
    /// The camera is unplugged or does not answer.
    CameraMissing,
    /// The battery is nearly empty; the badge is about to stop.
    LowBattery,
    /// A host wants something that only the wearer may allow, by a press of the button.
    PressButton,
    /// A face looks like this.
    Looks(Expression),
}

/// One face of a frame with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceAnswer {
    /// Where the face is.
    pub face: Face,
    /// Calibrated probabilities in the order of [`Report::labels`], sum 1.
    pub probabilities: Vec<f32>,
    /// [`Answer::Looks`] or [`Answer::Unsure`].
    pub answer: Answer,
}

/// Everything known about one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Where the frame came from: a file name, or the source's own name for it.
    pub source: String,
    /// Counts frames from 0.
    pub index: u64,
    /// The frame's own time in ms since the source's start, where it has one.
    pub time_ms: Option<u64>,
    /// When a live camera's sensor gave the frame.
    pub captured: Option<Instant>,
    /// The classes of every [`FaceAnswer::probabilities`].
    pub labels: LabelSet,
    /// Every face, nearest (largest) first.
    pub faces: Vec<FaceAnswer>,
    /// What the panel shows: the nearest face's answer.
    pub shown: Answer,
}

impl Report {
    /// What there is to tell before anything was seen.
    pub(crate) fn starting(labels: LabelSet) -> Self {
        Self {
            source: String::new(),
            index: 0,
            time_ms: None,
            captured: None,
            labels,
            faces: Vec::new(),
            shown: Answer::Starting,
        }
    }
}
