//! A recipe: every setting of a training as TOML.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::net::{NetError, NetSpec};

/// Recipes that are part of the binary: name and text.
const BUILT_IN: &[(&str, &str)] = &[("badge", include_str!("../../recipes/badge.toml"))];

/// Everything a training depends on besides the data and the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The network.
    pub net: NetSpec,
    /// How weights move.
    pub optimizer: Optimizer,
    /// What is minimised.
    pub loss: Loss,
    /// How pictures are varied.
    pub augment: Augment,
}

/// Stochastic gradient descent with Nesterov momentum under a warm-up and cosine schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// The schedule's peak.
    pub learning_rate: f64,
    /// `0..1`.
    pub momentum: f64,
    /// L2 penalty on all weights.
    pub weight_decay: f32,
    /// Examples a step.
    pub batch: usize,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Epochs of linear warm-up.
    pub warmup_epochs: f64,
    /// Decay a step of the exponentially averaged weights, `0..1`.
    pub ema_decay: f32,
}

/// Weights of the two heads' cross-entropies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// Weight of FER2013's hard labels beside 1 for the FER+ votes.
    pub fer_weight: f32,
    /// Share of a hard label spread over all classes, `0..1`.
    pub label_smoothing: f32,
}

/// Random changes of every training picture (see [`super::augment`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Mirror half of the pictures.
    pub flip: bool,
    /// Largest turn either way, degrees.
    pub rotate_degrees: f32,
    /// Largest change of size either way, fraction.
    pub scale: f32,
    /// Largest shift either way, fraction of the side.
    pub shift: f32,
    /// Largest change of brightness either way, fraction of full scale.
    pub brightness: f32,
    /// Largest change of contrast either way, fraction.
    pub contrast: f32,
    /// Probability of erasing one random box (Zhong et al. 2017).
    pub erase: f32,
}

/// A recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Neither a file nor a built-in name.
    #[error("no recipe \"{0}\": name a TOML file or one of: badge")]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read the recipe {path}: {source}", path = .0.display(), source = .1)]
    Io(PathBuf, std::io::Error),
    /// Not TOML, an unknown or a missing setting.
    #[error("recipe {0}: {1}")]
    Toml(String, Box<toml::de::Error>),
    /// A setting of the network out of its range.
    #[error("recipe {0}: {1}")]
    Net(String, NetError),
    /// A value out of its range.
    #[error("recipe {0}: {1} is {2}, expected {3}")]
    Range(String, &'static str, f64, &'static str),
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

    /// Refuses a value outside its range.
    pub(crate) fn check(&self, name: &str) -> Result<(), RecipeError> {
        self.net.check().map_err(|error| RecipeError::Net(name.to_owned(), error))?;
        let (opt, aug) = (&self.optimizer, &self.augment);
        let fraction = 0.0..=0.999;
        let rules = [
            ("optimizer.learning_rate", opt.learning_rate, 1e-9..=100.0, "above 0, at most 100"),
            ("optimizer.momentum", opt.momentum, fraction.clone(), "0 to below 1"),
            ("optimizer.weight_decay", opt.weight_decay.into(), 0.0..=1.0, "0 to 1"),
            ("optimizer.batch", opt.batch as f64, 2.0..=65536.0, "2 to 65536"),
            ("optimizer.epochs", opt.epochs as f64, 1.0..=10000.0, "1 to 10000"),
            ("optimizer.warmup_epochs", opt.warmup_epochs, 0.0..=10000.0, "0 to 10000"),
            ("optimizer.ema_decay", opt.ema_decay.into(), 0.0..=0.99999, "0 to below 1"),
            ("loss.fer_weight", self.loss.fer_weight.into(), 0.0..=100.0, "0 to 100"),
            (
                "loss.label_smoothing",
                self.loss.label_smoothing.into(),
                fraction.clone(),
                "0 to below 1",
            ),
            ("augment.rotate_degrees", aug.rotate_degrees.into(), 0.0..=180.0, "0 to 180"),
            ("augment.scale", aug.scale.into(), 0.0..=0.9, "0 to 0.9"),
            ("augment.shift", aug.shift.into(), 0.0..=0.5, "0 to 0.5"),
            ("augment.brightness", aug.brightness.into(), 0.0..=1.0, "0 to 1"),
            ("augment.contrast", aug.contrast.into(), 0.0..=1.0, "0 to 1"),
            ("augment.erase", aug.erase.into(), 0.0..=1.0, "0 to 1"),
        ];
        for (setting, value, range, expected) in rules {
            if !range.contains(&value) {
                return Err(RecipeError::Range(name.to_owned(), setting, value, expected));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_recipe_loads_and_survives_toml() {
        for (name, _) in BUILT_IN {
            let recipe = Recipe::load(name).unwrap();
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe);
        }
    }

    #[test]
    fn names_what_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.toml");
        for (from, to, word) in [
            ("width = 24", "width = 1", "net.width is 1, expected 4 to 256"),
            ("width = 24", "widht = 24", "widht"),
            ("batch = 128", "batch = 0", "optimizer.batch is 0"),
        ] {
            let text = BUILT_IN[0].1.replacen(from, to, 1);
            assert_ne!(text, BUILT_IN[0].1);
            std::fs::write(&path, text).unwrap();
            let error = Recipe::load(path.to_str().unwrap()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(Recipe::load("resnet1000").unwrap_err().to_string().contains("badge"));
    }
}
