//! The pictures: one table of geometry for the panel, in both sizes, and for the overlay.
//!
//! Coordinates are units of a 64x64 square, x to the right, y down; line widths are in the same units. Angles
//! are degrees clockwise from the right, so that 0 to 180 is the lower half of a circle.

use emocue_link::consent::{Ask, Code};
use emocue_models::label::Expression;

use crate::answer::{Answer, Screen};

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
    /// Where it runs.
    pub path: Path,
    /// Stroked or filled.
    pub paint: Paint,
    /// In which colour.
    pub ink: Ink,
    /// Drawn a second time, mirrored left to right.
    pub twin: bool,
}

/// The part of a picture that a mark belongs to; a layout places each part on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Both brows.
    Brows,
    /// Both eyes and what falls from them.
    Eyes,
    /// The mouth.
    Mouth,
    /// The face's outline; left out where there is no room.
    Outline,
    /// A sign that is not a face.
    Sign,
}

/// Where a mark runs.
#[derive(Clone, Copy, Debug)]
pub enum Path {
    /// Through at most 65 points.
    Line(&'static [(f32, f32)]),
    /// Along an ellipse; a closed one from 0 to 360. Filled, it is closed by its chord.
    Arc {
        /// The centre.
        center: (f32, f32),
        /// Half axes, across and down.
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
    /// A line of this width with round ends and joints.
    Stroke(f32),
    /// The inside.
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
    /// What separates two lit shapes: dark everywhere.
    Gap,
    /// A tongue: lit on a panel.
    Tongue,
    /// Tears and sweat: lit on a panel.
    Drop,
}

/// Everything that has a picture.
pub const SCREENS: [Screen; 20] = [
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
    Screen::Question { ask: Ask::NewMaker, code: Code::new(123_456_789_012_345), counts: true },
    Screen::Starting,
];

/// The picture for what the screen shows.
pub fn picture(screen: impl Into<Screen>) -> &'static Picture {
    match screen.into() {
        Screen::Answer(Answer::Looks(expression)) => match expression {
            Expression::Neutral => &NEUTRAL,
            Expression::Happiness => &HAPPINESS,
            Expression::Surprise => &SURPRISE,
            Expression::Sadness => &SADNESS,
            Expression::Anger => &ANGER,
            Expression::Disgust => &DISGUST,
            Expression::Fear => &FEAR,
            Expression::Contempt => &CONTEMPT,
        },
        Screen::Answer(Answer::NoFace) => &NO_FACE,
        Screen::Answer(Answer::FaceFound) => &FACE_FOUND,
        Screen::Answer(Answer::Unsure) => &UNSURE,
        Screen::Answer(Answer::TooDark) => &TOO_DARK,
        Screen::Answer(Answer::TooFar) => &TOO_FAR,
        Screen::Paused => &PAUSED,
        Screen::LastMinute => &LAST_MINUTE,
        Screen::SessionEnded => &SESSION_ENDED,
        Screen::CameraMissing => &CAMERA_MISSING,
        Screen::LowBattery => &LOW_BATTERY,
        Screen::Question { .. } => &PRESS_BUTTON,
        Screen::Starting => &STARTING,
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

use Group::{Brows, Eyes, Mouth, Outline, Sign};

const ALL_ROUND: (f32, f32) = (0.0, 360.0);
const SKIN: Mark = disc(Outline, (32.0, 32.0), (30.0, 30.0)).ink(Ink::Skin);
const RING: Mark = arc(Outline, (32.0, 32.0), (30.0, 30.0), ALL_ROUND, 3.4);

const NEUTRAL: Picture = Picture {
    tint: [222, 222, 216],
    marks: &[
        SKIN,
        RING,
        disc(Eyes, (21.0, 27.0), (4.5, 5.0)).twin(),
        stroke(Mouth, &[(20.0, 45.0), (44.0, 45.0)], 4.6),
    ],
};

const HAPPINESS: Picture = Picture {
    tint: [250, 214, 64],
    marks: &[
        SKIN,
        RING,
        arc(Eyes, (20.0, 29.0), (6.2, 7.0), (180.0, 360.0), 4.4).twin(),
        cap(Mouth, (32.0, 38.5), (18.0, 17.0), (0.0, 180.0)),
    ],
};

const SURPRISE: Picture = Picture {
    tint: [240, 160, 60],
    marks: &[
        SKIN,
        RING,
        arc(Brows, (21.0, 19.0), (6.4, 6.4), (195.0, 345.0), 3.6).twin(),
        disc(Eyes, (21.0, 28.0), (4.6, 6.0)).twin(),
        disc(Mouth, (32.0, 47.0), (8.0, 9.4)),
    ],
};

const SADNESS: Picture = Picture {
    tint: [110, 180, 232],
    marks: &[
        SKIN,
        RING,
        stroke(Brows, &[(13.0, 23.0), (25.0, 15.0)], 4.2).twin(),
        disc(Eyes, (20.5, 30.5), (4.2, 4.4)).twin(),
        arc(Mouth, (31.0, 55.5), (11.5, 11.0), (195.0, 345.0), 4.6),
        disc(Eyes, (48.5, 45.6), (4.0, 4.0)).ink(Ink::Drop),
        fill(Eyes, &[(48.5, 37.0), (44.7, 44.6), (52.3, 44.6)]).ink(Ink::Drop),
    ],
};

const ANGER: Picture = Picture {
    tint: [232, 104, 72],
    marks: &[
        SKIN,
        RING,
        stroke(Brows, &[(15.0, 14.8), (28.0, 22.5)], 6.0).twin(),
        cap(Eyes, (20.0, 27.5), (5.6, 6.4), (20.0, 210.0)).twin(),
        arc(Mouth, (32.0, 55.5), (10.0, 9.0), (200.0, 340.0), 5.0),
    ],
};

const DISGUST: Picture = Picture {
    tint: [120, 190, 110],
    marks: &[
        SKIN,
        RING,
        stroke(Eyes, &[(12.5, 19.0), (24.0, 25.0), (12.5, 31.0)], 4.4).twin(),
        stroke(Eyes, &[(28.0, 33.5), (32.0, 29.5), (36.0, 33.5)], 2.6),
        fill(Mouth, &[(34.5, 43.0), (44.5, 44.0), (44.5, 53.0), (34.5, 53.0)]).ink(Ink::Tongue),
        cap(Mouth, (39.5, 52.8), (5.0, 5.2), (0.0, 180.0)).ink(Ink::Tongue),
        stroke(Mouth, &[(39.5, 48.5), (39.5, 53.5)], 1.6).ink(Ink::Gap),
        arc(Mouth, (31.5, 52.0), (16.0, 9.5), (190.0, 350.0), 4.4),
    ],
};

const FEAR: Picture = Picture {
    tint: [204, 150, 214],
    marks: &[
        SKIN,
        RING,
        stroke(Brows, &[(13.0, 16.0), (25.0, 11.5)], 3.4).twin(),
        disc(Eyes, (19.0, 27.5), (8.0, 8.6)).ink(Ink::White).twin(),
        arc(Eyes, (19.0, 27.5), (8.0, 8.6), ALL_ROUND, 3.2).twin(),
        disc(Eyes, (19.5, 27.5), (2.5, 2.5)).twin(),
        stroke(Mouth, TREMBLE, 4.2),
    ],
};
const TREMBLE: &[(f32, f32)] = &[
    (15.5, 50.0),
    (21.0, 43.5),
    (26.5, 50.0),
    (32.0, 43.5),
    (37.5, 50.0),
    (43.0, 43.5),
    (48.5, 50.0),
];

const CONTEMPT: Picture = Picture {
    tint: [150, 160, 220],
    marks: &[
        SKIN,
        RING,
        stroke(Brows, &[(37.0, 18.5), (48.5, 13.5)], 4.6),
        stroke(Eyes, &[(12.5, 27.5), (27.5, 27.5)], 4.6).twin(),
        cap(Eyes, (17.5, 28.5), (4.8, 6.6), (0.0, 180.0)),
        cap(Eyes, (41.5, 28.5), (4.8, 6.6), (0.0, 180.0)),
        stroke(Mouth, SNEER, 4.6),
    ],
};
const SNEER: &[(f32, f32)] =
    &[(21.5, 53.0), (27.0, 48.5), (34.0, 45.0), (41.0, 42.5), (48.0, 41.0)];

const STATE_TINT: [u8; 3] = [200, 200, 200];

const NO_FACE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(4.0, 18.0), (4.0, 4.0), (18.0, 4.0)], 4.6).twin(),
        stroke(Sign, &[(4.0, 46.0), (4.0, 60.0), (18.0, 60.0)], 4.6).twin(),
    ],
};

