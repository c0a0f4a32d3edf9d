//! The pictures: one geometry for the panel, in both sizes, and for the overlay.
//!
//! Coordinates are units of a 64x64 square, x to the right, y down; line widths are in the same units. Angles
//! are degrees clockwise from the right, so that 0 to 180 is the lower half of a circle.

mod faces;
mod signs;

use emocue_config::Reason;
use emocue_link::consent::{Ask, Code};
use emocue_models::label::Expression;

use crate::answer::{Answer, GameKind, Kept, MenuEntry, PracticeScreen, Screen};

/// A picture: marks drawn one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Picture {
    /// Later marks lie on top.
    pub marks: &'static [Mark],
    /// The face's colour where the target has colour, RGB.
    pub tint: [u8; 3],
}

/// One stroke or filled shape.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// What it belongs to.
    pub group: Group,
    /// Its path.
    pub path: Path,
    /// Whether it is stroked or filled.
    pub paint: Paint,
    /// Its ink.
    pub ink: Ink,
    /// Drawn a second time, mirrored left to right.
    pub twin: bool,
}

/// The part of a picture that a mark belongs to; a layout places each part on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Both brows.
    Brows,
    /// Both eyes and their tears.
    Eyes,
    /// The mouth.
    Mouth,
    /// The face's outline; omitted where there is no space.
    Outline,
    /// A sign that is not a face.
    Sign,
}

/// The path of a mark.
#[derive(Clone, Copy, Debug)]
pub enum Path {
    /// Through at most 65 points.
    Line(&'static [(f32, f32)]),
    /// Along an ellipse; a closed one from 0 to 360. Filled, it is closed by its chord.
    Arc {
        /// The centre.
        center: (f32, f32),
        /// Semi-axes, horizontal and vertical.
        radii: (f32, f32),
        /// First angle, degrees.
        from: f32,
        /// Last angle, degrees, greater than `from`.
        to: f32,
    },
}

/// How a mark is painted.
#[derive(Clone, Copy, Debug)]
pub enum Paint {
    /// A line of this width with round caps and joins.
    Stroke(f32),
    /// The interior.
    Fill,
}

/// What a mark is painted with; a palette gives it a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Lines and solid features: lit on a panel, dark in colour.
    Line,
    /// The face: dark on a panel, tinted in colour.
    Skin,
    /// The white of an eye: dark on a panel, inside its lit rim.
    White,
    /// A gap between two lit shapes: dark everywhere.
    Gap,
    /// A tongue: lit on a panel.
    Tongue,
    /// Tears and sweat: lit on a panel.
    Drop,
}

/// All screens that have a picture of their own beside the word.
pub const SCREENS: [Screen; 21] = [
    Screen::looks(Expression::Neutral),
    Screen::looks(Expression::Happiness),
    Screen::looks(Expression::Surprise),
    Screen::looks(Expression::Sadness),
    Screen::looks(Expression::Anger),
    Screen::looks(Expression::Disgust),
    Screen::looks(Expression::Fear),
    Screen::looks(Expression::Contempt),
    Screen::Answer(Answer::NoFace),
    Screen::Answer(Answer::FaceFound),
    Screen::Answer(Answer::Unsure),
    Screen::Answer(Answer::TooDark),
    Screen::Answer(Answer::TooFar),
    Screen::Paused,
    Screen::LastMinute,
    Screen::SessionEnded,
    Screen::CameraMissing,
    Screen::LowBattery,
    Screen::Break,
    Screen::Question { ask: Ask::NewMaker, code: Code::new(123_456_789_012_345), counts: true },
    Screen::Starting,
];

/// All screens that have a title above the picture.
pub const TITLED: [Screen; 17] = [
    Screen::Menu(MenuEntry::Practice(GameKind::ShowMe)),
    Screen::Menu(MenuEntry::Practice(GameKind::Guess)),
    Screen::Menu(MenuEntry::Practice(GameKind::Cards)),
    Screen::Menu(MenuEntry::Keep(Kept::Journal)),
    Screen::Menu(MenuEntry::Keep(Kept::Pictures)),
    Screen::Practice(PracticeScreen::ShowMe(Expression::Surprise)),
    Screen::Practice(PracticeScreen::WellDone(Expression::Surprise)),
    Screen::Practice(PracticeScreen::Skipped),
    Screen::Practice(PracticeScreen::Covered),
    Screen::Practice(PracticeScreen::Ended),
    Screen::Reason(Reason::Medical),
    Screen::Reason(Reason::OutsideEu),
    Screen::NotHere,
    Screen::Keep { kept: Kept::Journal, counts: false },
    Screen::Keep { kept: Kept::Journal, counts: true },
    Screen::Keep { kept: Kept::Pictures, counts: true },
    Screen::KeepsPictures { answer: Answer::Looks(Expression::Happiness), seconds_left: 299 },
];

