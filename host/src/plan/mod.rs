//! A plan: independent trainings (recipes, seeds, folds) from one TOML file, their commands and results.

pub mod commands;
pub mod gather;
pub mod slurm;
pub mod status;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use emocue_data::Split;
use emocue_models::failure::{Failure, exit};
use emocue_models::files;
use slurm::Slurm;

/// File of the commands, one line for each job, inside the plan's folder.
pub const JOBS_FILE: &str = "jobs.txt";
/// Copy of the plan from when its jobs were last written, inside the plan's folder.
pub const KEPT_FILE: &str = "plan.toml";
/// Largest number of jobs: the default limit of Slurm's job arrays.
pub const MOST_JOBS: usize = 1000;

/// Independent trainings: every recipe with every seed on every fold.
///
/// Paths are relative to the folder in which the plan is run, as on a command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Built-in names or TOML files.
    pub recipes: Vec<String>,
    /// Seeds, of the members of an ensemble or of repetitions of a measurement.
    #[serde(default = "first_seed")]
    pub seeds: Vec<u64>,
    /// Number of folds for cross-validation, one job for each; 0 for none.
    #[serde(default)]
    pub folds: usize,
    /// The folder of the jobs' folders.
    pub run: String,
    /// Additional arguments of every `emocue train`: data, device.
    pub arguments: Vec<String>,
    /// Rows on which a finished job is evaluated as deployed.
    #[serde(default)]
    pub judge: Option<Judge>,
    /// Settings for Slurm.
    #[serde(default)]
    pub slurm: Slurm,
}

fn first_seed() -> Vec<u64> {
    vec![1]
}

/// Rows by which a training's graphs are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// PublicTest, for model selection.
    Public,
    /// PrivateTest, for reported results; with folds, the held-out fold.
    Private,
}

impl Judge {
    /// Its split.
    pub fn split(self) -> Split {
        match self {
            Self::Public => Split::PublicTest,
            Self::Private => Split::PrivateTest,
        }
    }

    /// Its name on a command line.
    fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// One training of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its unique name, which is also that of its folder: `badge-seed1-fold03`.
    pub name: String,
    /// Its recipe, as named in the plan.
    pub recipe: String,
    /// Seed of initial weights, order, augmentation and dropout.
    pub seed: u64,
    /// Its fold, counted from 1.
    pub fold: Option<usize>,
    /// Its folder.
    pub run: PathBuf,
    /// Its arguments after `emocue` on the command line.
    pub arguments: Vec<String>,
}

/// A plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file cannot be read or written.
    #[error("plan {path}: {source}", path = .0.display(), source = .1)]
    Io(PathBuf, std::io::Error),
    /// Invalid TOML, an unknown or a missing setting.
    #[error("plan {path}: {source}", path = .0.display(), source = .1)]
    Toml(PathBuf, Box<toml::de::Error>),
    /// A value is out of range.
    #[error("plan {path}: {setting} is {value}, expected {expected}", path = .0.display(), setting = .1, value = .2, expected = .3)]
    Range(PathBuf, &'static str, String, String),
    /// The plan contradicts the one whose jobs are in its folder.
    #[error(
        "plan {path}: {setting} is not what it was when the jobs in {run} were begun",
        path = .0.display(), setting = .1, run = .2.display()
    )]
    Changed(PathBuf, &'static str, PathBuf),
    /// A path cannot be written in a shell command.
    #[error("this program lies at {path}, which no shell command can name", path = .0.display())]
    Program(PathBuf),
}

impl Failure for PlanError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Changed(..) => Some("Choose another run folder, or delete that one.".to_owned()),
            Self::Program(_) => Some("Move it to a folder of plain letters.".to_owned()),
            Self::Io(..) | Self::Toml(..) | Self::Range(..) => None,
        }
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}

impl Plan {
    /// Reads and checks the TOML file at `path`.
    ///
    /// # Errors
    /// [`PlanError`] naming the setting.
    pub fn load(path: &Path) -> Result<Self, PlanError> {
        let text = files::read_text(path).map_err(|e| PlanError::Io(path.into(), e))?;
        let plan: Self =
            toml::from_str(&text).map_err(|e| PlanError::Toml(path.into(), Box::new(e)))?;
        plan.check(path)?;
        Ok(plan)
    }

    /// Every recipe with every seed on every fold, in this order.
    pub fn jobs(&self) -> Vec<Job> {
        let folds: Vec<Option<usize>> = match self.folds {
            0 => vec![None],
            count => (1..=count).map(Some).collect(),
        };
        let mut jobs = Vec::new();
        for recipe in &self.recipes {
            for seed in &self.seeds {
                jobs.extend(folds.iter().map(|fold| self.job(recipe, *seed, *fold)));
            }
        }
        jobs
    }

