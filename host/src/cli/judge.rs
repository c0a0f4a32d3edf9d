//! `emocue train --judge`: evaluates a training's graphs as deployed, after the training.

use super::eval::with_bar;
use super::open::open_model;
use crate::eval::card::{EvalFile, FORMAT};
use crate::eval::context::{Environment, command_line};
use crate::eval::{EvalError, evaluate};
use crate::output::{errln, outln};
use crate::plan::Judge;
use crate::plan::gather::{Figure, figures};
use emocue_data::dataset::Dataset;
use emocue_data::predict::PredictSettings;
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::write_atomically;
use emocue_train::recipe::Recipe;
use emocue_train::run::{EVAL_FILE, RunFolder};

/// Evaluates every graph in `run`, prints the figures and writes them to `eval.json`.
pub(super) fn judge(
    run: &RunFolder,
    recipe: &Recipe,
    data: &Dataset,
    rows: Judge,
    threads: usize,
) -> Result<(), Box<dyn Failure>> {
    let split = rows.split();
    let settings = PredictSettings { threads: threads.max(1), ..PredictSettings::default() };
    let mut evaluations = Vec::new();
    let mut unscored = None;
    for labels in recipe.label_sets() {
        let path = run.graph(labels.id);
        let model = [open_model(&path, Some(labels))?];
        let count = data.rows(split).len();
        match with_bar(count, |bar| evaluate(&model, data, &[split], settings, bar)) {
            Ok(judged) => evaluations.push(judged.evaluation),
            // A head's classes may not occur in these rows.
            Err(error @ EvalError::NothingToScore { .. }) => {
                errln!("{}: not judged, {error}", path.display());
                unscored = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let (true, Some(error)) = (evaluations.is_empty(), unscored) {
        return Err(error.into());
    }
    for figure in figures(&evaluations, Some(split.name())) {
        let Figure { labels, protocol, accuracy, rows, .. } = figure;
        let (split, percent) = (split.name(), 100.0 * accuracy);
        outln!("{split} {labels} {protocol}: {percent:.2} % of {rows} rows, in tract");
    }
    let file = EvalFile {
        format: FORMAT.to_owned(),
        environment: Environment::here(),
        command: command_line(std::env::args()),
        evaluations,
    };
    let path = run.folder().join(EVAL_FILE);
    let json = serde_json::to_string_pretty(&file)
        .map_err(|error| Problem::new(format!("{}: {error}", path.display())))?;
    write_atomically(&path, json.as_bytes())
        .map_err(|error| Problem::new(error.to_string()).code(exit::FOLDER))?;
    outln!("{}", path.display());
    Ok(())
}
