//! The badge's results for a frame.

use std::time::Instant;

use emocue_config::Reason;
use emocue_link::consent::{Ask, Code};
use emocue_models::geometry::Face;
use emocue_models::label::{Expression, LabelSet};

/// What the shown face looks like, or why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// No face was found.
    NoFace,
    /// A face whose answer has not settled yet.
    FaceFound,
    /// A face, but no class was probable enough for some time.
    Unsure,
    /// There is too little light to find or classify a face.
    TooDark,
    /// The face is too small in the frame to be classified.
    TooFar,
    /// A face looks like this.
    Looks(Expression),
}

/// What the screen shows: an answer, or a state of the badge itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Screen {
    /// What the shown face looks like.
    Answer(Answer),
    /// Loading; no frame was processed yet.
    Starting,
    /// The wearer paused the badge; the camera is closed.
    Paused,
    /// The session's last minute begins; shown for a few seconds.
    LastMinute,
    /// The session's time is up; the camera is closed until the wearer starts another one.
    SessionEnded,
    /// The camera is unplugged or does not answer.
    CameraMissing,
    /// The battery is nearly empty; the badge is about to stop.
    LowBattery,
    /// The wearer has used the badge for a long time without a break; shown for a few seconds.
    Break,
    /// An entry of the menu, which is open while the badge is paused.
    Menu(MenuEntry),
    /// Practice.
    Practice(PracticeScreen),
    /// Why the camera may be used in a school or at work.
    Reason(Reason),
    /// The wearer's choice is not allowed where the badge is used.
    NotHere,
    /// The wearer chose to store something, and is asked for consent.
    Keep {
        /// What would be stored.
        kept: Kept,
        /// Whether a press counts as the answer: the question has been visible long enough.
        counts: bool,
    },
    /// Pictures of faces are being stored.
    KeepsPictures {
        /// The answer that would be shown otherwise.
        answer: Answer,
        /// The time that is left, s.
        seconds_left: u16,
    },
    /// A host requests something that only the wearer can allow, with the button.
    Question {
        /// What it requests.
        ask: Ask,
        /// The code that the host shows as well, if its request is the same.
        code: Code,
        /// Whether a press counts as the answer: the question has been visible long enough.
        counts: bool,
    },
}

/// A practice game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GameKind {
    /// The badge names an expression; a person in front of the camera shows it.
    ShowMe,
    /// A face is classified, but the answer is hidden until a press.
    Guess,
    /// Emoji and word alternate, without the camera.
    Cards,
}

impl GameKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ShowMe, Self::Guess, Self::Cards];

    /// Whether it classifies faces.
    pub const fn uses_camera(self) -> bool {
        !matches!(self, Self::Cards)
    }
}

/// An entry of the badge's menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MenuEntry {
    /// A game.
    Practice(GameKind),
    /// Begins to store something, or ends that.
    Keep(Kept),
}

/// What the badge stores only after its wearer agreed on the badge itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// How often which answer was shown, without pictures.
    Journal,
    /// Pictures of faces with the answers that were shown.
    Pictures,
}

/// What a practice game shows besides answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PracticeScreen {
    /// A person in front of the camera has to show this expression.
    ShowMe(Expression),
    /// The person showed it.
    WellDone(Expression),
    /// The round is skipped.
    Skipped,
    /// A face is classified; a press shows the answer.
    Covered,
    /// A card's emoji.
    CardEmoji(Expression),
    /// A card's word.
    CardWord(Expression),
    /// The game has ended.
    Ended,
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
    /// The detected face.
    pub face: Face,
    /// Identifier of its track, the same while it is followed from frame to frame; `None` in still pictures.
    pub track: Option<u32>,
    /// Calibrated probabilities in the order of [`FrameReport::labels`], sum 1, averaged over time where the face is
    /// followed; empty where the face was not classified yet.
    pub probabilities: Vec<f32>,
    /// Any answer except [`Answer::NoFace`].
    pub answer: Answer,
}

/// Everything known about one frame, or what the badge shows without one.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameReport {
    /// The frame's source: a file name, or the source's own name for it.
    pub source: String,
    /// Number of the frame, from 0.
    pub index: u64,
    /// Time since the source's start, ms, if frames have timestamps.
    pub time_ms: Option<u64>,
    /// When a live camera's sensor captured the frame.
    pub captured: Option<Instant>,
    /// The classes of every [`FaceAnswer::probabilities`].
    pub labels: LabelSet,
    /// Every face, nearest (largest) first.
    pub faces: Vec<FaceAnswer>,
    /// Index in [`FrameReport::faces`] of the face that the screen shows; `None` if it is not in this frame.
    pub shown_face: Option<usize>,
    /// Whether the whole frame was searched for faces; otherwise known ones were only followed.
    pub searched: bool,
    /// What the screen shows: the shown face's answer, or a state of the badge.
    pub shown: Screen,
}

impl FrameReport {
    /// The face that the screen shows, where it is in this frame.
    pub fn shown_face(&self) -> Option<&FaceAnswer> {
        self.faces.get(self.shown_face?)
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
            shown_face: None,
            searched: false,
            shown: Screen::Starting,
        }
    }
}
