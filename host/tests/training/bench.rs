//! Fixture of the tests: tiny pictures and a tiny network.

use std::path::Path;

use emocue_data::fixture;
use emocue_host::cli::SourceArgs;
use emocue_train::net::NetSpec;
use emocue_train::recipe::Recipe;

/// Both datasets in their published layouts.
pub(crate) fn data(dir: &Path) -> SourceArgs {
    let (fer2013, ferplus) = fixture::fer2013_with_votes(dir);
    SourceArgs::fer2013_with_votes(fer2013, ferplus)
}

pub(crate) fn recipe() -> Recipe {
    let mut recipe = Recipe::load("badge").unwrap();
    recipe.net = NetSpec::Badge { width: 4, dropout: 0.1 };
    recipe.optimizer.batch = 8;
    recipe.schedule.epochs = 3;
    recipe.schedule.warmup_epochs = 1.0;
    recipe
}
