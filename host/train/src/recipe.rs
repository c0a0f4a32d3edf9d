//! A recipe: every setting of a training as TOML.

pub mod augment;
mod check;
pub mod input;

use std::path::{Path, PathBuf};

use emocue_models::crop::Preprocess;
use emocue_models::failure::{Failure, exit};
use emocue_models::label::LabelSet;
use serde::{Deserialize, Serialize};

use crate::net::spec::{NetSpec, Precision, Rounding};
use augment::Augment;
use input::Input;

/// Recipes that are part of the binary: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("badge", include_str!("../recipes/badge.toml")),
    ("badge-camera", include_str!("../recipes/badge-camera.toml")),
    ("badge-second", include_str!("../recipes/badge-second.toml")),
    ("badge-int8", include_str!("../recipes/badge-int8.toml")),
    ("alexnet", include_str!("../recipes/alexnet.toml")),
    ("mini-xception", include_str!("../recipes/mini-xception.toml")),
    ("mini-xception-2", include_str!("../recipes/mini-xception-2.toml")),
    ("plain-cnn", include_str!("../recipes/plain-cnn.toml")),
    ("pramerdorfer-03", include_str!("../recipes/pramerdorfer-03.toml")),
    ("pramerdorfer-04", include_str!("../recipes/pramerdorfer-04.toml")),
    ("resnet18", include_str!("../recipes/resnet18.toml")),
    ("resnet50", include_str!("../recipes/resnet50.toml")),
    ("resnet9", include_str!("../recipes/resnet9.toml")),
    ("senet50", include_str!("../recipes/senet50.toml")),
    ("vgg16", include_str!("../recipes/vgg16.toml")),
    ("vgg19", include_str!("../recipes/vgg19.toml")),
];

/// Everything a training depends on besides the data, the teachers and the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The network.
    pub net: NetSpec,
    /// How a picture becomes the network's input.
    #[serde(default)]
    pub input: Input,
    /// What the network answers, in order; at least one.
    pub heads: Vec<Head>,
    /// How weights move.
    pub optimizer: Optimizer,
    /// How fast, and for how long.
    pub schedule: Schedule,
    /// How pictures are varied.
    pub augment: Augment,
    /// Whether weights and activations are rounded on the way forward, for a net that will be quantized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// How much is learned from teachers, where there are any.
    #[serde(default)]
    pub distill: Distill,
    /// How datasets count where several are learned from; one that is not here counts once, for every head that has one
    /// of its classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<DatasetShare>,
}

/// How the rows of a dataset count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetShare {
    /// Its layout: `"raf-db"`.
    pub layout: String,
    /// Factor of its rows in the loss.
    pub weight: f32,
    /// Label sets of the heads that learn from it; empty for every head that has one of its classes.
    #[serde(default)]
    pub heads: Vec<String>,
}

/// One answer: a set of classes and how its loss counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// A label set's identifier; `ferplus-8` is learned from the votes where the data has them.
    pub labels: String,
    /// Factor of this head's cross-entropy in the loss.
    pub weight: f32,
    /// Share of the target that is spread over all classes, `0..1` (Szegedy et al. 2016).
    #[serde(default)]
    pub label_smoothing: f32,
    /// Whether rare classes count more.
    #[serde(default)]
    pub class_weights: ClassWeights,
}

/// Factors of the classes in a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All 1.
    #[default]
    None,
    /// Rows / (classes * rows of the class): every class has the same sum.
    Balanced,
    /// The square root of the balanced weights.
    Root,
}

/// How gradients become steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The rule.
    pub rule: Rule,
    /// The schedule's peak.
    pub learning_rate: f64,
    /// L2 penalty; with `adam-w` it acts on the weights themselves (Loshchilov and Hutter 2019).
    pub weight_decay: f32,
    /// Examples of one gradient.
    pub batch: usize,
    /// Gradients that are added up before a step.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// In what layers multiply.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Decay a step of the exponentially averaged weights, `0..1`; 0 exports the last weights.
    pub ema_decay: f32,
}

/// The update rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd {
        /// `0..1`; 0 is plain descent.
        momentum: f64,
        /// Look ahead along the momentum.
        nesterov: bool,
    },
    /// Kingma and Ba 2015.
    Adam {
        /// Decay of the mean gradient.
        beta_1: f32,
        /// Decay of the mean squared gradient.
        beta_2: f32,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// Decay of the mean gradient.
        beta_1: f32,
        /// Decay of the mean squared gradient.
        beta_2: f32,
    },
}

/// The learning rate over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Passes over the training rows.
    pub epochs: usize,
    /// Epochs of linear warm-up from 0.
    pub warmup_epochs: f64,
    /// What follows.
    pub decay: Decay,
    /// Stop after so many epochs without a better validation figure and return to the best weights;
    /// 0 never stops.
    #[serde(default)]
    pub patience: usize,
}

