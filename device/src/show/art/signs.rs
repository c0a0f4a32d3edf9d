//! The signs of states, of the menu and of practice.

use super::Group::Sign;
use super::{ALL_ROUND, Ink, Picture, arc, cap, disc, fill, stroke};

const STATE_TINT: [u8; 3] = [200, 200, 200];

pub(super) const NO_FACE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(4.0, 18.0), (4.0, 4.0), (18.0, 4.0)], 4.6).twin(),
        stroke(Sign, &[(4.0, 46.0), (4.0, 60.0), (18.0, 60.0)], 4.6).twin(),
    ],
};

pub(super) const FACE_FOUND: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        arc(Sign, (32.0, 16.5), (11.0, 13.0), ALL_ROUND, 4.2),
        arc(Sign, (32.0, 63.0), (25.0, 21.5), (180.0, 360.0), 4.2),
    ],
};

pub(super) const TOO_DARK: Picture = Picture {
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

pub(super) const TOO_FAR: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        disc(Sign, (50.5, 9.5), (6.0, 7.0)),
        cap(Sign, (50.5, 33.0), (12.0, 13.5), (180.0, 360.0)),
        stroke(Sign, &[(9.0, 55.0), (28.0, 36.0)], 5.0),
        fill(Sign, &[(2.0, 62.0), (2.0, 44.0), (20.0, 62.0)]),
        fill(Sign, &[(35.0, 29.0), (35.0, 47.0), (17.0, 29.0)]),
    ],
};

pub(super) const UNSURE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        disc(Sign, (32.0, 32.0), (30.0, 30.0)).ink(Ink::Skin),
        arc(Sign, (32.0, 32.0), (30.0, 30.0), ALL_ROUND, 3.4),
        arc(Sign, (32.0, 24.0), (9.5, 9.5), (180.0, 405.0), 5.2),
        stroke(Sign, &[(38.7, 30.7), (32.0, 36.5), (32.0, 41.0)], 5.2),
        disc(Sign, (32.0, 50.5), (3.6, 3.6)),
    ],
};

pub(super) const PAUSED: Picture = Picture {
    tint: STATE_TINT,
    marks: &[fill(Sign, &[(14.0, 9.0), (26.0, 9.0), (26.0, 55.0), (14.0, 55.0)]).twin()],
};

pub(super) const LAST_MINUTE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        fill(Sign, &[(25.0, 1.0), (39.0, 1.0), (39.0, 7.0), (25.0, 7.0)]),
        arc(Sign, (32.0, 37.0), (24.0, 24.0), ALL_ROUND, 4.6),
        fill(Sign, &[(32.0, 38.0), (32.0, 18.0), (23.6, 19.8), (16.7, 25.1)]),
        stroke(Sign, &[(52.0, 15.0), (56.0, 11.0)], 4.6),
    ],
};

pub(super) const SESSION_ENDED: Picture = Picture {
    tint: STATE_TINT,
    marks: &[stroke(Sign, &[(8.0, 34.0), (25.0, 51.0), (56.0, 14.0)], 7.0)],
};

pub(super) const CAMERA_MISSING: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(5.0, 18.0), (59.0, 18.0), (59.0, 55.0), (5.0, 55.0), (5.0, 18.0)], 4.4),
        fill(Sign, &[(20.0, 18.0), (24.0, 9.0), (40.0, 9.0), (44.0, 18.0)]),
        disc(Sign, (32.0, 36.0), (12.0, 12.0)),
        stroke(Sign, &[(4.0, 60.0), (60.0, 4.0)], 12.0).ink(Ink::Gap),
        stroke(Sign, &[(4.0, 60.0), (60.0, 4.0)], 5.0),
    ],
};

pub(super) const LOW_BATTERY: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(5.0, 17.0), (53.0, 17.0), (53.0, 47.0), (5.0, 47.0), (5.0, 17.0)], 4.6),
        fill(Sign, &[(55.0, 25.0), (62.0, 25.0), (62.0, 39.0), (55.0, 39.0)]),
        fill(Sign, &[(11.0, 23.0), (19.0, 23.0), (19.0, 41.0), (11.0, 41.0)]),
    ],
};

pub(super) const PRESS_BUTTON: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        fill(Sign, &[(27.0, 3.0), (37.0, 3.0), (37.0, 17.0), (27.0, 17.0)]),
        fill(Sign, &[(19.0, 16.0), (45.0, 16.0), (32.0, 31.0)]),
        fill(Sign, &[(19.0, 37.0), (45.0, 37.0), (45.0, 47.0), (19.0, 47.0)]),
        fill(Sign, &[(6.0, 50.0), (58.0, 50.0), (58.0, 61.0), (6.0, 61.0)]),
    ],
};

