//! Tracks: which face of a frame is which face of the frame before. Their numbers live in memory only and die with the
//! face.

use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use emocue_models::steady::Steady;

use super::appearance::Appearance;

/// The most faces that are kept apart.
pub(super) const MOST: usize = 64;

/// Time constant of the smoothed box and landmarks, s.
const SMOOTHING_S: f32 = 0.08;

/// A face that moved by more of its size since the last frame is not smoothed.
const STILL: f32 = 0.15;

/// A smaller face is not classified, px.
const SMALLEST: f32 = 20.0;

/// How far a face's centre may be from where it is expected, in sizes of the face, and how much more for every second.
const REACH: f32 = 0.5;
const REACH_PER_S: f32 = 1.0;

/// By which factor a face may become larger or smaller from one frame to the next.
const GROWTH: f32 = 1.7;

/// A detector's score from which on a new face is certain at once; else it is after so long, s.
const SURE: f32 = 0.9;
const CONFIRMED_AFTER_S: f32 = 0.3;

/// The correlation of two appearances below which they are of two faces.
const SAME_LOOK: f32 = 0.65;

/// Two tracks that overlap more are one face.
const SAME: f32 = 0.5;

/// One face over time.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Unlike any other's since the program began.
    pub(super) id: u32,
    /// Where it was measured last.
    pub(super) measured: Face,
    /// The same, smoothed.
    pub(super) face: Face,
    /// How far the centre moves in a second, px.
    velocity: Point,
    /// How long it has been known, s.
    age: f32,
    /// Whether it is a face for certain: a detector was sure of it, or it has been there for a while.
    pub(super) is_confirmed: bool,
    /// How long it was looked for and not found, s; 0 while it is there.
    pub(super) unseen: f32,
    /// Time since it was classified, s; `None` for never.
    pub(super) unclassified: Option<f32>,
    /// Its answer.
    pub(super) steady: Steady,
    /// How it looked in the last frame that it was seen in.
    appearance: Option<Appearance>,
    /// Whether it must look as before to be the same face.
    is_doubted: bool,
    /// Whether too little light falls on it.
    pub(super) is_dark: bool,
    /// Whether it is small in the frame.
    pub(super) is_far: bool,
    /// Whether it is to be classified in the current frame.
    pub(super) is_due: bool,
    /// Whether the current frame was looked at for it already.
    pub(super) is_fresh: bool,
}

