//! One face, followed from frame to frame.

use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::steady::Steady;

use super::appearance::Appearance;

/// Time constant of the smoothed box and landmarks, s.
const SMOOTHING_S: f32 = 0.08;

/// A face that moved by more than this fraction of its size since the last frame is not smoothed.
const STILL: f32 = 0.15;

/// Smallest face that is classified, px.
const SMALLEST: f32 = 20.0;

/// Detector score at which a new face is confirmed immediately, and the time after which any face is, s.
const SURE: f32 = 0.9;
pub(super) const CONFIRMED_AFTER_S: f32 = 0.3;

/// One face over time.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Unique since the program started.
    pub(super) id: u32,
    /// The last measurement.
    pub(super) measured: Face,
    /// The same, smoothed over time.
    pub(super) face: Face,
    /// Movement of the centre from the last frame to this one, in sizes of the face.
    pub(super) moved: f32,
    /// Velocity of the centre, px per second.
    velocity: Point,
    /// How long it has been known, s.
    pub(super) age: f32,
    /// Whether the face is confirmed: by a high score, or by its age.
    pub(super) is_confirmed: bool,
    /// How long it was not found, s; 0 while it is found.
    pub(super) unseen: f32,
    /// Time since it was classified, s; `None` for never.
    pub(super) unclassified: Option<f32>,
    /// Its answer.
    pub(super) steady: Steady,
    /// Its appearance in the last frame in which it was found.
    pub(super) appearance: Option<Appearance>,
    /// Whether its appearance must match to be the same face.
    pub(super) is_doubted: bool,
    /// Whether it is too dark.
    pub(super) is_dark: bool,
    /// Whether it is small in the frame.
    pub(super) is_far: bool,
    /// Whether it has to be classified in the current frame.
    pub(super) is_due: bool,
    /// Whether it was already processed for the current frame.
    pub(super) is_fresh: bool,
}

impl Track {
    /// A track of a new face.
    pub(super) fn new(id: u32, face: Face) -> Self {
        Self {
            id,
            measured: face,
            face,
            velocity: Point::default(),
            moved: 0.0,
            age: 0.0,
            is_confirmed: face.score >= SURE,
            unseen: 0.0,
            unclassified: None,
            steady: Steady::new(),
            appearance: None,
            is_doubted: false,
            is_dark: false,
            is_far: false,
            is_due: false,
            is_fresh: true,
        }
    }

    /// Whether it is in the current frame.
    pub(super) fn is_seen(&self) -> bool {
        self.unseen == 0.0
    }

    /// Whether it is large enough to be classified.
    pub(super) fn has_size(&self) -> bool {
        size(&self.measured.rect) >= SMALLEST
    }

    /// Whether it was measured in the current frame and is large enough.
    pub(super) fn can_be_classified(&self) -> bool {
        self.is_seen() && self.is_fresh && self.has_size()
    }

    /// Time since it was classified, s.
    pub(super) fn waited(&self) -> f32 {
        self.unclassified.unwrap_or(f32::INFINITY)
    }

    /// Time since it was last measured, s, if the frame before the current one was `elapsed` s ago.
    pub(super) fn unmeasured(&self, elapsed: f32) -> f32 {
        // While it is not found, `unseen` includes the time to the current frame.
        self.unseen.max(elapsed)
    }

    /// Marks it as due if it has waited for `period` s. The excess is carried over, so that the rate is kept at any
    /// frame rate.
    pub(super) fn take_turn(&mut self, period: f32) {
        self.is_due = self.can_be_classified() && self.waited() > period - 1e-3;
        if self.is_due {
            let late = self.unclassified.map_or(0.0, |time| time - period);
            self.unclassified = Some(late.clamp(0.0, period));
        }
    }

    /// Its predicted box, `elapsed` s after the last measurement.
    pub(super) fn expected(&self, elapsed: f32) -> Rect {
        let rect = self.measured.rect;
        let ahead = elapsed.min(0.2);
        Rect { x: rect.x + self.velocity.x * ahead, y: rect.y + self.velocity.y * ahead, ..rect }
    }

    /// Updates it with the measurement `face`, `elapsed` s after the last frame.
    pub(super) fn update(&mut self, face: Face, elapsed: f32) {
        let elapsed = self.unmeasured(elapsed);
        let size = size(&face.rect);
        let (from, to) = (self.measured.rect.center(), face.rect.center());
        if elapsed > 0.0 {
            let share = 1.0 - (-elapsed / 0.1).exp();
            let follow = |v: &mut f32, moved: f32| *v += share * (moved / elapsed - *v);
            follow(&mut self.velocity.x, to.x - from.x);
            follow(&mut self.velocity.y, to.y - from.y);
        }
        self.moved = from.distance(to) / size;
        let share = if self.moved > STILL { 1.0 } else { 1.0 - (-elapsed / SMOOTHING_S).exp() };
        self.is_confirmed |= face.score >= SURE || self.age >= CONFIRMED_AFTER_S;
        self.face = blend(&self.face, &face, share);
        self.measured = face;
        self.unseen = 0.0;
        self.is_fresh = true;
    }
}

/// A face's size: the mean of width and height, px.
pub(super) fn size(rect: &Rect) -> f32 {
    (rect.width + rect.height) / 2.0
}

/// `share` of the way from `old` to `new`.
fn blend(old: &Face, new: &Face, share: f32) -> Face {
    let mix = |old: f32, new: f32| old + share * (new - old);
    let point = |old: Point, new: Point| Point::new(mix(old.x, new.x), mix(old.y, new.y));
    let (a, b) = (old.rect, new.rect);
    let landmarks = match (old.landmarks, new.landmarks) {
        (Some(old), Some(new)) => {
            let (old, new) = (old.points(), new.points());
            Some(Landmarks::from_points(std::array::from_fn(|i| point(old[i], new[i]))))
        }
        (_, new) => new,
    };
    Face {
        rect: Rect::new(
            mix(a.x, b.x),
            mix(a.y, b.y),
            mix(a.width, b.width),
            mix(a.height, b.height),
        ),
        score: new.score,
        landmarks,
    }
}