const FACE_FOUND: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        arc(Sign, (32.0, 16.5), (11.0, 13.0), ALL_ROUND, 4.2),
        arc(Sign, (32.0, 63.0), (25.0, 21.5), (180.0, 360.0), 4.2),
    ],
};

const TOO_DARK: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        disc(Sign, (27.0, 34.0), (25.0, 25.0)),
        disc(Sign, (38.0, 26.0), (21.0, 21.0)).ink(Ink::Gap),
        fill(Sign, STAR),
    ],
};
const STAR: &[(f32, f32)] = &[
    (48.0, 6.0),
    (50.6, 15.4),
    (60.0, 18.0),
    (50.6, 20.6),
    (48.0, 30.0),
    (45.4, 20.6),
    (36.0, 18.0),
    (45.4, 15.4),
];

const TOO_FAR: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        disc(Sign, (50.5, 9.5), (6.0, 7.0)),
        cap(Sign, (50.5, 33.0), (12.0, 13.5), (180.0, 360.0)),
        stroke(Sign, &[(9.0, 55.0), (28.0, 36.0)], 5.0),
        fill(Sign, &[(2.0, 62.0), (2.0, 44.0), (20.0, 62.0)]),
        fill(Sign, &[(35.0, 29.0), (35.0, 47.0), (17.0, 29.0)]),
    ],
};

