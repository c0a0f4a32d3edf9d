//! Inference of a bundle's networks: tract sessions behind two small traits.
//!
//! ```
//! use emocue_models::{bundle::Bundle, luma::Luma};
//! use emocue_run::{Classifier, Networks};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../bundles/default.emocue");
//! # let frame = Luma::new(640, 480);
//! let bytes = std::fs::read(file)?;
//! let mut networks = Networks::from_bundle(&Bundle::read(&bytes)?, None)?;
//! let mut faces = Vec::new();
//! networks.detector.detect(&frame, &mut faces)?;
//! for face in &faces {
//!     println!("{:?}", networks.classifier.classify(&frame, face)?);
//! }
//! # Ok(())
//! # }
//! ```

pub mod acceptance;
mod area;
pub mod classifier;
mod graph;
pub mod haar;
mod integer;
mod load;
pub mod mtcnn;
pub mod networks;
mod operators;
pub mod portraits;
mod self_test;
pub mod session;
pub mod single_shot;
pub mod stretch;
pub mod turns;

use emocue_models::failure::{Failure, exit};
use emocue_models::geometry::{Face, Rect};
use emocue_models::label::LabelSet;
use emocue_models::luma::Luma;

pub use classifier::ExpressionNet;
pub use integer::RegionReport;
pub use networks::Networks;
pub use self_test::{SelfTestError, self_test};
pub use session::{Recorded, Session};

/// A model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
#[error("{model}: {what}: {reason}")]
pub struct RunError {
    /// Which model, as the bundle names it.
    pub model: String,
    /// What was being done: `"cannot read the ONNX graph"`.
    pub what: &'static str,
    /// The runtime's message.
    pub reason: String,
}

impl Failure for RunError {
    fn help(&self) -> Option<String> {
        match self.what {
            load::CHOICE => Some(format!(
                "Leave {} out of the environment; it is for tests.",
                emocue_kernels::VARIABLE
            )),
            networks::MIN_FACE => {
                Some("Choose another --min-face, or min_face under [look].".to_owned())
            }
            _ => None,
        }
    }

    fn exit_code(&self) -> u8 {
        if self.what == networks::MIN_FACE { exit::USAGE } else { exit::NETWORK }
    }
}

/// Finds faces in a frame.
pub trait Detector {
    /// Writes the faces of `frame` into `faces` (cleared first), largest first.
    ///
    /// # Errors
    /// [`RunError`] when a network fails.
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError>;

    /// As [`Detector::detect`], with lower thresholds near faces that are already known (`known`, boxes in px).
    ///
    /// # Errors
    /// As for [`Detector::detect`].
    fn detect_near(
        &mut self,
        frame: &Luma,
        known: &[Rect],
        faces: &mut Vec<Face>,
    ) -> Result<(), RunError> {
        let _ = known;
        self.detect(frame, faces)
    }

    /// Turns by which it can search for faces that an upright search misses, degrees clockwise; see [`turns`].
    fn turns(&self) -> &'static [f32] {
        &[]
    }

    /// As [`Detector::detect_near`], for faces that are turned by about `turn` degrees clockwise. This is one run of
    /// the network, too.
    ///
    /// # Errors
    /// As for [`Detector::detect`].
    fn detect_turned(
        &mut self,
        frame: &Luma,
        turn: f32,
        known: &[Rect],
        faces: &mut Vec<Face>,
    ) -> Result<(), RunError> {
        let _ = turn;
        self.detect_near(frame, known, faces)
    }

    /// A report for each integer region of its loaded networks, with the network's name.
    fn regions(&self) -> Vec<(&str, &RegionReport)> {
        Vec::new()
    }

    /// Whether [`Detector::follow`] finds faces; otherwise every frame must be searched.
    fn can_follow(&self) -> bool {
        false
    }

    /// Finds one face again that is expected near `expected` (px), turned by about `roll` degrees clockwise, at a
    /// fraction of a search's cost; `None` when it is not found.
    ///
    /// # Errors
    /// As for [`Detector::detect`].
    fn follow(
        &mut self,
        frame: &Luma,
        expected: &Rect,
        roll: f32,
    ) -> Result<Option<Face>, RunError> {
        let _ = (frame, expected, roll);
        Ok(None)
    }
}

/// Classifies the expression of a face.
pub trait Classifier {
    /// The classes, in the order of the probabilities.
    fn labels(&self) -> LabelSet;

    /// Calibrated probabilities of one face of `frame`, one per class, each `0..=1`, sum 1.
    ///
    /// # Errors
    /// [`RunError`] when the network fails.
    fn classify(&mut self, frame: &Luma, face: &Face) -> Result<&[f32], RunError>;
}