/// The emoji of an expression.
pub fn emoji(expression: Expression) -> &'static Picture {
    match expression {
        Expression::Neutral => &faces::NEUTRAL,
        Expression::Happiness => &faces::HAPPINESS,
        Expression::Surprise => &faces::SURPRISE,
        Expression::Sadness => &faces::SADNESS,
        Expression::Anger => &faces::ANGER,
        Expression::Disgust => &faces::DISGUST,
        Expression::Fear => &faces::FEAR,
        Expression::Contempt => &faces::CONTEMPT,
    }
}

/// The picture for what the screen shows.
pub fn picture(screen: impl Into<Screen>) -> &'static Picture {
    match screen.into() {
        Screen::Answer(Answer::Looks(expression)) => emoji(expression),
        Screen::Answer(Answer::NoFace) => &signs::NO_FACE,
        Screen::Answer(Answer::FaceFound) => &signs::FACE_FOUND,
        Screen::Answer(Answer::Unsure) => &signs::UNSURE,
        Screen::Answer(Answer::TooDark) => &signs::TOO_DARK,
        Screen::Answer(Answer::TooFar) => &signs::TOO_FAR,
        Screen::Paused => &signs::PAUSED,
        Screen::LastMinute => &signs::LAST_MINUTE,
        Screen::SessionEnded => &signs::SESSION_ENDED,
        Screen::CameraMissing => &signs::CAMERA_MISSING,
        Screen::LowBattery => &signs::LOW_BATTERY,
        Screen::Break => &signs::BREAK,
        Screen::Menu(MenuEntry::Practice(GameKind::ShowMe)) => &signs::MIRROR,
        Screen::Menu(MenuEntry::Practice(GameKind::Guess)) => &signs::EYE,
        Screen::Menu(MenuEntry::Practice(GameKind::Cards)) => &signs::CARDS,
        Screen::Menu(MenuEntry::Keep(kept)) | Screen::Keep { kept, .. } => match kept {
            Kept::Journal => &signs::JOURNAL,
            Kept::Pictures => &signs::PICTURES,
        },
        Screen::Practice(screen) => match screen {
            PracticeScreen::ShowMe(expression)
            | PracticeScreen::WellDone(expression)
            | PracticeScreen::CardEmoji(expression)
            | PracticeScreen::CardWord(expression) => emoji(expression),
            PracticeScreen::Skipped => &signs::SKIPPED,
            PracticeScreen::Covered => &signs::COVERED,
            PracticeScreen::Ended => &signs::SESSION_ENDED,
        },
        Screen::Reason(_) => &signs::REASON,
        Screen::NotHere => &signs::NOT_HERE,
        Screen::KeepsPictures { answer, .. } => picture(answer),
        Screen::Question { .. } => &signs::PRESS_BUTTON,
        Screen::Starting => &signs::STARTING,
    }
}

const fn stroke(group: Group, points: &'static [(f32, f32)], width: f32) -> Mark {
    let path = Path::Line(points);
    Mark { group, path, paint: Paint::Stroke(width), ink: Ink::Line, twin: false }
}

const fn fill(group: Group, points: &'static [(f32, f32)]) -> Mark {
    Mark { group, path: Path::Line(points), paint: Paint::Fill, ink: Ink::Line, twin: false }
}

const fn arc(
    group: Group,
    center: (f32, f32),
    radii: (f32, f32),
    (from, to): (f32, f32),
    width: f32,
) -> Mark {
    let path = Path::Arc { center, radii, from, to };
    Mark { group, path, paint: Paint::Stroke(width), ink: Ink::Line, twin: false }
}

const fn disc(group: Group, center: (f32, f32), radii: (f32, f32)) -> Mark {
    cap(group, center, radii, (0.0, 360.0))
}

const fn cap(group: Group, center: (f32, f32), radii: (f32, f32), (from, to): (f32, f32)) -> Mark {
    let path = Path::Arc { center, radii, from, to };
    Mark { group, path, paint: Paint::Fill, ink: Ink::Line, twin: false }
}

impl Mark {
    const fn twin(mut self) -> Self {
        self.twin = true;
        self
    }

    const fn ink(mut self, ink: Ink) -> Self {
        self.ink = ink;
        self
    }
}

const ALL_ROUND: (f32, f32) = (0.0, 360.0);
