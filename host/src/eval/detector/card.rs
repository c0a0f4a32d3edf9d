//! The shape of what is measured, in memory and as JSON. Every share is `0..=1`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::curve::CurvePoint;
use super::interval::Figure;
use super::people::People;
use crate::eval::context::Environment;

/// The value of [`DetectorFile::format`].
pub const FORMAT: &str = "emocue-eval-detector-1";

/// Everything that one `emocue eval --detector` measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectorFile {
    /// [`FORMAT`].
    pub format: String,
    /// What it was measured with.
    pub environment: Environment,
    /// The command, without folders that tell who worked where.
    pub command: String,
    /// `"judging"`, `"training"` or `"all"`.
    pub half: String,
    /// The smallest face that was looked for, px of the frame; `null` where each detector's own holds.
    pub min_face: Option<f32>,
    /// Whose landmarks the detectors' are compared with.
    pub reference: Option<String>,
    /// Sets of marked faces.
    pub sets: Vec<SetInfo>,
    /// Pictures without faces.
    pub empty: Vec<SetInfo>,
    /// One for each detector.
    pub detectors: Vec<DetectorResult>,
}

/// What was read, of the half that is judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetInfo {
    /// Its folder's name.
    pub name: String,
    /// Pictures that were searched.
    pub pictures: usize,
    /// Faces marked in them, small ones included.
    pub faces: usize,
    /// Left out or changed by the reader, in the whole set.
    pub skipped: BTreeMap<String, usize>,
}

/// What one detector is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectorResult {
    /// As the command names it.
    pub name: String,
    /// Its own threshold.
    pub threshold: f32,
    /// The threshold with ten false alarms for each thousand empty pictures; `null` without such pictures.
    pub threshold_at_alarms: Option<f32>,
    /// False alarms for each thousand empty pictures at its own threshold.
    pub alarms_per_1000: Option<Figure>,
    /// Recall by kind and size of face.
    pub sizes: Vec<Row>,
    /// Area below precision over recall of faces of 40 px and more.
    pub average_precision: Option<Figure>,
    /// Recall of bare faces of 40 px and more, as they are and under each condition of the protocol.
    pub conditions: Vec<Row>,
    /// Recall by apparent group, in the light and in the dark.
    pub groups: Vec<Groups>,
    /// Mean distance of five landmarks from the reference's on upright faces, in distances of the eyes.
    pub landmark_error: Option<Figure>,
    /// None, one or several faces in a picture.
    pub people: Option<People>,
    /// Recall of faces of 40 px and more against false alarms on empty pictures.
    pub curve: Vec<CurvePoint>,
}

/// A recall at two thresholds; `null` where there is no such face or no such threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which faces.
    pub name: String,
    /// At the detector's own threshold.
    pub at_own: Option<Figure>,
    /// With ten false alarms for each thousand empty pictures.
    pub at_alarms: Option<Figure>,
}

/// Recall by apparent group, as a dataset labels it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Groups {
    /// The light: `"as it is"` or a condition's name.
    pub light: String,
    /// One for each group; groups of gender, age and origin overlap.
    pub rows: Vec<Row>,
    /// The group that is found least, at the detector's own threshold.
    pub worst: Option<String>,
    /// Its recall.
    pub worst_recall: Option<f64>,
    /// Difference between the groups that are found most and least.
    pub spread: Option<f64>,
}