pub(super) const STARTING: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(12.0, 4.0), (52.0, 4.0)], 5.0),
        stroke(Sign, &[(12.0, 60.0), (52.0, 60.0)], 5.0),
        stroke(Sign, &[(17.0, 4.0), (17.0, 15.0), (32.0, 32.0), (17.0, 49.0), (17.0, 60.0)], 4.4)
            .twin(),
        fill(Sign, &[(21.0, 17.0), (43.0, 17.0), (32.0, 30.0)]),
    ],
};

pub(super) const BREAK: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        fill(Sign, &[(8.0, 26.0), (46.0, 26.0), (42.0, 58.0), (12.0, 58.0)]),
        arc(Sign, (46.0, 39.0), (11.0, 10.0), (270.0, 450.0), 4.6),
        stroke(Sign, &[(19.0, 18.0), (16.0, 12.0), (21.0, 8.0), (18.0, 3.0)], 3.6),
        stroke(Sign, &[(35.0, 18.0), (32.0, 12.0), (37.0, 8.0), (34.0, 3.0)], 3.6),
    ],
};

pub(super) const MIRROR: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        arc(Sign, (32.0, 22.0), (19.0, 20.0), ALL_ROUND, 4.6),
        fill(Sign, &[(28.0, 42.0), (36.0, 42.0), (36.0, 62.0), (28.0, 62.0)]),
        stroke(Sign, &[(24.0, 24.0), (34.0, 12.0)], 3.6),
        stroke(Sign, &[(31.0, 29.0), (41.0, 17.0)], 3.6),
    ],
};

pub(super) const EYE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        arc(Sign, (32.0, 47.0), (31.0, 31.0), (210.0, 330.0), 4.6),
        arc(Sign, (32.0, 17.0), (31.0, 31.0), (30.0, 150.0), 4.6),
        disc(Sign, (32.0, 32.0), (9.0, 9.0)),
    ],
};

pub(super) const COVERED: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        disc(Sign, (32.0, 32.0), (31.0, 31.0)),
        arc(Sign, (32.0, 24.0), (9.5, 9.5), (180.0, 405.0), 6.4).ink(Ink::Gap),
        stroke(Sign, &[(38.7, 30.7), (32.0, 36.5), (32.0, 41.0)], 6.4).ink(Ink::Gap),
        disc(Sign, (32.0, 51.0), (4.2, 4.2)).ink(Ink::Gap),
    ],
};

pub(super) const CARDS: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(6.0, 18.0), (36.0, 18.0), (36.0, 60.0), (6.0, 60.0), (6.0, 18.0)], 4.4),
        fill(Sign, &[(22.0, 2.0), (60.0, 2.0), (60.0, 50.0), (22.0, 50.0)]).ink(Ink::Gap),
        fill(Sign, &[(26.0, 4.0), (58.0, 4.0), (58.0, 47.0), (26.0, 47.0)]),
    ],
};

pub(super) const JOURNAL: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(10.0, 4.0), (54.0, 4.0), (54.0, 60.0), (10.0, 60.0), (10.0, 4.0)], 4.6),
        stroke(Sign, &[(20.0, 19.0), (44.0, 19.0)], 4.6),
        stroke(Sign, &[(20.0, 32.0), (44.0, 32.0)], 4.6),
        stroke(Sign, &[(20.0, 45.0), (34.0, 45.0)], 4.6),
    ],
};

pub(super) const PICTURES: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        stroke(Sign, &[(4.0, 8.0), (60.0, 8.0), (60.0, 56.0), (4.0, 56.0), (4.0, 8.0)], 4.6),
        disc(Sign, (45.0, 21.0), (6.0, 6.0)),
        fill(Sign, &[(9.0, 50.0), (24.0, 27.0), (36.0, 42.0), (43.0, 34.0), (55.0, 50.0)]),
    ],
};

pub(super) const SKIPPED: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        fill(Sign, &[(8.0, 14.0), (30.0, 32.0), (8.0, 50.0)]),
        fill(Sign, &[(32.0, 14.0), (54.0, 32.0), (32.0, 50.0)]),
    ],
};

pub(super) const REASON: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        arc(Sign, (32.0, 32.0), (29.0, 29.0), ALL_ROUND, 4.4),
        disc(Sign, (32.0, 18.5), (4.4, 4.4)),
        fill(Sign, &[(28.5, 28.0), (35.5, 28.0), (35.5, 49.0), (28.5, 49.0)]),
    ],
};

pub(super) const NOT_HERE: Picture = Picture {
    tint: STATE_TINT,
    marks: &[
        arc(Sign, (32.0, 32.0), (28.0, 28.0), ALL_ROUND, 6.0),
        stroke(Sign, &[(13.0, 51.0), (51.0, 13.0)], 6.0),
    ],
};
