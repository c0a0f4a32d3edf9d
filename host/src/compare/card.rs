//! The shape of a comparison, in memory and as JSON. Every share is `0..=1`.

use serde::Serialize;

use crate::eval::card::ScoreCard;
use crate::eval::context::Environment;
use crate::eval::detector::card::DetectorFile;

/// The value of [`CompareFile::format`].
pub const FORMAT: &str = "emocue-compare-1";

/// Everything that one `emocue compare` measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompareFile {
    /// [`FORMAT`].
    pub format: String,
    /// What it was measured with.
    pub environment: Environment,
    /// The command, without folders that tell who worked where.
    pub command: String,
    /// The dataset's layout: `"fer2013"`.
    pub dataset: String,
    /// `"PublicTest"` or `"PrivateTest"`.
    pub split: String,
    /// Its rows; the protocol may score fewer.
    pub rows: usize,
    /// Those whose pixels also stand in Training. No baseline learned from them; a network may have.
    pub also_in_training: usize,
    /// Which rows count and which class is right: `"label"` or `"ferplus.plurality"`.
    pub protocol: String,
    /// Training rows that each baseline learned from; `null` without baselines.
    pub training_rows: Option<usize>,
    /// The networks, the default bundle first, then the baselines.
    pub recognizers: Vec<Recognizer>,
    /// Detectors on pictures of none, one and several people; left out where they were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detectors: Option<DetectorFile>,
}

/// What a recognizer is.
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
    /// As tables name it.
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
    /// What it is.
    pub kind: Kind,
    /// Identifier of its own label set.
    pub labels: String,
    /// What it costs.
    #[serde(flatten)]
    pub cost: Cost,
    /// CPU time of a face on one thread, as a multiple of the default bundle's classifier's in the same run.
    pub cpu_ratio: f64,
    /// Its figures, as `emocue eval` and `emocue baseline` have them.
    pub scores: ScoreCard,
}

/// What a recognizer holds and computes; `null` where that means nothing for it or cannot be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Weights and biases.
    pub parameters: Option<u64>,
    /// Multiply-accumulates of convolutions and dense layers for one face.
    pub macs: Option<u64>,
    /// Size of the ONNX graph, or of what a baseline holds in memory, bytes.
    pub bytes: Option<u64>,
    /// What it holds instead of weights.
    pub stores: Option<String>,
}

impl Recognizer {
    /// Share of right answers.
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

/// Names that occur more than once get `file` behind them, so that lines can be told apart.
pub fn distinct(names: &mut [(String, String)]) {
    let all: Vec<String> = names.iter().map(|(name, _)| name.clone()).collect();
    for (name, file) in names {
        if all.iter().filter(|other| *other == name).count() > 1 && name != file {
            *name = format!("{name} ({file})");
        }
    }
}
