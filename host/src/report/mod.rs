//! Self-contained HTML pages about trainings and evaluations.
//!
//! A page loads no resources and runs no scripts: style and pictures are embedded, plots are inline SVG.

pub mod compare;
mod conditions;
mod curves;
pub mod detectors;
mod examples;
mod frame;
mod groups;
pub mod journal;
mod page;
mod plot;
mod tables;

use std::path::{Path, PathBuf};

use crate::eval::card::{EvalFile, FORMAT};
use crate::eval::context::Environment;
use emocue_models::failure::{Failure, exit};
use emocue_models::files;
use emocue_models::luma::Luma;
use emocue_train::checkpoint::TrainingState;

pub use curves::{Chart, Series, charts};
pub use examples::{Example, ReportExamples, choose};

/// A report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A file has invalid content.
    #[error("{}: {reason}", path.display())]
    Content {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do next.
        help: &'static str,
    },
    /// A run's folder has neither metrics nor recipe.
    #[error("{} has no metrics.jsonl and no recipe", .0.display())]
    EmptyRun(PathBuf),
    /// A plot cannot be drawn.
    #[error("cannot draw {plot}: {reason}")]
    Plot {
        /// Name of the plot.
        plot: String,
        /// The plotting library's error.
        reason: String,
    },
    /// A picture cannot be encoded.
    #[error("cannot write an example as PNG: {0}")]
    Picture(#[from] image::ImageError),
}

impl Failure for ReportError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Content { help, .. } => Some((*help).to_owned()),
            Self::EmptyRun(_) => {
                Some("Name the --run folder of a training that finished an epoch.".to_owned())
            }
            Self::Read { .. } | Self::Plot { .. } | Self::Picture(_) => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Read { .. } | Self::Content { .. } | Self::EmptyRun(_) => exit::INPUT,
            Self::Plot { .. } | Self::Picture(_) => exit::FAILED,
        }
    }
}

/// The recipe and the curves of a training.
#[derive(Clone, Debug, Default)]
pub struct EvaluatedRun {
    /// The recipe, TOML.
    pub recipe: Option<String>,
    /// The curves of `metrics.jsonl`.
    pub charts: Vec<Chart>,
}

impl EvaluatedRun {
    /// Reads `metrics.jsonl` and the recipe: `recipe.toml`, else the checkpoint's.
    ///
    /// # Errors
    /// [`ReportError`] when there is neither, or the metrics are not JSON lines.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        let metrics = folder.join("metrics.jsonl");
        let charts = match read_if_there(&metrics)? {
            Some(text) => charts(&text).map_err(|reason| ReportError::Content {
                path: metrics,
                reason,
                help: "Each line is a JSON object; a training writes it after every epoch.",
            })?,
            None => Vec::new(),
        };
        let recipe = match read_if_there(&folder.join("recipe.toml"))? {
            Some(text) => Some(text),
            None => recipe_of_checkpoint(folder),
        };
        if charts.is_empty() && recipe.is_none() {
            return Err(ReportError::EmptyRun(folder.to_owned()));
        }
        Ok(Self { recipe, charts })
    }
}

/// A missing recipe is not an error: curves and figures are more important.
fn recipe_of_checkpoint(folder: &Path) -> Option<String> {
    let state = TrainingState::peek(folder).ok()??;
    toml::to_string(&state.recipe).ok()
}

/// Reads the output of `emocue eval --json`.
///
/// # Errors
/// [`ReportError`] when the file cannot be read or has another format.
pub fn read_eval(path: &Path) -> Result<EvalFile, ReportError> {
    let content = |reason| ReportError::Content {
        path: path.to_owned(),
        reason,
        help: "Give a file that `emocue eval --json` of this version printed.",
    };
    let text = files::read_text(path)
        .map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
    let file: EvalFile = serde_json::from_str(&text).map_err(|error| content(error.to_string()))?;
    if file.format != FORMAT {
        return Err(content(format!("its format is {:?}, expected {FORMAT:?}", file.format)));
    }
    Ok(file)
}

fn read_if_there(path: &Path) -> Result<Option<String>, ReportError> {
    match files::read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ReportError::Read { path: path.to_owned(), source }),
    }
}

/// The content of a page.
#[derive(Clone, Debug)]
pub struct ReportPage {
    /// The page's title.
    pub title: String,
    /// The training, if there is one.
    pub run: Option<EvaluatedRun>,
    /// The evaluations.
    pub files: Vec<EvalFile>,
    /// Example pictures with people's faces, only on request.
    pub examples: Vec<ReportExamples>,
    /// A row of a person's face on which conditions are shown, only on request; else a drawn face.
    pub row: Option<Luma>,
    /// The program and machine that wrote the page.
    pub environment: Environment,
    /// The command line that wrote the page.
    pub command: String,
}

impl ReportPage {
    /// The page as HTML.
    ///
    /// # Errors
    /// [`ReportError::Plot`] when a plot cannot be drawn.
    pub fn html(&self) -> Result<String, ReportError> {
        Ok(page::page(self)?.into_string())
    }
}

#[cfg(test)]
mod tests;
