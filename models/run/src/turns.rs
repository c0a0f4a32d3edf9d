//! Searches of a turned frame between upright ones, for faces that are turned by more than a network detects.
//!
//! A badge that processes a stream searches only some of its frames. Every second search is upright; the others are
//! turned by the detector's turns ([`Detector::turns`]), in their order. So a search is one run of the network as
//! before, and a round has searched for every face.

use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;

use crate::{Detector, RunError};

/// IoU with a known face above which a detection is the same face.
pub const SAME: f32 = 0.25;

/// The order of upright and turned searches of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// Searches of this round that were made.
    made: usize,
}

impl Turns {
    /// By how many degrees the next search is turned, clockwise as faces are; 0 for upright.
    pub fn next(&self, turns: &[f32]) -> f32 {
        match self.made % 2 {
            0 => 0.0,
            _ => turns.get(self.made / 2).copied().unwrap_or(0.0),
        }
    }

    /// Counts the next search as made.
    pub fn made(&mut self, turns: &[f32]) {
        self.made = (self.made + 1) % round_of(turns).max(1);
    }

    /// Begins a round, with an upright search: for a change of the scene.
    pub fn begin(&mut self) {
        self.made = 0;
    }
}

/// How many searches make a round, in which every turn has its search.
pub fn round_of(turns: &[f32]) -> usize {
    if turns.is_empty() { 1 } else { 2 * turns.len() }
}

/// Which of `turns` (degrees), or 0 for upright, is nearest to a face that is turned by `roll` degrees.
pub fn nearest(turns: &[f32], roll: f32) -> f32 {
    let off = |turn: f32| (turn - roll).abs();
    turns.iter().copied().fold(0.0, |best, turn| if off(turn) < off(best) { turn } else { best })
}

/// Searches `frame` turned by `turn` degrees, or upright for 0; see [`Detector::detect_near`].
///
/// # Errors
/// [`RunError`] when a network fails.
pub fn search(
    detector: &mut dyn Detector,
    frame: &Luma,
    turn: f32,
    known: &[Rect],
    faces: &mut Vec<Face>,
) -> Result<(), RunError> {
    match turn {
        0.0 => detector.detect_near(frame, known, faces),
        _ => detector.detect_turned(frame, turn, known, faces),
    }
}

/// The faces that the searches of a whole round find in a still picture, each once and the largest first. A face that
/// scores `sure` (`0..=1`) or more keeps the position of the first search that found it, as on a badge.
///
/// # Errors
/// [`RunError`] when a network fails.
pub fn round(
    detector: &mut dyn Detector,
    frame: &Luma,
    sure: f32,
    faces: &mut Vec<Face>,
) -> Result<(), RunError> {
    detector.detect(frame, faces)?;
    let turns = detector.turns();
    if turns.is_empty() {
        return Ok(());
    }
    let mut turned = Vec::new();
    for turn in turns {
        detector.detect_turned(frame, *turn, &[], &mut turned)?;
        turned.iter().for_each(|face| join(faces, *face, sure));
    }
    faces.sort_unstable_by(|a, b| b.rect.area().total_cmp(&a.rect.area()));
    Ok(())
}

/// Adds a detection. Of two of one face the higher score counts, so that the face is there at every threshold that one
/// of them reaches; the position is the first one's if that was `sure`.
fn join(faces: &mut Vec<Face>, found: Face, sure: f32) {
    let same = |face: &Face| face.rect.iou(&found.rect) > SAME;
    let known = faces.iter_mut().filter(|face| same(face));
    let Some(best) = known.max_by(|a, b| a.score.total_cmp(&b.score)) else {
        faces.push(found);
        return;
    };
    if best.score >= sure {
        best.score = best.score.max(found.score);
    } else if best.score < found.score {
        faces.retain(|face| !same(face));
        faces.push(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(turns: &[f32], searches: usize) -> Vec<f32> {
        let mut next = Turns::default();
        let one = |_| {
            let turn = next.next(turns);
            next.made(turns);
            turn
        };
        (0..searches).map(one).collect()
    }

    #[test]
    fn every_second_search_is_upright_and_every_turn_has_its_own() {
        assert_eq!(order(&[45.0, -45.0], 6), [0.0, 45.0, 0.0, -45.0, 0.0, 45.0]);
        assert_eq!(order(&[90.0], 3), [0.0, 90.0, 0.0]);
        assert_eq!(order(&[], 3), [0.0; 3]);
        let (turns, mut next) = ([45.0, -45.0], Turns::default());
        next.made(&turns);
        next.begin();
        assert_eq!(next.next(&turns), 0.0);
        // Another detector in its place.
        next.made(&turns);
        assert_eq!(next.next(&[]), 0.0);
    }

    #[test]
    fn a_face_is_looked_for_as_it_was_turned() {
        let turned = |roll| nearest(&[45.0, -45.0], roll);
        let found = [0.0, 20.0, 30.0, 80.0, -10.0, -24.0, f32::NAN].map(turned);
        assert_eq!(found, [0.0, 0.0, 45.0, 45.0, 0.0, -45.0, 0.0]);
        assert_eq!(nearest(&[], 45.0), 0.0);
    }

    /// Finds one face upright, and two by each turn: the same once more, and another.
    struct Finds;

    fn face(x: f32, score: f32) -> Face {
        Face { rect: Rect::new(x, 0.0, 40.0, 40.0), score, landmarks: None }
    }

    impl Detector for Finds {
        fn detect(&mut self, _: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
            faces.clear();
            faces.push(face(0.0, 0.8));
            Ok(())
        }

        fn turns(&self) -> &'static [f32] {
            &[45.0, -45.0]
        }

        fn detect_turned(
            &mut self,
            _: &Luma,
            turn: f32,
            _: &[Rect],
            faces: &mut Vec<Face>,
        ) -> Result<(), RunError> {
            faces.clear();
            faces.extend([face(2.0, if turn > 0.0 { 0.9 } else { 0.7 }), face(300.0 + turn, 0.75)]);
            Ok(())
        }
    }

    #[test]
    fn a_round_finds_each_face_once_by_the_surest_search() {
        let mut faces = Vec::new();
        for (sure, first) in [(0.7, face(0.0, 0.9)), (0.85, face(2.0, 0.9))] {
            round(&mut Finds, &Luma::default(), sure, &mut faces).unwrap();
            faces.sort_by(|a, b| a.rect.x.total_cmp(&b.rect.x));
            assert_eq!(faces, [first, face(255.0, 0.75), face(345.0, 0.75)]);
        }
        search(&mut Finds, &Luma::default(), 0.0, &[], &mut faces).unwrap();
        assert_eq!(faces, [face(0.0, 0.8)]);
    }
}
