//! A classifier's calibration in its graph's metadata; `emocue calibrate` fits it.

use emocue_models::decision::Decision;
use serde::{Deserialize, Serialize};

/// A classifier's calibration and how it was fitted. Part of a graph's metadata.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Divisor of the logits, `> 0`.
    pub temperature: f32,
    /// An answer whose top probability is below this is unsure, `0..=1`.
    pub threshold: f32,
    /// Name of the protocol, which defines the right class.
    pub protocol: String,
    /// Number of rows that it was fitted to.
    pub rows: usize,
    /// Expected calibration error on them before and after, `0..=1`.
    pub error: [f64; 2],
    /// At the threshold, the coverage (share of answers that are not unsure) and the accuracy of those answers,
    /// `0..=1`.
    #[serde(rename = "sure")]
    pub at_threshold: [f64; 2],
    /// Accuracy by coverage on these rows.
    pub curve: Vec<AbstentionPoint>,
    /// The other steps from the outputs to probabilities.
    #[serde(default, skip_serializing_if = "Decision::is_neutral")]
    pub decision: Decision,
    /// The figures under the conditions that it was also fitted to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionCalibration>,
}

/// The figures of a calibration under one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionCalibration {
    /// Name of the condition.
    pub condition: String,
    /// Accuracy, `0..=1`.
    pub accuracy: f64,
    /// Expected calibration error, `0..=1`.
    pub error: f64,
    /// At the threshold, the coverage and the accuracy of the answers that are not unsure, `0..=1`.
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
    /// The threshold on the top probability, `0..=1`.
    pub threshold: f32,
    /// Share of answers that are not unsure, `0..=1`.
    pub coverage: f64,
    /// Accuracy of those answers, `0..=1`.
    pub accuracy: f64,
}
