//! The choice of the face that the screen shows: it changes only if another face is clearly nearer for some time.

use emocue_config::Who;
use emocue_models::geometry::{Point, Rect};

use super::track::{Track, size};
use super::tracks::Tracks;

/// How many times nearer another face must be, and for how long, s.
const CLEARLY: f32 = 1.3;
const FOR_S: f32 = 1.0;

/// The shown face.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    id: Option<u32>,
    /// Another face that is clearly nearer, and for how long, s.
    rival: Option<(u32, f32)>,
}

impl Chosen {
    /// Chooses the face to show, `elapsed` s after the last frame; `frame` is the frame's size, px. A face that is not
    /// found for `hold` s is dropped.
    pub(super) fn choose(
        &mut self,
        tracks: &Tracks,
        who: Who,
        frame: (usize, usize),
        elapsed: f32,
        hold: f32,
    ) -> Option<u32> {
        let nearness = |track: &Track| nearness(who, &track.face.rect, frame);
        let seen = tracks.all.iter().filter(|track| track.is_seen() && track.is_confirmed);
        let nearest = seen.max_by(|a, b| nearness(a).total_cmp(&nearness(b)));
        let shown = self.id.and_then(|id| tracks.get(id)).filter(|track| track.unseen < hold);
        self.id = match (shown, nearest) {
            (None, nearest) => {
                self.rival = None;
                nearest.map(|track| track.id)
            }
            (Some(shown), Some(rival))
                if rival.id != shown.id && nearness(rival) > CLEARLY * nearness(shown) =>
            {
                let before = self.rival.filter(|(id, _)| *id == rival.id);
                let time = before.map_or(0.0, |(_, time)| time + elapsed);
                let wins = time >= FOR_S;
                self.rival = (!wins).then_some((rival.id, time));
                Some(if wins { rival.id } else { shown.id })
            }
            (Some(shown), _) => {
                self.rival = None;
                Some(shown.id)
            }
        };
        self.id
    }

    /// The shown face.
    pub(super) fn id(&self) -> Option<u32> {
        self.id
    }

    /// Resets to no face.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// The priority of a face: the face with the highest one is shown.
fn nearness(who: Who, rect: &Rect, (width, height): (usize, usize)) -> f32 {
    match who {
        Who::Nearest => size(rect),
        Who::Centre => {
            let (width, height) = (width as f32, height as f32);
            let off = rect.center().distance(Point::new(width / 2.0, height / 2.0));
            // All faces within a tenth of the diagonal from the centre are equal.
            1.0 / (0.1 * width.hypot(height)).max(off)
        }
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Face;

    use super::*;

    const FRAME: (usize, usize) = (640, 480);

    fn face(x: f32, side: f32) -> Face {
        Face { rect: Rect::new(x, 200.0, side, side), score: 0.9, landmarks: None }
    }

    /// The shown face after each frame at 10 frames per second, of scenes that last this many s each.
    fn shown(who: Who, scenes: &[(f32, &[Face])]) -> Vec<Option<u32>> {
        let (mut tracks, mut chosen, mut out) = (Tracks::default(), Chosen::default(), Vec::new());
        for (seconds, faces) in scenes {
            for _ in 0..(seconds * 10.0).round() as usize {
                tracks.pass(0.1, 1.0);
                tracks.join(faces, 0.1, true);
                out.push(chosen.choose(&tracks, who, FRAME, 0.1, 0.8));
            }
        }
        out
    }

    fn changes(shown: &[Option<u32>]) -> Vec<(usize, Option<u32>)> {
        let mut changes = vec![(0, shown[0])];
        changes.extend(
            (1..shown.len()).filter(|at| shown[*at] != shown[at - 1]).map(|at| (at, shown[at])),
        );
        changes
    }

    #[test]
    fn equally_near_faces_do_not_take_turns() {
        let sway = |i: usize| [face(100.0, 80.0 + i as f32), face(400.0, 84.0)];
        let faces: Vec<[Face; 2]> = (0..100).map(|i| sway(i * 7 % 13)).collect();
        let scenes: Vec<(f32, &[Face])> = faces.iter().map(|faces| (0.1, &faces[..])).collect();
        assert_eq!(changes(&shown(Who::Nearest, &scenes)).len(), 1);
    }

    #[test]
    fn a_face_that_is_clearly_nearer_for_a_while_is_shown() {
        let scenes: &[(f32, &[Face])] = &[
            (1.0, &[face(100.0, 80.0), face(400.0, 60.0)]),
            // Only for a moment.
            (0.5, &[face(100.0, 80.0), face(400.0, 120.0)]),
            (0.5, &[face(100.0, 80.0), face(400.0, 90.0)]),
            (2.0, &[face(100.0, 80.0), face(400.0, 120.0)]),
        ];
        let changes = changes(&shown(Who::Nearest, scenes));
        let [(0, Some(first)), (at, Some(second))] = changes[..] else { panic!("{changes:?}") };
        assert!((29..32).contains(&at) && first != second, "{changes:?}");
    }

    #[test]
    fn a_face_that_is_gone_is_given_up_after_the_hold() {
        let scenes: &[(f32, &[Face])] = &[
            (1.0, &[face(100.0, 80.0), face(400.0, 60.0)]),
            (0.5, &[face(400.0, 60.0)]),
            (0.5, &[face(100.0, 80.0), face(400.0, 60.0)]),
            (2.0, &[face(400.0, 60.0)]),
        ];
        let changes = changes(&shown(Who::Nearest, scenes));
        let [_, (at, Some(_))] = changes[..] else { panic!("{changes:?}") };
        assert!((27..30).contains(&at), "{changes:?}");
    }

    #[test]
    fn the_one_in_the_middle_is_shown_where_that_is_wished() {
        let faces = [face(280.0, 60.0), face(20.0, 120.0)];
        let first = |who| shown(who, &[(0.1, &faces)])[0];
        assert_eq!((first(Who::Nearest), first(Who::Centre)), (Some(1), Some(0)));
    }
}
