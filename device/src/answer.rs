//! What the badge says about a frame.

use std::time::Instant;

use emocue_link::consent::{Ask, Code};
use emocue_models::geometry::Face;
use emocue_models::label::{Expression, LabelSet};

/// What the nearest face looks like, or why that cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The camera sees no face.
    NoFace,
    /// A face, but no class reaches the threshold.
    Unsure,
    /// A face looks like this.
    Looks(Expression),
}

/// What the screen shows: an answer, or a state of the badge itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Screen {
    /// What the nearest face looks like.
    Answer(Answer),
    /// Loading; nothing has been seen yet.
    Starting,
    /// The wearer paused the badge; the camera is closed.
    Paused,
    /// The camera is unplugged or does not answer.
    CameraMissing,
    /// The battery is nearly empty; the badge is about to stop.
    LowBattery,
    /// A host wants something that only the wearer may allow, with the button.
    Question {
        /// What it wants.
        ask: Ask,
        /// What the host shows as well, where it wants the same.
        code: Code,
        /// Whether a press is the answer already: the question has been visible for a while.
        counts: bool,
    },
}

impl Screen {
    /// A face that looks like `expression`.
    pub const fn looks(expression: Expression) -> Self {
        Self::Answer(Answer::Looks(expression))
    }
}

impl From<Answer> for Screen {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// One face of a frame with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceAnswer {
    /// Where the face is.
    pub face: Face,
    /// Calibrated probabilities in the order of [`FrameReport::labels`], sum 1.
    pub probabilities: Vec<f32>,
    /// [`Answer::Looks`] or [`Answer::Unsure`].
    pub answer: Answer,
}

/// Everything known about one frame, or what the badge shows without one.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameReport {
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
    /// What the screen shows: the nearest face's answer, or a state of the badge.
    pub shown: Screen,
}

impl FrameReport {
    /// The nearest face's answer.
    pub fn answer(&self) -> Answer {
        self.faces.first().map_or(Answer::NoFace, |nearest| nearest.answer)
    }

    /// The report before anything was seen.
    pub(crate) fn starting(labels: LabelSet) -> Self {
        Self {
            source: String::new(),
            index: 0,
            time_ms: None,
            captured: None,
            labels,
            faces: Vec::new(),
            shown: Screen::Starting,
        }
    }
}
