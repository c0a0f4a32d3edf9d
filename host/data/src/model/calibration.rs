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
