//! `emocue baseline forest`

use std::time::Instant;

use clap::Args;
use emocue_models::failure::Failure;

use super::{Common, Sample, report};
use crate::baseline::forest::ForestSettings;
use crate::baseline::score;
use crate::cli::count::count;

#[derive(Args, Debug)]
pub(super) struct ForestArgs {
    #[command(flatten)]
    common: Common,
    /// Number of trees
    #[arg(long, default_value_t = ForestSettings::default().trees, value_parser = count::<100_000>)]
    trees: usize,
    /// Largest depth of a tree (default: until the leaves are pure)
    #[arg(long)]
    max_depth: Option<usize>,
    /// Seed of the rows and features that each tree sees
    #[arg(long, default_value_t = ForestSettings::default().seed)]
    seed: u64,
}

pub(super) fn run(args: &ForestArgs) -> Result<(), Box<dyn Failure>> {
    let common = &args.common;
    let settings = ForestSettings { trees: args.trees, max_depth: args.max_depth, seed: args.seed };
    let task = common.task()?;
    let Sample { features, classes } = &task.training;
    let test = common.sample(&task, common.split())?;
    let started = Instant::now();
    let forest = settings.grow(features, classes, task.labels.len())?;
    let seconds = started.elapsed().as_secs_f64();
    let scores = score(task.labels, &test.classes, &forest.probabilities(&test.features));
    report(common, "forest", &task, &settings, &[], seconds, &scores)
}
