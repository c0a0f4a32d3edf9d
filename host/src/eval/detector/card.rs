//! The data of the results, in memory and as JSON. Every share is `0..=1`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::curve::CurvePoint;
use super::interval::Figure;
use super::people::People;
use crate::eval::context::Environment;

/// The value of [`DetectorFile::format`].
pub const FORMAT: &str = "emocue-eval-detector-1";

/// The results of one `emocue eval --detector`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectorFile {
    /// [`FORMAT`].
    pub format: String,
    /// The program and machine of the measurement.
    pub environment: Environment,
    /// The command line, without private paths.
    pub command: String,
    /// `"judging"`, `"training"` or `"all"`.
    pub half: String,
    /// The smallest face to detect, px of the frame; `null` if each detector's own setting applies.
    pub min_face: Option<f32>,
    /// The detector whose landmarks are the reference.
    pub reference: Option<String>,
    /// Sets of annotated faces.
    pub sets: Vec<SetInfo>,
    /// Pictures without faces.
    pub empty: Vec<SetInfo>,
    /// One for each detector.
    pub detectors: Vec<DetectorResult>,
}

/// A set of pictures, of the evaluated half.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetInfo {
    /// Its folder's name.
    pub name: String,
    /// Pictures that were searched.
    pub pictures: usize,
    /// Annotated faces in them, small ones included.
    pub faces: usize,
    /// Numbers of boxes and pictures left out or changed by the reader, in the whole set.
    pub skipped: BTreeMap<String, usize>,
}

/// The figures of one detector.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectorResult {
    /// Its name in the command line.
    pub name: String,
    /// Its own threshold.
    pub threshold: f32,
    /// The threshold with ten false alarms for each thousand empty pictures; `null` without such pictures.
    pub threshold_at_alarms: Option<f32>,
    /// False alarms for each thousand empty pictures at its own threshold.
    pub alarms_per_1000: Option<Figure>,
    /// Recall by kind and size of face.
    pub sizes: Vec<Row>,
    /// Average precision (area under the precision-recall curve) of faces of 40 px and more.
    pub average_precision: Option<Figure>,
    /// Recall of unoccluded faces of 40 px and more, clean and under each condition of the protocol.
    pub conditions: Vec<Row>,
    /// Recall by apparent group, clean and in low light.
    pub groups: Vec<Groups>,
    /// Mean distance of the five landmarks from the reference's on upright faces, in interocular distances.
    pub landmark_error: Option<Figure>,
    /// Classification of pictures by none, one or several faces.
    pub people: Option<People>,
    /// Recall of faces of 40 px and more against false alarms on empty pictures.
    pub curve: Vec<CurvePoint>,
}

/// A recall at two thresholds; `null` if there is no such face or no such threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The selection of faces.
    pub name: String,
    /// At the detector's own threshold.
    pub at_own: Option<Figure>,
    /// At the threshold with ten false alarms for each thousand empty pictures.
    pub at_alarms: Option<Figure>,
}

/// Recall by apparent group, as annotated in a dataset.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Groups {
    /// `"as it is"`, or the name of a condition.
    pub light: String,
    /// One for each group; groups of gender, age and origin overlap.
    pub rows: Vec<Row>,
    /// The group with the lowest recall, at the detector's own threshold.
    pub worst: Option<String>,
    /// Its recall.
    pub worst_recall: Option<f64>,
    /// Difference between the highest and the lowest recall of a group.
    pub spread: Option<f64>,
}
