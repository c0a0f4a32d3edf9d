//! What the badge says about a frame.

use std::time::Instant;

use emocue_config::Reason;
use emocue_link::consent::{Ask, Code};
use emocue_models::geometry::Face;
use emocue_models::label::{Expression, LabelSet};

/// What the shown face looks like, or why that cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The camera sees no face.
    NoFace,
    /// A face whose answer has not settled yet.
    FaceFound,
    /// A face, but for a while no class was probable enough.
    Unsure,
    /// There is too little light to find a face, or to tell what it looks like.
    TooDark,
    /// The face is too small in the frame to tell what it looks like.
    TooFar,
    /// A face looks like this.
    Looks(Expression),
}

/// What the screen shows: an answer, or a state of the badge itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Screen {
    /// What the shown face looks like.
    Answer(Answer),
    /// Loading; nothing has been seen yet.
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
    /// The wearer has used the badge for long without a break; shown for a few seconds.
    Break,
    /// An entry of the menu that the wearer goes through while the badge is paused.
    Menu(MenuEntry),
    /// Practice.
    Practice(PracticeScreen),
    /// Why the camera may be used in a school or at work.
    Reason(Reason),
    /// What the wearer chose is not allowed where the badge is used.
    NotHere,
    /// The wearer chose to have something kept, and is asked whether that is really meant.
    Keep {
        /// What would be kept.
        kept: Kept,
        /// Whether a press is the answer already: the question has been visible for a while.
        counts: bool,
    },
    /// Pictures of faces are kept.
    KeepsPictures {
        /// What would be shown without that.
        answer: Answer,
        /// For how long, s.
        seconds_left: u16,
    },
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

/// A practice game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GameKind {
    /// An expression is named; somebody before the camera shows it.
    ShowMe,
    /// A face is read, but the answer stays covered until a press.
    Guess,
    /// Emoji and word alternate, without the camera.
    Cards,
}

impl GameKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ShowMe, Self::Guess, Self::Cards];

    /// Whether it looks at faces.
    pub const fn uses_camera(self) -> bool {
        !matches!(self, Self::Cards)
    }
}

/// An entry of the badge's menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MenuEntry {
    /// A game.
    Practice(GameKind),
    /// Begins to keep something, or ends that.
    Keep(Kept),
}

/// What the badge keeps only where its wearer agreed on the badge itself.
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
    /// Somebody before the camera is to show this expression.
    ShowMe(Expression),
    /// They did.
    WellDone(Expression),
    /// The round is skipped.
    Skipped,
    /// A face is read; a press uncovers the answer.
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
    /// Where the face is.
    pub face: Face,
    /// Which face it is, as long as it is followed from frame to frame; `None` in still pictures.
    pub track: Option<u32>,
    /// Calibrated probabilities in the order of [`FrameReport::labels`], sum 1, averaged over time where the face is
    /// followed; empty where the face was not classified yet.
    pub probabilities: Vec<f32>,
    /// Everything but [`Answer::NoFace`].
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
    /// Which of [`FrameReport::faces`] the screen shows, by its index; `None` where it is not in this frame.
    pub shown_face: Option<usize>,
    /// Whether this frame was searched for faces, or the known ones were only followed.
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