    fn job(&self, recipe: &str, seed: u64, fold: Option<usize>) -> Job {
        let mut name = format!("{}-seed{seed}", short(recipe).unwrap_or_default());
        let width = self.folds.to_string().len().max(2);
        if let Some(fold) = fold {
            let _ = write!(name, "-fold{fold:0width$}");
        }
        let run = Path::new(&self.run).join(&name);
        let folder = run.to_string_lossy().into_owned();
        let mut arguments: Vec<String> =
            ["train", "--continue", "--plain", "--recipe", recipe, "--seed", &seed.to_string()]
                .map(str::to_owned)
                .to_vec();
        arguments.extend(["--run".to_owned(), folder]);
        if let Some(fold) = fold {
            let folds = ["--folds", &self.folds.to_string(), "--fold", &fold.to_string()];
            arguments.extend(folds.map(str::to_owned));
        }
        if let Some(judge) = self.judge {
            arguments.extend(["--judge", judge.name()].map(str::to_owned));
        }
        arguments.extend(self.arguments.iter().cloned());
        Job { name, recipe: recipe.to_owned(), seed, fold, run, arguments }
    }

    /// Refuses an invalid value; `path` names the plan in the message.
    ///
    /// # Errors
    /// [`PlanError::Range`] naming the setting.
    pub fn check(&self, path: &Path) -> Result<(), PlanError> {
        let range = |setting, value: String, expected: &str| {
            Err(PlanError::Range(path.to_owned(), setting, value, expected.to_owned()))
        };
        for (setting, empty) in
            [("recipes", self.recipes.is_empty()), ("seeds", self.seeds.is_empty())]
        {
            if empty {
                return range(setting, "empty".into(), "at least one");
            }
        }
        for (at, recipe) in self.recipes.iter().enumerate() {
            let Some(name) = short(recipe) else {
                return range("recipes", format!("{recipe:?}"), "a built-in name or a TOML file");
            };
            // Folders are named after the recipe.
            if self.recipes[..at].iter().any(|other| short(other) == Some(name)) {
                return range("recipes", format!("twice {name:?}"), "each file name once");
            }
        }
        for (at, seed) in self.seeds.iter().enumerate() {
            if self.seeds[..at].contains(seed) {
                return range("seeds", format!("twice {seed}"), "each once");
            }
        }
        if self.folds != 0 && !(3..=100).contains(&self.folds) {
            return range("folds", self.folds.to_string(), "0 for none, or 3 to 100");
        }
        let jobs = [self.recipes.len(), self.seeds.len(), self.folds.max(1)];
        let count = jobs.iter().fold(1, |product: usize, n| product.saturating_mul(*n));
        if count > MOST_JOBS {
            return range("recipes x seeds x folds", count.to_string(), "at most 1000");
        }
        if self.run.is_empty() {
            return range("run", "empty".into(), "a folder");
        }
        // A job is one line of text.
        let lines = [("recipes", &self.recipes), ("arguments", &self.arguments)];
        let words = lines.iter().flat_map(|(setting, words)| words.iter().map(|w| (*setting, w)));
        for (setting, word) in words.chain([("run", &self.run)]) {
            if word.chars().any(char::is_control) {
                return range(setting, format!("{word:?}"), "text without control characters");
            }
        }
        self.slurm.check().or_else(|(setting, value, expected)| range(setting, value, expected))
    }

    /// The file of the commands.
    pub fn jobs_file(&self) -> PathBuf {
        Path::new(&self.run).join(JOBS_FILE)
    }

    /// Refuses a plan that would mix other jobs with those in its folder: recipes and seeds may be added, and the
    /// evaluation may change, but the training of existing jobs may not.
    ///
    /// # Errors
    /// [`PlanError::Changed`] naming the setting.
    pub fn check_kept(&self, path: &Path) -> Result<(), PlanError> {
        let run = Path::new(&self.run);
        // A missing or damaged file is ignored and replaced.
        let kept = files::read_text(run.join(KEPT_FILE)).ok();
        let Some(kept) = kept.and_then(|text| toml::from_str::<Self>(&text).ok()) else {
            return Ok(());
        };
        let same =
            [("folds", self.folds == kept.folds), ("arguments", self.arguments == kept.arguments)];
        match same.into_iter().find(|(_, same)| !same) {
            Some((setting, _)) if kept.jobs().iter().any(|job| job.run.exists()) => {
                Err(PlanError::Changed(path.to_owned(), setting, run.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// The prefix of a recipe's job names: its file name without the extension.
pub fn short(recipe: &str) -> Option<&str> {
    Path::new(recipe).file_stem()?.to_str()
}

#[cfg(test)]
mod tests;
