//! A recipe: every setting of a training as TOML.

pub mod augment;
mod check;
pub mod input;

use std::path::{Path, PathBuf};

use emocue_models::crop::Preprocess;
use emocue_models::failure::{Failure, exit};
use emocue_models::files;
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
    /// Preprocessing of the network's input.
    #[serde(default)]
    pub input: Input,
    /// The network's heads, in order; at least one.
    pub heads: Vec<Head>,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Learning rate over time, and number of epochs.
    pub schedule: Schedule,
    /// Augmentation of the pictures.
    pub augment: Augment,
    /// Quantization-aware training, if set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// Knowledge distillation, if there are teachers.
    #[serde(default)]
    pub distill: Distill,
    /// Weights of the datasets, if there are several; a dataset that is not listed has weight 1, for every head that
    /// has one of its classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<DatasetShare>,
}

/// The weight of a dataset's rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetShare {
    /// Its layout, such as `"raf-db"`.
    pub layout: String,
    /// Factor of its rows in the loss.
    pub weight: f32,
    /// Label sets of the heads that learn from it; empty for every head that has one of its classes.
    #[serde(default)]
    pub heads: Vec<String>,
}

/// One head: its classes and its loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// A label set's identifier; `ferplus-8` is learned from the votes where the data has them.
    pub labels: String,
    /// Factor of this head's cross-entropy in the loss.
    pub weight: f32,
    /// Label smoothing: the share of the target that is spread over all classes, `0..1` (Szegedy et al. 2016).
    #[serde(default)]
    pub label_smoothing: f32,
    /// Weights of the classes.
    #[serde(default)]
    pub class_weights: ClassWeights,
}

/// Factors of the classes in a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every class has weight 1.
    #[default]
    None,
    /// Rows / (classes * rows of the class): every class has the same total weight.
    Balanced,
    /// The square root of the balanced weights.
    Root,
}

/// The optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The update rule.
    pub rule: Rule,
    /// Peak of the learning rate.
    pub learning_rate: f64,
    /// Weight decay as an L2 penalty; decoupled with `adam-w` (Loshchilov and Hutter 2019).
    pub weight_decay: f32,
    /// Batch size, examples.
    pub batch: usize,
    /// Batches whose gradients are accumulated before a step.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Precision of the layers' products.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Decay per step of the exponential moving average of the weights, `0..1`; 0 exports the last weights.
    pub ema_decay: f32,
}

/// The update rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd {
        /// Momentum, `0..1`.
        momentum: f64,
        /// Nesterov momentum.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015).
    Adam {
        /// Decay of the mean gradient, `0..1`.
        beta_1: f32,
        /// Decay of the mean squared gradient, `0..1`.
        beta_2: f32,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// Decay of the mean gradient, `0..1`.
        beta_1: f32,
        /// Decay of the mean squared gradient, `0..1`.
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
    /// The decay after the warm-up.
    pub decay: Decay,
    /// Early stopping: end after this many epochs without a better validation score and export the best weights; 0
    /// never stops.
    #[serde(default)]
    pub patience: usize,
}

/// Decay of the learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decay {
    /// Constant.
    Constant,
    /// Cosine decay to 0 (Loshchilov and Hutter 2017).
    Cosine,
    /// Multiplied by `factor` every `every` epochs.
    Step {
        /// Epochs.
        every: usize,
        /// `0..1`.
        factor: f64,
    },
    /// Multiplied by `factor` after `patience` epochs without a better validation score, but not below `floor` times
    /// the peak.
    Plateau {
        /// Epochs.
        patience: usize,
        /// `0..1`.
        factor: f64,
        /// `0..=1`.
        floor: f64,
    },
}

/// Knowledge distillation: learning from teachers' probabilities and the data's labels (Hinton et al. 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distill {
    /// The teachers' share in every target, `0..=1`.
    pub weight: f32,
    /// Temperature: divisor of the teachers' logits, `> 0`.
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
    /// Invalid TOML, an unknown or a missing setting.
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
    /// Loads a built-in recipe by name, else a TOML file.
    ///
    /// # Errors
    /// [`RecipeError`] naming the setting.
    pub fn load(name: &str) -> Result<Self, RecipeError> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let text = match built_in {
            Some((_, text)) => (*text).to_owned(),
            None if Path::new(name).exists() => {
                files::read_text(name).map_err(|source| RecipeError::Io(name.into(), source))?
            }
            None => return Err(RecipeError::Unknown(name.to_owned())),
        };
        let recipe: Self =
            toml::from_str(&text).map_err(|e| RecipeError::Toml(name.to_owned(), Box::new(e)))?;
        recipe.check(name)?;
        Ok(recipe)
    }

    /// The same with heads of equal weight for other label sets, given by their identifiers.
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

    /// The heads' label sets; [`Recipe::check`] ensures that all are known.
    pub fn label_sets(&self) -> Vec<LabelSet> {
        self.heads.iter().filter_map(|head| LabelSet::by_id(&head.labels)).collect()
    }

    /// The preprocessing of a face for this network on the badge.
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
