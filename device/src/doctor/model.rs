//! Whether the networks still answer as they should: the embedded portraits.

use std::path::Path;
use std::time::{Duration, Instant};

use emocue_models::label::Expression;
use emocue_models::luma::Luma;
use emocue_run::RunError;

use super::Outcome;
use crate::answer::Answer;
use crate::camera::{Camera, CameraError, FrameInfo, Stills};
use crate::load::{describe, load};
use crate::show::words::id;
use crate::vision::Vision;
use emocue_run::portraits::PORTRAITS;

/// What each portrait looks like to the bundle inside this program. Any other must at least see the broad smile.
const ANSWERS: [(Answer, bool); PORTRAITS.len()] =
    [(Answer::Looks(Expression::Happiness), true), (Answer::Looks(Expression::Neutral), false)];

/// Networks that do not answer as they should.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// A portrait cannot be read.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// A network failed.
    #[error(transparent)]
    Vision(#[from] RunError),
    /// Another number of faces than one.
    #[error("{portrait}: {faces} faces found instead of one")]
    Faces {
        /// The portrait's file name.
        portrait: &'static str,
        /// How many were found.
        faces: usize,
    },
    /// Another answer.
    #[error("{portrait}: {} instead of {}", id(*answer), id(*expected))]
    Answer {
        /// The portrait's file name.
        portrait: &'static str,
        /// What it said.
        answer: Answer,
        /// What it should have said.
        expected: Answer,
    },
}

/// Looks at the embedded portraits, and returns the time that the last look took.
///
/// `built_in` tells that the networks are those inside this program, of which every answer is known.
///
/// # Errors
/// [`SelfTestError`] when a network fails or answers otherwise.
pub fn self_test(vision: &mut Vision, built_in: bool) -> Result<Duration, SelfTestError> {
    let (mut camera, mut frame, mut info) =
        (Stills::portraits(), Luma::default(), FrameInfo::default());
    let mut took = Duration::ZERO;
    for (portrait, (expected, always)) in PORTRAITS.iter().zip(ANSWERS) {
        let portrait = portrait.file;
        camera.next(&mut frame, &mut info)?;
        let start = Instant::now();
        let report = vision.look(&frame, &info)?;
        took = start.elapsed();
        let (faces, answer) = (report.faces.len(), report.shown);
        if faces != 1 {
            return Err(SelfTestError::Faces { portrait, faces });
        }
        if (built_in || always) && answer != expected {
            return Err(SelfTestError::Answer { portrait, answer, expected });
        }
    }
    Ok(took)
}

/// How the bundle in `bundle`, or the one inside this program, does in the self-test.
pub(super) fn check(bundle: Option<&Path>) -> Outcome {
    let mend = match bundle {
        Some(_) => {
            "leave bundle out of [look] to use the one inside this program, or pack it again"
        }
        None => "copy the program again; its file is damaged, or this processor computes wrongly",
    };
    let described = describe(bundle).and_then(|text| Ok((text, load(bundle, None)?)));
    match described {
        Err(error) => Outcome::problem(error.to_string(), mend),
        Ok((text, mut vision)) => match self_test(&mut vision, bundle.is_none()) {
            Ok(took) => {
                let milliseconds = took.as_secs_f64() * 1e3;
                Outcome::ok(format!(
                    "{text}; both portraits as expected, {milliseconds:.0} ms each"
                ))
            }
            Err(error) => Outcome::problem(format!("{text}; {error}"), mend),
        },
    }
}
