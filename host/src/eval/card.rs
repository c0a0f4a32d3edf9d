//! The data of results, in memory and as JSON.
//!
//! `emocue eval --json` prints an [`EvalFile`]; the fields' names are its keys. Keys may be added; existing keys keep
//! their meaning as long as [`EvalFile::format`] is the same. Every share is `0..=1`.

use serde::{Deserialize, Serialize};

use super::conditions::ConditionsResult;
use super::context::Environment;
use super::groups::GroupsResult;
use emocue_data::model::AbstentionPoint;
use emocue_data::model::ClassifierModel;

use super::context::portable;
use super::metrics::{Averages, ClassScores, ReliabilityBin, Scores};

/// The value of [`EvalFile::format`].
pub const FORMAT: &str = "emocue-eval-1";

/// The results of one `emocue eval`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvalFile {
    /// [`FORMAT`].
    pub format: String,
    /// The program and machine of the measurement.
    pub environment: Environment,
    /// The command line, without private paths.
    pub command: String,
    /// One for each network, ensemble or cross-validation.
    pub evaluations: Vec<Evaluation>,
}

/// The evaluation of one network, or of the mean of several, on one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The networks' names.
    pub name: String,
    /// The averaged networks, or the network of each fold.
    pub models: Vec<ModelInfo>,
    /// Identifier of the label set of the answers.
    pub labels: String,
    /// The dataset's layout, such as `"fer2013"`.
    pub dataset: String,
    /// Whether probabilities are averaged over the picture and its mirror image.
    pub flip: bool,
    /// Largest random shift and scaling of every face, as a fraction of its side; 0 for none.
    pub jitter: f32,
    /// Results by split; empty for a cross-validation.
    pub splits: Vec<SplitResult>,
    /// Results by fold, for a cross-validation.
    pub folds: Option<FoldsResult>,
    /// Figures by apparent group; absent if not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupsResult>,
}

/// Figures on one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitResult {
    /// `"Training"`, `"PublicTest"` or `"PrivateTest"`.
    pub split: String,
    /// Its rows; a protocol may score fewer.
    pub rows: usize,
    /// Number of test rows whose pixels also occur in Training.
    pub also_in_training: usize,
    /// One for each protocol that applies.
    pub protocols: Vec<ProtocolResult>,
}

/// Figures by one protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtocolResult {
    /// `"ferplus.plurality"`, `"ferplus.authors"`, `"ferplus.majority"` or `"label"`.
    pub protocol: String,
    /// Description of the protocol.
    pub about: String,
    /// Figures on all rows that the protocol scores.
    pub all: ScoreCard,
    /// Figures without the rows whose pixels also occur in Training; `null` if there is no such row.
    pub not_in_training: Option<ScoreCard>,
    /// Figures under each condition; absent if not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<ConditionsResult>,
}

/// Figures of a cross-validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldsResult {
    /// Number of folds.
    pub count: usize,
    /// The division's seed.
    pub seed: u64,
    /// Whether rows were grouped by subject, which is the case if any row of the dataset has one.
    pub by_subject: bool,
    /// One for each protocol that applies.
    pub protocols: Vec<FoldedProtocol>,
}

/// A cross-validation's figures by one protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldedProtocol {
    /// As in [`ProtocolResult::protocol`].
    pub protocol: String,
    /// Description of the protocol.
    pub about: String,
    /// Accuracy over the evaluated folds.
    pub accuracy: Spread,
    /// Macro F1 over the evaluated folds.
    pub macro_f1: Spread,
    /// Each evaluated fold.
    pub folds: Vec<FoldResult>,
    /// Figures of all evaluated folds' answers together.
    pub pooled: ScoreCard,
}

/// One fold's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldResult {
    /// Counts from 1.
    pub fold: usize,
    /// Figures on its test rows.
    pub card: ScoreCard,
}

/// Mean and sample standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation; 0 for a single value.
    pub deviation: f64,
}

/// Figures of one set of answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreCard {
    /// Identifier of the label set of the classes.
    pub labels: String,
    /// Rows scored.
    pub rows: usize,
    /// Accuracy.
    pub accuracy: f64,
    /// Means over the classes that occur, all with the same weight.
    pub macro_average: Averages,
    /// Means over the classes, weighted by their frequency.
    pub weighted_average: Averages,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// An answer whose top probability is below this is unsure.
    pub threshold: f32,
    /// Share of answers that are not unsure.
    #[serde(rename = "sure_coverage")]
    pub coverage: f64,
    /// Accuracy of those answers.
    #[serde(rename = "sure_accuracy")]
    pub accuracy_at_threshold: f64,
    /// Figures by class, in the label set's order.
    pub classes: Vec<ClassScores>,
    /// Counts, row: truth, column: answer.
    pub confusion: Vec<Vec<usize>>,
    /// The confusion matrix normalised by rows.
    pub confusion_normalised: Vec<Vec<f64>>,
    /// The reliability diagram.
    pub reliability: Vec<ReliabilityBin>,
    /// Abstention curve: accuracy by coverage.
    pub abstention: Vec<AbstentionPoint>,
}

impl ScoreCard {
    /// The figures of `scores`.
    pub fn of(scores: &Scores) -> Self {
        let AbstentionPoint { coverage, accuracy, .. } = scores.at_threshold();
        Self {
            labels: scores.labels().id.to_owned(),
            rows: scores.rows(),
            accuracy: scores.accuracy(),
            macro_average: scores.macro_average(),
            weighted_average: scores.weighted_average(),
            calibration_error: scores.calibration_error(),
            threshold: scores.threshold(),
            coverage,
            accuracy_at_threshold: accuracy,
            classes: scores.classes(),
            confusion: scores.confusion().to_vec(),
            confusion_normalised: scores.confusion_normalised(),
            reliability: scores.reliability(),
            abstention: scores.abstention(),
        }
    }
}

impl Spread {
    /// Mean and deviation of `values`; 0 without values.
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        Self { mean, deviation }
    }
}

/// A model in a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name of the file or bundle.
    pub name: String,
    /// Its label set's identifier.
    pub labels: String,
    /// Side of its input, px.
    pub side: usize,
    /// Divisor of the logits.
    pub temperature: f32,
    /// Size of the ONNX graph, bytes.
    pub bytes: usize,
    /// SHA-256 of the ONNX graph, hexadecimal.
    pub sha256: String,
}

impl ModelInfo {
    /// The description of an evaluated model.
    pub fn of(model: &ClassifierModel) -> Self {
        Self {
            name: portable(model.name()),
            labels: model.labels().id.to_owned(),
            side: model.spec().preprocess.size,
            temperature: model.spec().temperature,
            bytes: model.onnx().len(),
            sha256: model.sha256().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_by_hand() {
        let Spread { mean, deviation } = Spread::of(&[1.0, 2.0, 6.0]);
        assert_eq!(mean, 3.0);
        assert!((deviation - 7.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of(&[0.5]), Spread { mean: 0.5, deviation: 0.0 });
        assert_eq!(Spread::of(&[]), Spread { mean: 0.0, deviation: 0.0 });
    }
}
