//! The badge's output for every frame, from its JSON lines.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Result;

/// Shown texts that are no answer about a face: states, and reasons for a missing answer.
const STATES: [&str; 11] = [
    "face-found",
    "too-dark",
    "too-far",
    "no-face",
    "paused",
    "last-minute",
    "session-ended",
    "camera-missing",
    "low-battery",
    "starting",
    "press-button",
];

/// A frame of the badge's output; unused fields are omitted.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Frame {
    /// Time since the stream's start, ms.
    pub(super) time_ms: u64,
    /// The class or state that the panel shows.
    pub(super) shown: String,
    /// Index of the face that is shown, in `faces`.
    pub(super) shown_face: Option<usize>,
    /// Whether the detector ran on the whole frame.
    pub(super) searched: bool,
    /// All faces, nearest first.
    pub(super) faces: Vec<FaceLine>,
}

/// A face of a frame.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct FaceLine {
    /// Its box.
    #[serde(rename = "box")]
    pub(super) rect: Box,
    /// Its eyes, mouth corners and nose, if detected.
    pub(super) landmarks: Option<Landmarks>,
    /// Its track number, with tracking.
    pub(super) track: Option<u32>,
    /// Probabilities by class.
    #[serde(default)]
    pub(super) probabilities: BTreeMap<String, f32>,
    /// Its single-frame answer.
    pub(super) answer: String,
}

/// A rectangle, px of the frame.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Box {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The landmarks that are used here; left is from the viewer's side.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Landmarks {
    pub(super) left_eye: Point,
    pub(super) right_eye: Point,
}

/// A point, px.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Box {
    /// Its centre.
    pub(super) fn centre(&self) -> Point {
        Point { x: self.x + self.width / 2.0, y: self.y + self.height / 2.0 }
    }

    /// Whether the centre of `other` is within half a box of this one's, so that it counts as the same face.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        let (here, there) = (self.centre(), other.centre());
        let half = self.width.max(self.height) / 2.0;
        (here.x - there.x).hypot(here.y - there.y) <= half
    }
}

impl Frame {
    /// The face that the panel shows, if it is in the frame.
    pub(super) fn face(&self) -> Option<&FaceLine> {
        self.faces.get(self.shown_face?)
    }

    /// Expression and box of the nearest face, if its answer is an expression.
    pub(super) fn nearest(&self) -> Option<(&str, &Box)> {
        let face = self.faces.first()?;
        is_expression(&face.answer).then_some((face.answer.as_str(), &face.rect))
    }
}

/// Whether the panel shows an answer about a face: an expression, or "unsure".
pub(super) fn is_answer(shown: &str) -> bool {
    !STATES.contains(&shown)
}

/// Whether the panel shows an expression.
pub(super) fn is_expression(shown: &str) -> bool {
    is_answer(shown) && shown != "unsure"
}

/// Parses one line.
pub(super) fn frame(line: &str) -> Result<Frame> {
    Ok(serde_json::from_str(line)
        .map_err(|e| format!("a line of `emocue-badge run` is invalid: {e}: {line}"))?)
}

/// Mean interval between frames, ms; 0 for a single frame.
pub(super) fn step_ms(frames: &[Frame]) -> f64 {
    match frames {
        [first, .., last] => (last.time_ms - first.time_ms) as f64 / (frames.len() - 1) as f64,
        _ => 0.0,
    }
}

/// Length of the stream, s.
pub(super) fn seconds(frames: &[Frame]) -> f64 {
    step_ms(frames) * frames.len() as f64 / 1e3
}

/// End of frame `index`, ms: the next frame's time, or one step after the last frame's.
pub(super) fn end_ms(frames: &[Frame], index: usize) -> f64 {
    let next = frames.get(index + 1).map(|frame| frame.time_ms as f64);
    next.unwrap_or_else(|| frames[index].time_ms as f64 + step_ms(frames))
}

/// Frames written by hand, for tests.
#[cfg(test)]
pub(super) mod by_hand {
    use super::*;

    /// Frames of `step_ms`, one per word: the shown answer, which is also the nearest face's answer. A word may be
    /// followed by `*` with a number of frames and by `@` with a horizontal position; `no-face` has no face.
    pub(in crate::steadiness) fn frames(step_ms: u64, words: &str) -> Vec<Frame> {
        let mut frames: Vec<Frame> = Vec::new();
        for word in words.split_whitespace() {
            let (word, count) = word.split_once('*').unwrap_or((word, "1"));
            let (shown, x) = word.split_once('@').unwrap_or((word, "100"));
            for _ in 0..count.parse().unwrap() {
                let time_ms = step_ms * frames.len() as u64;
                let (face, faces) = match shown {
                    "no-face" => ("null", String::new()),
                    _ => (
                        "0",
                        format!(
                            r#"{{"box":{{"x":{x},"y":50,"width":40,"height":40}},"answer":"{shown}"}}"#
                        ),
                    ),
                };
                let line = format!(
                    r#"{{"index":0,"time_ms":{time_ms},"shown":"{shown}","shown_face":{face},"searched":true,"faces":[{faces}]}}"#
                );
                frames.push(frame(&line).unwrap());
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_lasts_until_its_last_frame_ends() {
        let frames = by_hand::frames(125, "neutral*3 no-face");
        assert_eq!((seconds(&frames), end_ms(&frames, 0), end_ms(&frames, 3)), (0.5, 125.0, 500.0));
        assert_eq!(seconds(&frames[..1]), 0.0);
        assert!(frames[3].face().is_none() && frames[0].nearest().is_some());
    }

    #[test]
    fn states_are_not_answers() {
        let kinds = ["fear", "unsure", "no-face", "face-found", "too-dark"]
            .map(|shown| (is_answer(shown), is_expression(shown)));
        let expected =
            [(true, true), (true, false), (false, false), (false, false), (false, false)];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_line_that_is_something_else_is_named() {
        let error = frame(r#"{"shown":"fear"}"#).unwrap_err().to_string();
        assert!(error.contains("emocue-badge run") && error.contains("time_ms"), "{error}");
    }
}
