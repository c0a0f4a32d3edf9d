//! Faces over time: drop-outs of the detector, and swaps of the shown face.

use super::log::{FaceLine, Frame};

/// A face that is missing for longer has left; a shorter gap is a drop-out, ms.
const AWAY_MS: u64 = 1_000;

/// Number of frames without any face between frames with one that are at most [`AWAY_MS`] apart.
pub(super) fn drop_outs(raw: &[Frame]) -> usize {
    let mut dropped = 0;
    let mut seen: Option<usize> = None;
    for (index, frame) in raw.iter().enumerate().filter(|(_, frame)| !frame.faces.is_empty()) {
        dropped += seen
            .filter(|last| frame.time_ms - raw[*last].time_ms <= AWAY_MS)
            .map_or(0, |last| index - last - 1);
        seen = Some(index);
    }
    dropped
}

/// Number of changes of the panel from one face to another while the first is still present.
///
/// With tracking, another face is another track, and the first is still present when its track is in this frame or in
/// one of the next second. Without tracking, another face is a box whose centre moves by more than half a box, and the
/// first is still present when a box of this frame is at its position.
pub(super) fn swaps(frames: &[Frame]) -> usize {
    let mut swaps = 0;
    let mut shown: Option<&FaceLine> = None;
    for (index, frame) in frames.iter().enumerate() {
        let Some(face) = frame.face() else { continue };
        if let Some(before) = shown {
            swaps += usize::from(match (before.track, face.track) {
                (Some(old), Some(new)) => old != new && is_back(old, &frames[index..]),
                _ => {
                    let here = |other: &FaceLine| before.rect.is_near(&other.rect);
                    !here(face) && frame.faces.iter().any(here)
                }
            });
        }
        shown = Some(face);
    }
    swaps
}

/// Whether `track` is in the first of `frames`, or in one of the second after it.
fn is_back(track: u32, frames: &[Frame]) -> bool {
    let until = frames.first().map_or(0, |frame| frame.time_ms + AWAY_MS);
    let soon = frames.iter().take_while(|frame| frame.time_ms <= until);
    soon.flat_map(|frame| &frame.faces).any(|face| face.track == Some(track))
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::*;

    /// Frames with the same two faces, of which the one at `x` is the nearer.
    fn two(nearer: &[&str]) -> Vec<Frame> {
        let words = nearer.iter().map(|x| format!("fear@{x}")).collect::<Vec<_>>().join(" ");
        let mut frames = frames(100, &words);
        for frame in &mut frames {
            let mut other = frame.faces[0].clone();
            other.rect.x = if other.rect.x == 100.0 { 400.0 } else { 100.0 };
            frame.faces.push(other);
        }
        frames
    }

    #[test]
    fn frames_without_a_face_count_where_it_comes_back_soon() {
        assert_eq!(
            drop_outs(&frames(100, "no-face*3 fear no-face*2 fear no-face fear no-face*4")),
            3
        );
        // With nine frames the gap is one second; with ten it is longer, so the face has left.
        assert_eq!(drop_outs(&frames(100, "fear no-face*9 fear no-face*10 fear")), 9);
        assert_eq!(drop_outs(&[]), 0);
    }

    #[test]
    fn the_nearest_of_two_that_changes_is_a_swap() {
        assert_eq!(swaps(&two(&["100", "400", "400", "100"])), 2);
        // A moving face and a cut to another scene are no swaps.
        assert_eq!(swaps(&frames(100, "fear@100 fear@115 fear@130")), 0);
        assert_eq!(swaps(&frames(100, "fear@100 fear@400")), 0);
    }

    #[test]
    fn tracks_say_which_face_is_shown() {
        let mut frames = two(&["100"; 14]);
        for frame in &mut frames {
            frame.faces[0].track = Some(1);
            frame.faces[1].track = Some(2);
        }
        assert_eq!(swaps(&frames), 0);
        frames[5..].iter_mut().for_each(|frame| frame.shown_face = Some(1));
        assert_eq!(swaps(&frames), 1);
        // The first face has left, so the panel had to change.
        frames[5..].iter_mut().for_each(|frame| {
            frame.faces.remove(0);
            frame.shown_face = Some(0);
        });
        assert_eq!(swaps(&frames), 0);
        // The first face is back within a second, and the second face follows.
        frames[12].faces[0].track = Some(1);
        assert_eq!(swaps(&frames), 2);
    }
}
