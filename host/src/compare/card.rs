//! The data of a comparison, in memory and as JSON. Every share is `0..=1`.

use serde::Serialize;

use crate::eval::card::ScoreCard;
use crate::eval::context::Environment;
use crate::eval::detector::card::DetectorFile;

/// The value of [`CompareFile::format`].
pub const FORMAT: &str = "emocue-compare-1";

/// The results of one `emocue compare`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompareFile {
    /// [`FORMAT`].
    pub format: String,
    /// The program and machine of the measurement.
    pub environment: Environment,
    /// The command line, without private paths.
    pub command: String,
    /// The dataset's layout, such as `"fer2013"`.
    pub dataset: String,
    /// `"PublicTest"` or `"PrivateTest"`.
    pub split: String,
    /// Its rows; the protocol may score fewer.
    pub rows: usize,
    /// Those whose pixels also occur in Training. No baseline was trained on them; a network may have been.
    pub also_in_training: usize,
    /// Which rows count and which class is right: `"label"` or `"ferplus.plurality"`.
    pub protocol: String,
    /// Number of rows on which each baseline was trained; `null` without baselines.
    pub training_rows: Option<usize>,
    /// The networks, the default bundle first, then the baselines.
    pub recognizers: Vec<Recognizer>,
    /// Detectors on pictures of none, one and several people; absent if not requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detectors: Option<DetectorFile>,
}

/// The kind of a recognizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A bundle's classifier.
    Bundle,
    /// An ONNX graph.
    Model,
    /// The graph of a training's folder.
    Run,
    /// A simple learner, trained for the comparison.
    Baseline,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Model => "model",
            Self::Run => "training",
            Self::Baseline => "baseline",
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recognizer {
    /// The bundle, the graph, the training's recipe or the learner.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Identifier of its own label set.
    pub labels: String,
    /// Its size and computation.
    #[serde(flatten)]
    pub cost: Cost,
    /// CPU time per face on one thread, relative to the default bundle's classifier in the same run.
    pub cpu_ratio: f64,
    /// Its figures, as `emocue eval` and `emocue baseline` have them.
    pub scores: ScoreCard,
}

/// A recognizer's size and computation; `null` if not applicable or unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Weights and biases.
    pub parameters: Option<u64>,
    /// Multiply-accumulates of convolutions and dense layers for one face.
    pub macs: Option<u64>,
    /// Size of the ONNX graph, or of what a baseline holds in memory, bytes.
    pub bytes: Option<u64>,
    /// What it stores instead of weights.
    pub stores: Option<String>,
}

impl Recognizer {
    /// Accuracy.
    pub fn accuracy(&self) -> f64 {
        self.scores.accuracy
    }

    /// Mean recall of the classes that occur.
    pub fn balanced_accuracy(&self) -> f64 {
        self.scores.macro_average.recall
    }

    /// Mean F1 of the classes that occur.
    pub fn macro_f1(&self) -> f64 {
        self.scores.macro_average.f1
    }
}

/// Appends the file to names that occur more than once, so that they are unique.
pub fn distinct(names: &mut [(String, String)]) {
    let all: Vec<String> = names.iter().map(|(name, _)| name.clone()).collect();
    for (name, file) in names {
        if all.iter().filter(|other| *other == name).count() > 1 && name != file {
            *name = format!("{name} ({file})");
        }
    }
}
