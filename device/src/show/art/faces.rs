//! The faces of the expressions.

use super::Group::{Brows, Eyes, Mouth, Outline};
use super::{ALL_ROUND, Ink, Mark, Picture, arc, cap, disc, fill, stroke};

const SKIN: Mark = disc(Outline, (32.0, 32.0), (30.0, 30.0)).ink(Ink::Skin);
const RING: Mark = arc(Outline, (32.0, 32.0), (30.0, 30.0), ALL_ROUND, 3.4);

pub(super) const NEUTRAL: Picture = Picture {
    tint: [222, 222, 216],
    marks: &[
        SKIN,
        RING,
        disc(Eyes, (21.0, 27.0), (4.5, 5.0)).twin(),
        stroke(Mouth, &[(20.0, 45.0), (44.0, 45.0)], 4.6),
    ],
};

pub(super) const HAPPINESS: Picture = Picture {
    tint: [250, 214, 64],
    marks: &[
        SKIN,
        RING,
        arc(Eyes, (20.0, 29.0), (6.2, 7.0), (180.0, 360.0), 4.4).twin(),
        cap(Mouth, (32.0, 38.5), (18.0, 17.0), (0.0, 180.0)),
    ],
};

pub(super) const SURPRISE: Picture = Picture {
    tint: [240, 160, 60],
    marks: &[
        SKIN,
        RING,
        arc(Brows, (21.0, 19.0), (6.4, 6.4), (195.0, 345.0), 3.6).twin(),
        disc(Eyes, (21.0, 28.0), (4.6, 6.0)).twin(),
        disc(Mouth, (32.0, 47.0), (8.0, 9.4)),
    ],
};

pub(super) const SADNESS: Picture = Picture {
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

pub(super) const ANGER: Picture = Picture {
    tint: [232, 104, 72],
    marks: &[
        SKIN,
        RING,
        stroke(Brows, &[(15.0, 14.8), (28.0, 22.5)], 6.0).twin(),
        cap(Eyes, (20.0, 27.5), (5.6, 6.4), (20.0, 210.0)).twin(),
        arc(Mouth, (32.0, 55.5), (10.0, 9.0), (200.0, 340.0), 5.0),
    ],
};

pub(super) const DISGUST: Picture = Picture {
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

pub(super) const FEAR: Picture = Picture {
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

pub(super) const CONTEMPT: Picture = Picture {
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