impl Track {
    /// A face that nobody has seen before.
    fn new(id: u32, face: Face) -> Self {
        Self {
            id,
            measured: face,
            face,
            velocity: Point::default(),
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

    /// Time since it was classified, s.
    pub(super) fn waited(&self) -> f32 {
        self.unclassified.unwrap_or(f32::INFINITY)
    }

    /// Makes it due if it has waited for `period` s. What it waited longer counts for the next time, so that the rate is
    /// kept at any number of frames in a second.
    pub(super) fn take_turn(&mut self, period: f32) {
        self.is_due = self.is_seen() && self.has_size() && self.waited() > period - 1e-3;
        if self.is_due {
            let late = self.unclassified.map_or(0.0, |time| time - period);
            self.unclassified = Some(late.clamp(0.0, period));
        }
    }

    /// Where it is expected, `elapsed` s after it was measured.
    pub(super) fn expected(&self, elapsed: f32) -> Rect {
        let rect = self.measured.rect;
        let ahead = elapsed.min(0.2);
        Rect { x: rect.x + self.velocity.x * ahead, y: rect.y + self.velocity.y * ahead, ..rect }
    }

    /// It is `face` now, `elapsed` s after the last frame.
    pub(super) fn update(&mut self, face: Face, elapsed: f32) {
        let size = size(&face.rect);
        let (from, to) = (self.measured.rect.center(), face.rect.center());
        if elapsed > 0.0 {
            let share = 1.0 - (-elapsed / 0.1).exp();
            let follow = |v: &mut f32, moved: f32| *v += share * (moved / elapsed - *v);
            follow(&mut self.velocity.x, to.x - from.x);
            follow(&mut self.velocity.y, to.y - from.y);
        }
        let has_jumped = from.distance(to) > STILL * size;
        let share = if has_jumped { 1.0 } else { 1.0 - (-elapsed / SMOOTHING_S).exp() };
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

/// All faces that are known.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    /// In no order.
    pub(super) all: Vec<Track>,
    next: u32,
    /// Which of the faces found have a track; kept for its allocation.
    taken: Vec<bool>,
}

impl Tracks {
    /// Lets time pass, and forgets the faces that were not seen for `forget_after` s.
    pub(super) fn pass(&mut self, elapsed: f32, forget_after: f32) {
        for track in &mut self.all {
            track.age += elapsed;
            track.is_fresh = false;
            if !track.is_seen() {
                track.unseen += elapsed;
            }
            if let Some(unclassified) = &mut track.unclassified {
                *unclassified += elapsed;
            }
        }
        self.all.retain(|track| {
            let longest = if track.is_confirmed { forget_after } else { 0.0 };
            (track.is_seen() || track.unseen < longest) && elapsed < forget_after
        });
    }

    /// Forgets all faces.
    pub(super) fn forget(&mut self) {
        self.all.clear();
    }

    /// The face of this number.
    pub(super) fn get(&self, id: u32) -> Option<&Track> {
        self.all.iter().find(|track| track.id == id)
    }

    /// Whether every face is in the current frame.
    pub(super) fn are_all_seen(&self) -> bool {
        self.all.iter().all(Track::is_seen)
    }

    /// Joins the faces that a search found with the tracks that were not followed in this frame: the nearest pair first.
    /// What is left becomes a new track, or a track that was not seen.
    pub(super) fn join(&mut self, faces: &[Face], elapsed: f32) {
        self.taken.clear();
        self.taken.resize(faces.len(), false);
        while let Some((track, face)) = self.nearest(faces, elapsed) {
            self.all[track].update(faces[face], elapsed);
            self.taken[face] = true;
        }
        for track in self.all.iter_mut().filter(|track| !track.is_fresh && track.is_seen()) {
            track.unseen = elapsed.max(f32::MIN_POSITIVE);
        }
        for (face, _) in faces.iter().zip(&self.taken).filter(|(_, taken)| !**taken) {
            let is_double = self.all.iter().any(|it| it.face.rect.iou(&face.rect) > SAME / 2.0);
            if self.all.len() < MOST && !is_double {
                self.all.push(Track::new(self.next, *face));
                self.next = self.next.wrapping_add(1);
            }
        }
    }

    /// The track and the face that are nearest to each other, of those that belong to nothing yet.
    fn nearest(&self, faces: &[Face], elapsed: f32) -> Option<(usize, usize)> {
        let tracks = self.all.iter().enumerate().filter(|(_, track)| !track.is_fresh);
        let pairs = tracks.flat_map(|(at, track)| {
            let expected = track.expected(elapsed + track.unseen);
            let reach = REACH + REACH_PER_S * (elapsed + track.unseen).min(0.5);
            let free = faces.iter().enumerate().filter(|(face, _)| !self.taken[*face]);
            free.filter_map(move |(face, found)| {
                let off = offset(&expected, &found.rect)?;
                (off < reach).then_some((at, face, off))
            })
        });
        let nearest = pairs.min_by(|(.., a), (.., b)| a.total_cmp(b))?;
        Some((nearest.0, nearest.1))
    }

    /// After a sudden change of the picture nobody is taken for who was there before by the place alone.
    pub(super) fn doubt(&mut self) {
        self.all.iter_mut().for_each(|track| track.is_doubted = true);
    }

    /// Notes how every face of the current frame looks. One that is doubted and looks otherwise than before is another.
    pub(super) fn note_appearances(&mut self, frame: &Luma) {
        for track in self.all.iter_mut().filter(|track| track.is_fresh) {
            let now = Appearance::of(frame, &track.measured.rect);
            let last = track.appearance.replace(now);
            let is_doubted = std::mem::take(&mut track.is_doubted);
            if is_doubted && last.is_some_and(|last| last.likeness(&now) < SAME_LOOK) {
                *track = Track { appearance: Some(now), ..Track::new(self.next, track.measured) };
                self.next = self.next.wrapping_add(1);
            }
        }
    }

    /// Takes `face`, found by following track number `at` of [`Tracks::all`], for it; `false` where it is too far from
    /// where it was expected, or another track's.
    pub(super) fn follow(&mut self, at: usize, face: Option<Face>, elapsed: f32) -> bool {
        let expected = self.all[at].expected(elapsed + self.all[at].unseen);
        let found = face.filter(|face| {
            let is_near = offset(&expected, &face.rect).is_some_and(|off| off < REACH);
            let others =
                self.all.iter().enumerate().filter(|(other, it)| *other != at && it.is_seen());
            is_near && others.map(|(_, it)| it).all(|it| it.face.rect.iou(&face.rect) < SAME)
        });
        match found {
            Some(face) => self.all[at].update(face, elapsed),
            None if self.all[at].is_seen() => {
                self.all[at].unseen = elapsed.max(f32::MIN_POSITIVE);
            }
            None => {}
        }
        found.is_some()
    }
}

/// How far two boxes' centres are apart, in sizes of the face; `None` where they differ too much in size.
fn offset(a: &Rect, b: &Rect) -> Option<f32> {
    let (one, other) = (size(a), size(b));
    let is_like = one < other * GROWTH && other < one * GROWTH;
    is_like.then(|| a.center().distance(b.center()) / one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, side: f32) -> Face {
        Face { rect: Rect::new(x, y, side, side), score: 0.9, landmarks: None }
    }

    fn ids(tracks: &Tracks) -> Vec<u32> {
        tracks.all.iter().map(|track| track.id).collect()
    }

    fn step(tracks: &mut Tracks, faces: &[Face], elapsed: f32) {
        tracks.pass(elapsed, 1.0);
        tracks.join(faces, elapsed);
    }

    #[test]
    fn a_face_keeps_its_number_while_it_moves_at_any_rate() {
        for fps in [5.0, 8.0, 30.0] {
            let mut tracks = Tracks::default();
            for i in 0..(2.0 * fps) as usize {
                // Half its size in a second, past another face.
                let x = 30.0 * i as f32 / fps;
                step(
                    &mut tracks,
                    &[face(100.0 + x, 50.0, 60.0), face(300.0, 50.0, 60.0)],
                    1.0 / fps,
                );
            }
            assert_eq!(ids(&tracks), [0, 1], "{fps}");
        }
    }

    #[test]
    fn a_face_that_is_lost_for_a_moment_is_the_same_one_and_later_another() {
        let mut tracks = Tracks::default();
        for seen in [true, false, false, true, false, false, false, false, false, true] {
            let faces = [face(100.0, 50.0, 60.0)];
            step(&mut tracks, if seen { &faces } else { &[] }, 0.25);
            let now: Vec<bool> = tracks.all.iter().map(Track::is_seen).collect();
            assert!(now.is_empty() || now == [seen]);
        }
        assert_eq!(ids(&tracks), [1]);
    }

    #[test]
    fn after_a_long_gap_nobody_is_known() {
        let mut tracks = Tracks::default();
        step(&mut tracks, &[face(100.0, 50.0, 60.0)], 0.1);
        step(&mut tracks, &[face(100.0, 50.0, 60.0)], 2.0);
        assert_eq!(ids(&tracks), [1]);
    }

    #[test]
    fn a_small_face_in_front_of_a_large_one_is_another() {
        let mut tracks = Tracks::default();
        step(&mut tracks, &[face(100.0, 50.0, 100.0)], 0.1);
        step(&mut tracks, &[face(130.0, 80.0, 40.0)], 0.1);
        assert_eq!(ids(&tracks), [0, 1]);
        assert!(!tracks.all[0].is_seen() && tracks.all[1].is_seen());
    }

    #[test]
    fn boxes_are_smoothed_while_a_face_is_still_and_follow_it_when_it_moves() {
        let mut tracks = Tracks::default();
        step(&mut tracks, &[face(100.0, 50.0, 60.0)], 0.03);
        step(&mut tracks, &[face(104.0, 50.0, 60.0)], 0.03);
        let x = tracks.all[0].face.rect.x;
        assert!((100.5..103.0).contains(&x), "{x}");
        step(&mut tracks, &[face(124.0, 50.0, 60.0)], 0.03);
        assert_eq!(tracks.all[0].face.rect.x, 124.0);
    }

    #[test]
    fn what_is_followed_must_be_near_and_nobody_else_s() {
        let mut tracks = Tracks::default();
        step(&mut tracks, &[face(100.0, 50.0, 60.0), face(200.0, 50.0, 60.0)], 0.1);
        tracks.pass(0.1, 1.0);
        assert!(tracks.follow(0, Some(face(110.0, 50.0, 60.0)), 0.1));
        assert!(!tracks.follow(1, Some(face(112.0, 50.0, 60.0)), 0.1));
        assert!(!tracks.follow(1, None, 0.1));
        assert!(tracks.all[0].is_seen() && !tracks.all[1].is_seen());
    }

    #[test]
    fn a_crowd_is_bounded() {
        let mut tracks = Tracks::default();
        let crowd: Vec<Face> = (0..200).map(|i| face(i as f32 * 50.0, 0.0, 40.0)).collect();
        step(&mut tracks, &crowd, 0.1);
        step(&mut tracks, &crowd, 0.1);
        assert_eq!((tracks.all.len(), tracks.next), (MOST, MOST as u32));
    }
}