/// How the learning rate falls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decay {
    /// It does not.
    Constant,
    /// Half a cosine down to 0 (Loshchilov and Hutter 2017).
    Cosine,
    /// Times `factor` every `every` epochs.
    Step {
        /// Epochs.
        every: usize,
        /// `0..1`.
        factor: f64,
    },
    /// Times `factor` after `patience` epochs without a better validation figure, not below
    /// `floor` times the peak.
    Plateau {
        /// Epochs.
        patience: usize,
        /// `0..1`.
        factor: f64,
        /// `0..=1`.
        floor: f64,
    },
}

/// Learning from teachers' probabilities beside the data's labels (Hinton et al. 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distill {
    /// The teachers' share of every target, `0..=1`.
    pub weight: f32,
    /// What the teachers' logits are divided by, above 0; 1 leaves them.
    pub temperature: f32,
}

impl Default for Distill {
    fn default() -> Self {
        Self { weight: 0.7, temperature: 1.0 }
    }
}

fn one() -> usize {
    1
}

/// A recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Neither a file nor a built-in name.
    #[error("no recipe \"{0}\"")]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read the recipe {path}: {source}", path = .0.display(), source = .1)]
    Io(PathBuf, std::io::Error),
    /// Not TOML, an unknown or a missing setting.
    #[error("recipe {0}: {1}")]
    Toml(String, Box<toml::de::Error>),
    /// A value out of its range.
    #[error("recipe {0}: {1} is {2}, expected {3}")]
    Range(String, String, String, String),
}

impl Failure for RecipeError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some(format!("Name a TOML file or one of: {}.", names())),
            Self::Io(..) | Self::Toml(..) | Self::Range(..) => None,
        }
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}

fn names() -> String {
    BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl Recipe {
    /// A built-in recipe by name, else a TOML file.
    ///
    /// # Errors
    /// [`RecipeError`] naming the setting.
    pub fn load(name: &str) -> Result<Self, RecipeError> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None if Path::new(name).exists() => std::fs::read_to_string(name)
                .map_err(|source| RecipeError::Io(name.into(), source))?,
            None => return Err(RecipeError::Unknown(name.to_owned())),
        };
        let recipe: Self =
            toml::from_str(&text).map_err(|e| RecipeError::Toml(name.to_owned(), Box::new(e)))?;
        recipe.check(name)?;
        Ok(recipe)
    }

    /// The same with heads of equal weight for other label sets, by identifier.
    #[must_use]
    pub fn with_heads(mut self, labels: &[String]) -> Self {
        let label_smoothing = self.heads.first().map_or(0.0, |head| head.label_smoothing);
        let class_weights = self.heads.first().map_or(ClassWeights::None, |h| h.class_weights);
        let head = |labels: &String| Head {
            labels: labels.clone(),
            weight: 1.0,
            label_smoothing,
            class_weights,
        };
        self.heads = labels.iter().map(head).collect();
        self
    }

    /// The heads' label sets; [`Recipe::check`] has seen that all are known.
    pub fn label_sets(&self) -> Vec<LabelSet> {
        self.heads.iter().filter_map(|head| LabelSet::by_id(&head.labels)).collect()
    }

    /// How the badge must prepare a face for this network.
    pub fn preprocess(&self) -> Preprocess {
        let Input { mean, std, .. } = self.input;
        let normalise = self.input.normalise();
        Preprocess { mean, std, normalise, ..Preprocess::of_size(self.net.side()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_recipe_loads_and_survives_toml() {
        for (name, _) in BUILT_IN {
            let recipe = Recipe::load(name).unwrap();
            assert_eq!(recipe.label_sets().len(), recipe.heads.len());
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe, "{text}");
        }
    }

    #[test]
    fn names_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        for (from, to, word) in [
            ("width = 32", "width = 1", "net.width is 1, expected 4 to 256"),
            ("width = 32", "widht = 32", "widht"),
            ("batch = 128", "batch = 0", "optimizer.batch is 0"),
            ("kind = \"sgd\"", "kind = \"sdg\"", "sdg"),
            ("labels = \"fer-7\"", "labels = \"fer-9\"", "heads.labels is \"fer-9\""),
            ("labels = \"fer-7\"", "labels = \"ferplus-8\"", "once"),
        ] {
            let text = BUILT_IN[0].1.replacen(from, to, 1);
            assert_ne!(text, BUILT_IN[0].1);
            std::fs::write(&path, text).unwrap();
            let error = Recipe::load(path.to_str().unwrap()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(Recipe::load("resnet1000").unwrap_err().help().unwrap().contains("badge"));
    }
}
