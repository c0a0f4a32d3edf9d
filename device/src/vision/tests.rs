//! Frames that are processed separately.

use emocue_models::geometry::Rect;
use emocue_models::label::{Expression, FERPLUS_8, VALENCE_3};

use super::*;

/// Finds one face per non-zero pixel at the start of the frame, with the pixel's value as its width, px.
struct PixelsAsFaces;

impl Detector for PixelsAsFaces {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        faces.clear();
        faces.extend(frame.pixels().iter().filter(|width| **width > 0).map(|width| Face {
            rect: Rect::new(0.0, 0.0, f32::from(*width), 10.0),
            score: 1.0,
            landmarks: None,
        }));
        Ok(())
    }
}

/// Answers happiness, with a probability that rises with the face's width.
struct WiderIsHappier(LabelSet, Vec<f32>);

impl Classifier for WiderIsHappier {
    fn labels(&self) -> LabelSet {
        self.0
    }

    fn classify(&mut self, _: &Luma, face: &Face) -> Result<&[f32], RunError> {
        let happy = face.rect.width / 100.0;
        self.1 = vec![(1.0 - happy) / 7.0; 8];
        self.1[1] = happy;
        Ok(&self.1)
    }
}

fn vision(threshold: f32) -> Vision {
    let classifier = Box::new(WiderIsHappier(FERPLUS_8, Vec::new()));
    let mut vision = Vision::new(Box::new(PixelsAsFaces), classifier, threshold).unwrap();
    vision.set_over_time(None);
    vision
}

fn frame(pixels: &[u8]) -> Luma {
    Luma::from_raw(pixels.len(), 1, pixels.to_vec()).unwrap()
}

#[test]
fn the_nearest_face_is_shown_and_all_are_reported() {
    let info =
        FrameInfo { source: "a.jpg".into(), index: 7, time_ms: Some(280), ..FrameInfo::default() };
    let mut vision = vision(0.5);
    let report = vision.look(&frame(&[90, 40]), &info).unwrap();
    assert_eq!(report.shown, Screen::looks(Expression::Happiness));
    let answers: Vec<_> = report.faces.iter().map(|face| face.answer).collect();
    assert_eq!(answers, [Answer::Looks(Expression::Happiness), Answer::Unsure]);
    assert_eq!(report.faces[0].probabilities[1], 0.9);
    let about = (report.source.as_str(), report.index, report.time_ms);
    assert_eq!(about, ("a.jpg", 7, Some(280)));
}

#[test]
fn nothing_stays_from_the_frame_before() {
    let (mut vision, info) = (vision(0.5), FrameInfo::default());
    vision.look(&frame(&[90, 80, 70]), &info).unwrap();
    let report = vision.look(&frame(&[60]), &info).unwrap();
    assert_eq!((report.faces.len(), report.faces[0].probabilities[1]), (1, 0.6));
    let report = vision.look(&frame(&[0]), &info).unwrap();
    assert_eq!((report.faces.len(), report.shown), (0, Answer::NoFace.into()));
}

#[test]
fn a_class_must_reach_the_threshold() {
    let info = FrameInfo::default();
    let shown = |threshold| vision(threshold).look(&frame(&[75]), &info).unwrap().shown;
    assert_eq!(shown(0.75), Screen::looks(Expression::Happiness));
    assert_eq!(shown(0.76), Answer::Unsure.into());
}

#[test]
fn classes_that_are_no_expressions_are_refused() {
    let classifier = Box::new(WiderIsHappier(VALENCE_3, Vec::new()));
    let error = Vision::new(Box::new(PixelsAsFaces), classifier, 0.5).err().unwrap().to_string();
    assert!(error.contains("valence-3"), "{error}");
}
