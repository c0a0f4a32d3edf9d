//! Tracks: the association of faces between frames. Their identifiers are only in memory and are dropped with the
//! track.

use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;
use emocue_models::steady::SteadySettings;
use emocue_run::turns;

use super::appearance::Appearance;
use super::track::{CONFIRMED_AFTER_S, Track, size};

/// Most faces that are tracked.
pub(super) const MOST: usize = 64;

/// How far a face's centre may be from its predicted position, in sizes of the face, and how much more per second.
const REACH: f32 = 0.5;
const REACH_PER_S: f32 = 1.0;

/// Largest factor by which a face's size may change from one frame to the next.
const GROWTH: f32 = 1.7;

/// Correlation of two appearances below which a face's appearance has changed; the second is for a box that moved by
/// more than the third, in sizes of the face.
const SAME_LOOK: f32 = 0.65;
const SAME_LOOK_MOVED: f32 = 0.42;
const MOVED: f32 = 0.1;

/// Two tracks with a higher IoU are one face; a new face must overlap less than [`turns::SAME`].
const SAME: f32 = 0.5;

/// All known faces.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    /// In no order.
    pub(super) all: Vec<Track>,
    next: u32,
    /// Which of the faces found have a track; kept for its allocation.
    taken: Vec<bool>,
}

impl Tracks {
    /// Advances the time by `elapsed` s, and drops faces that were not found for `forget_after` s.
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

    /// The face with this identifier.
    pub(super) fn get(&self, id: u32) -> Option<&Track> {
        self.all.iter().find(|track| track.id == id)
    }

    /// The roll of the face that has been missing for the longest time, degrees clockwise; `None` while none is
    /// missing.
    pub(super) fn missing_roll(&self) -> Option<f32> {
        let missing = self.all.iter().filter(|track| !track.is_seen());
        missing.max_by(|a, b| a.unseen.total_cmp(&b.unseen)).map(|track| track.measured.roll())
    }

    /// Whether every face is in the current frame.
    pub(super) fn are_all_seen(&self) -> bool {
        self.all.iter().all(Track::is_seen)
    }

    /// Joins the faces that a search found with the tracks that were not followed in this frame: the nearest pair
    /// first. Each remaining face becomes a new track; each remaining track counts as not found, if the search
    /// `sees_all`.
    pub(super) fn join(&mut self, faces: &[Face], elapsed: f32, sees_all: bool) {
        self.taken.clear();
        self.taken.resize(faces.len(), false);
        while let Some((track, face)) = self.nearest(faces, elapsed) {
            self.all[track].update(faces[face], elapsed);
            self.taken[face] = true;
        }
        let left = self.all.iter_mut().filter(|track| !track.is_fresh && track.is_seen());
        for track in left.filter(|_| sees_all) {
            track.unseen = elapsed.max(f32::MIN_POSITIVE);
        }
        for (face, _) in faces.iter().zip(&self.taken).filter(|(_, taken)| !**taken) {
            let is_double = self.all.iter().any(|it| it.face.rect.iou(&face.rect) > turns::SAME);
            if self.all.len() < MOST && !is_double {
                let mut track = Track::new(self.next, *face);
                // At a low frame rate the next frame comes later than that.
                track.is_confirmed |= elapsed >= CONFIRMED_AFTER_S;
                self.all.push(track);
                self.next = self.next.wrapping_add(1);
            }
        }
    }

    /// The nearest pair of a track and a face, of those that are not associated yet.
    fn nearest(&self, faces: &[Face], elapsed: f32) -> Option<(usize, usize)> {
        let tracks = self.all.iter().enumerate().filter(|(_, track)| !track.is_fresh);
        let pairs = tracks.flat_map(|(at, track)| {
            let unmeasured = track.unmeasured(elapsed);
            let expected = track.expected(unmeasured);
            let reach = REACH + REACH_PER_S * unmeasured.min(0.5);
            let free = faces.iter().enumerate().filter(|(face, _)| !self.taken[*face]);
            free.filter_map(move |(face, found)| {
                let off = offset(&expected, &found.rect)?;
                (off < reach).then_some((at, face, off))
            })
        });
        let nearest = pairs.min_by(|(.., a), (.., b)| a.total_cmp(b))?;
        Some((nearest.0, nearest.1))
    }

    /// After a sudden change of the picture, position alone does not identify a face.
    pub(super) fn doubt(&mut self) {
        self.all.iter_mut().for_each(|track| track.is_doubted = true);
    }

    /// Stores the appearance of every face of the current frame. A face whose appearance has changed is classified
    /// immediately, and its average is discounted; a doubted one counts as another face.
    pub(super) fn note_appearances(&mut self, frame: &Luma, settings: &SteadySettings) {
        for track in self.all.iter_mut().filter(|track| track.is_fresh) {
            let now = Appearance::of(frame, &track.measured.rect);
            let last = track.appearance.replace(now);
            let is_doubted = std::mem::take(&mut track.is_doubted);
            // A box that moved shows another part of the same face.
            let has_moved = !is_doubted && track.moved > MOVED;
            let least = if has_moved { SAME_LOOK_MOVED } else { SAME_LOOK };
            if last.is_none_or(|last| last.likeness(&now) >= least) {
                continue;
            }
            track.unclassified = None;
            track.steady.discount(settings);
            if is_doubted {
                *track = Track::new(self.next, track.measured);
                track.appearance = Some(now);
                self.next = self.next.wrapping_add(1);
            }
        }
    }

    /// Assigns `face`, found by following track number `at` of [`Tracks::all`]; `false` if it is too far from its
    /// predicted position, or belongs to another track.
    pub(super) fn follow(&mut self, at: usize, face: Option<Face>, elapsed: f32) -> bool {
        let expected = self.all[at].expected(self.all[at].unmeasured(elapsed));
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
        tracks.join(faces, elapsed, true);
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
