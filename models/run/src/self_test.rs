//! The self-test: the networks' answers for the embedded portraits.

use std::time::{Duration, Instant};

use emocue_models::decide::decide;
use emocue_models::failure::{Failure, exit};
use emocue_models::label::Expression;
use emocue_models::picture::{self, PictureError, Rules};

use crate::portraits::PORTRAITS;
use crate::{Classifier, Detector, RunError};

/// The default bundle's answer for each portrait, and whether every other bundle must give it: only for the broad
/// smile.
const EXPECTED: [(Expression, bool); PORTRAITS.len()] =
    [(Expression::Happiness, true), (Expression::Neutral, false)];

/// A failed self-test.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// A portrait cannot be decoded.
    #[error("{portrait}: {reason}")]
    Picture {
        /// The portrait's file name.
        portrait: &'static str,
        /// Why not.
        reason: PictureError,
    },
    /// A network failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Another number of faces than one.
    #[error("{portrait}: {faces} faces found instead of one")]
    Faces {
        /// The portrait's file name.
        portrait: &'static str,
        /// How many were found.
        faces: usize,
    },
    /// Another answer.
    #[error("{portrait}: {} instead of {}", .answer.map_or("unsure", Expression::name), .expected.name())]
    Answer {
        /// The portrait's file name.
        portrait: &'static str,
        /// What it looked like; `None` for unsure.
        answer: Option<Expression>,
        /// What it should have looked like.
        expected: Expression,
    },
}

impl Failure for SelfTestError {
    fn exit_code(&self) -> u8 {
        exit::NETWORK
    }
}

/// Runs the networks on the embedded portraits, and returns the time that the last one took.
///
/// `threshold` is the bundle's. `built_in` says that the networks are those of the default bundle, of which every
/// answer is known.
///
/// # Errors
/// [`SelfTestError`] when a network fails or answers differently.
pub fn self_test(
    detector: &mut dyn Detector,
    classifier: &mut dyn Classifier,
    threshold: f32,
    built_in: bool,
) -> Result<Duration, SelfTestError> {
    let labels = classifier.labels();
    let mut faces = Vec::new();
    let mut took = Duration::ZERO;
    for (portrait, (expected, always)) in PORTRAITS.iter().zip(EXPECTED) {
        let frame = picture::decode(portrait.jpeg, &Rules::BADGE)
            .map_err(|reason| SelfTestError::Picture { portrait: portrait.file, reason })?;
        let portrait = portrait.file;
        let start = Instant::now();
        detector.detect(&frame, &mut faces)?;
        let mut answer = None;
        for face in faces.iter().rev() {
            // The nearest face comes first, so its answer is the one that stays.
            let class = decide(classifier.classify(&frame, face)?, threshold);
            answer = class.and_then(|class| labels.expression(class));
        }
        took = start.elapsed();
        if faces.len() != 1 {
            return Err(SelfTestError::Faces { portrait, faces: faces.len() });
        }
        if (built_in || always) && answer != Some(expected) {
            return Err(SelfTestError::Answer { portrait, answer, expected });
        }
    }
    Ok(took)
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::{Face, Rect};
    use emocue_models::label::{FERPLUS_8, LabelSet};
    use emocue_models::luma::Luma;

    use super::*;

    /// Finds this number of faces.
    struct Finds(usize);

    impl Detector for Finds {
        fn detect(&mut self, _: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
            let rect = Rect::new(0.0, 0.0, 10.0, 10.0);
            faces.clear();
            faces.resize(self.0, Face { rect, score: 1.0, landmarks: None });
            Ok(())
        }
    }

    /// Answers the same for every face.
    struct Says([f32; 8]);

    impl Classifier for Says {
        fn labels(&self) -> LabelSet {
            FERPLUS_8
        }

        fn classify(&mut self, _: &Luma, _: &Face) -> Result<&[f32], RunError> {
            Ok(&self.0)
        }
    }

    fn says(expression: Expression) -> Says {
        let mut probabilities = [0.0; 8];
        probabilities[FERPLUS_8.index_of(expression.name()).unwrap()] = 0.9;
        Says(probabilities)
    }

    fn failure(faces: usize, mut says: Says, threshold: f32, built_in: bool) -> Option<String> {
        let tested = self_test(&mut Finds(faces), &mut says, threshold, built_in);
        tested.err().map(|error| error.to_string())
    }

    #[test]
    fn every_bundle_must_see_one_face_and_the_smile() {
        let happy = || says(Expression::Happiness);
        assert_eq!(failure(1, happy(), 0.5, false), None);
        for (failed, text) in [
            (failure(2, happy(), 0.5, false), "astronaut.jpg: 2 faces found instead of one"),
            (failure(0, happy(), 0.5, false), "astronaut.jpg: 0 faces found instead of one"),
            (failure(1, happy(), 0.95, false), "astronaut.jpg: unsure instead of happiness"),
            (
                failure(1, says(Expression::Fear), 0.5, false),
                "astronaut.jpg: fear instead of happiness",
            ),
        ] {
            assert_eq!(failed.as_deref(), Some(text));
        }
    }

    #[test]
    fn of_the_default_bundle_every_answer_is_known() {
        let failed = failure(1, says(Expression::Happiness), 0.5, true);
        assert_eq!(failed.as_deref(), Some("grace_hopper.jpg: happiness instead of neutral"));
    }
}
