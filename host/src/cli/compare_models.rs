//! The networks of `emocue compare`: bundles, graphs and trainings by name.

use std::path::{Path, PathBuf};

use emocue_data::model::ClassifierModel;
use emocue_models::bundle::DEFAULT_NAME;
use emocue_models::label::LabelSet;
use emocue_train::run::{RunFolder, RunStage};

use super::begun::recipe_name;
use super::open::open_model;
use crate::compare::CompareError;
use crate::compare::card::{Kind, distinct};
use crate::compare::network::NamedNetwork;
use crate::eval::context::portable;

/// The networks to compare, as named on the command line.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelNames<'a> {
    /// Bundles besides the default one.
    pub(super) bundles: &'a [PathBuf],
    /// Graphs.
    pub(super) models: &'a [PathBuf],
    /// Folders of trainings.
    pub(super) runs: &'a [PathBuf],
    /// Classes of graphs that do not name their own.
    pub(super) labels: Option<LabelSet>,
}

impl ModelNames<'_> {
    /// Opens all networks, the default bundle's first; `wanted` selects the head of a training with several heads.
    ///
    /// # Errors
    /// [`CompareError`] naming the first that cannot be used.
    pub(super) fn open(&self, wanted: &[&str]) -> Result<Vec<NamedNetwork>, CompareError> {
        let mut networks = Vec::new();
        let mut push = |name: String, file: &Path, kind: Kind, model: ClassifierModel| {
            // A network that does not run is reported now, not after minutes.
            model.load().map_err(emocue_data::model::ModelError::from)?;
            let file = portable(&file.display().to_string());
            networks.push(((name, file), kind, model));
            Ok::<_, CompareError>(())
        };
        let default = PathBuf::from(DEFAULT_NAME);
        let others = self.bundles.iter().filter(|bundle| **bundle != default);
        for (kind, file) in std::iter::once(&default)
            .chain(others)
            .map(|file| (Kind::Bundle, file))
            .chain(self.models.iter().map(|file| (Kind::Model, file)))
        {
            let model = open_model(file, self.labels)?;
            push(portable(model.name()), file, kind, model)?;
        }
        for run in self.runs {
            let model = open_model(graph(run, wanted)?, self.labels)?;
            let name = recipe_name(run)
                .or_else(|| run.file_name().map(|folder| folder.to_string_lossy().into_owned()));
            push(name.unwrap_or_else(|| portable(model.name())), run, Kind::Run, model)?;
        }
        let mut names: Vec<(String, String)> =
            networks.iter().map(|(names, ..)| names.clone()).collect();
        distinct(&mut names);
        let named = names.into_iter().zip(networks);
        let network = |((name, _), (_, kind, model))| NamedNetwork { name, kind, model };
        Ok(named.map(network).collect())
    }
}

/// The graph of a training's head: the one with the first available label set of `wanted`, else the first head.
fn graph(run: &Path, wanted: &[&str]) -> Result<PathBuf, CompareError> {
    let folder = RunFolder::read(run);
    let no_run = |reason: String| CompareError::NoRun { run: run.to_owned(), reason };
    let Some(state) = folder.state() else {
        return Err(no_run(match folder.stage() {
            RunStage::Failed(reason) => reason,
            _ => "no checkpoint is there".to_owned(),
        }));
    };
    let heads: Vec<&str> = state.recipe.heads.iter().map(|head| head.labels.as_str()).collect();
    let first = wanted.iter().find(|set| heads.contains(set)).or(heads.first());
    let graph = first.map(|labels| folder.graph(labels)).filter(|graph| graph.exists());
    graph.ok_or_else(|| CompareError::NoGraph(run.to_owned()))
}
