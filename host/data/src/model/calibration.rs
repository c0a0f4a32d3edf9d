//! A classifier's calibration as its graph carries it; `emocue calibrate` fits it.

use emocue_models::decision::Decision;
use serde::{Deserialize, Serialize};

/// A classifier's calibration and how it was found. Part of a graph's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Logits are divided by it, above 0.
    pub temperature: f32,
    /// Below this probability an answer is unsure, `0..=1`.
    pub threshold: f32,
    /// Which class was right: a protocol's name.
    pub protocol: String,
    /// Rows that it was fitted to.
    pub rows: usize,
    /// Expected calibration error on them before and after, `0..=1`.
    pub error: [f64; 2],
    /// At the threshold, the coverage (share of them that is answered) and the accuracy of those, `0..=1`.
    #[serde(rename = "sure")]
    pub at_threshold: [f64; 2],
    /// Accuracy by coverage on them.
    pub curve: Vec<AbstentionPoint>,
    /// What else happens to the outputs on their way to probabilities.
    #[serde(default, skip_serializing_if = "Decision::is_neutral")]
    pub decision: Decision,
    /// The same rows under the conditions that it was fitted to, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionCalibration>,
}

/// What a calibration is worth under one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionCalibration {
    /// Its name.
    pub condition: String,
    /// Share of right answers, `0..=1`.
    pub accuracy: f64,
    /// Expected calibration error, `0..=1`.
    pub error: f64,
    /// At the threshold, the coverage and the accuracy of those answers, `0..=1`.
    #[serde(rename = "sure")]
    pub at_threshold: [f64; 2],
    /// Accuracy by coverage.
    pub curve: Vec<AbstentionPoint>,
}

impl Calibration {
    /// Its figures by name, for a manifest.
    pub fn figures(&self) -> Vec<(String, f64)> {
        let mut figures = vec![
            ("calibration.rows".to_owned(), self.rows as f64),
            ("calibration.error.before".to_owned(), self.error[0]),
            ("calibration.error.after".to_owned(), self.error[1]),
            ("calibration.sure.answered".to_owned(), self.at_threshold[0]),
            ("calibration.sure.right".to_owned(), self.at_threshold[1]),
        ];
        for point in &self.curve {
            let at = format!("calibration.right.at.{:.3}", point.coverage);
            figures.push((at, point.accuracy));
        }
        for it in &self.conditions {
            let name = |what: &str| {
                format!("calibration.condition.{}.{what}", it.condition.replace(' ', "-"))
            };
            figures.push((name("error"), it.error));
            figures.push((name("sure.answered"), it.at_threshold[0]));
            figures.push((name("sure.right"), it.at_threshold[1]));
        }
        figures
    }
}

/// Coverage and accuracy of the answers at or above a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbstentionPoint {
    /// The lowest top probability that is still answered, `0..=1`.
    pub threshold: f32,
    /// Share of rows answered, `0..=1`.
    pub coverage: f64,
    /// Accuracy on those, `0..=1`.
    pub accuracy: f64,
}