const UNSURE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        disc(Sign, (32.0, 32.0), (30.0, 30.0)).ink(Ink::Skin),
        arc(Sign, (32.0, 32.0), (30.0, 30.0), ALL_ROUND, 3.4),
        arc(Sign, (32.0, 24.0), (9.5, 9.5), (180.0, 405.0), 5.2),
        stroke(Sign, &[(38.7, 30.7), (32.0, 36.5), (32.0, 41.0)], 5.2),
        disc(Sign, (32.0, 50.5), (3.6, 3.6)),
    ],
};

const PAUSED: Picture = Picture {
    tint: STATE_TINT,
    marks: &[fill(Sign, &[(14.0, 9.0), (26.0, 9.0), (26.0, 55.0), (14.0, 55.0)]).twin()],
};

const LAST_MINUTE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        fill(Sign, &[(25.0, 1.0), (39.0, 1.0), (39.0, 7.0), (25.0, 7.0)]),
        arc(Sign, (32.0, 37.0), (24.0, 24.0), ALL_ROUND, 4.6),
        fill(Sign, &[(32.0, 38.0), (32.0, 18.0), (23.6, 19.8), (16.7, 25.1)]),
        stroke(Sign, &[(52.0, 15.0), (56.0, 11.0)], 4.6),
    ],
};

const SESSION_ENDED: Picture = Picture {
    tint: STATE_TINT,
    marks: &[stroke(Sign, &[(8.0, 34.0), (25.0, 51.0), (56.0, 14.0)], 7.0)],
};

const CAMERA_MISSING: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(5.0, 18.0), (59.0, 18.0), (59.0, 55.0), (5.0, 55.0), (5.0, 18.0)], 4.4),
        fill(Sign, &[(20.0, 18.0), (24.0, 9.0), (40.0, 9.0), (44.0, 18.0)]),
        disc(Sign, (32.0, 36.0), (12.0, 12.0)),
        stroke(Sign, &[(4.0, 60.0), (60.0, 4.0)], 12.0).ink(Ink::Gap),
        stroke(Sign, &[(4.0, 60.0), (60.0, 4.0)], 5.0),
    ],
};

const LOW_BATTERY: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(5.0, 17.0), (53.0, 17.0), (53.0, 47.0), (5.0, 47.0), (5.0, 17.0)], 4.6),
        fill(Sign, &[(55.0, 25.0), (62.0, 25.0), (62.0, 39.0), (55.0, 39.0)]),
        fill(Sign, &[(11.0, 23.0), (19.0, 23.0), (19.0, 41.0), (11.0, 41.0)]),
    ],
};

const PRESS_BUTTON: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        fill(Sign, &[(27.0, 3.0), (37.0, 3.0), (37.0, 17.0), (27.0, 17.0)]),
        fill(Sign, &[(19.0, 16.0), (45.0, 16.0), (32.0, 31.0)]),
        fill(Sign, &[(19.0, 37.0), (45.0, 37.0), (45.0, 47.0), (19.0, 47.0)]),
        fill(Sign, &[(6.0, 50.0), (58.0, 50.0), (58.0, 61.0), (6.0, 61.0)]),
    ],
};

const STARTING: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(12.0, 4.0), (52.0, 4.0)], 5.0),
        stroke(Sign, &[(12.0, 60.0), (52.0, 60.0)], 5.0),
        stroke(Sign, &[(17.0, 4.0), (17.0, 15.0), (32.0, 32.0), (17.0, 49.0), (17.0, 60.0)], 4.4)
            .twin(),
        fill(Sign, &[(21.0, 17.0), (43.0, 17.0), (32.0, 30.0)]),
    ],
};
