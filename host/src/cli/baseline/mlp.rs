//! `emocue baseline mlp`

use crate::output::outln;
use std::time::Instant;

use clap::Args;
use emocue_models::failure::Failure;
use serde::Serialize;

use super::{Common, Sample, progress, report};
use crate::baseline::mlp::{Epoch, MlpSettings};
use crate::baseline::score;
use crate::cli::count::count;
use emocue_data::Split;

#[derive(Args, Debug)]
pub(super) struct MlpArgs {
    #[command(flatten)]
    common: Common,
    /// Units of each hidden layer
    #[arg(long, value_name = "UNITS,...", value_delimiter = ',', default_values_t = MlpSettings::default().hidden, value_parser = count::<65_536>)]
    hidden: Vec<usize>,
    /// Passes over the training rows; with pixels, the network overfits after about ten
    #[arg(long, default_value_t = MlpSettings::default().epochs)]
    epochs: usize,
    /// Learning rate
    #[arg(long, default_value_t = MlpSettings::default().learning_rate)]
    learning_rate: f64,
    /// Momentum
    #[arg(long, default_value_t = MlpSettings::default().momentum)]
    momentum: f64,
    /// Batch size, rows
    #[arg(long, default_value_t = MlpSettings::default().batch)]
    batch: usize,
    /// Seed of initial weights and order
    #[arg(long, default_value_t = MlpSettings::default().seed)]
    seed: u64,
}

/// An epoch's figures, with those on PublicTest if it has rows.
#[derive(Serialize)]
pub(super) struct EpochReport {
    #[serde(flatten)]
    epoch: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_accuracy: Option<f64>,
}

pub(super) fn run(args: &MlpArgs) -> Result<(), Box<dyn Failure>> {
    let common = &args.common;
    let settings = MlpSettings {
        hidden: args.hidden.clone(),
        epochs: args.epochs,
        learning_rate: args.learning_rate,
        momentum: args.momentum,
        batch: args.batch,
        seed: args.seed,
    };
    let task = common.task()?;
    let Sample { features, classes } = &task.training;
    // PublicTest may be evaluated during training, PrivateTest only at the end.
    let public = common.sample(&task, Split::PublicTest).ok();
    let accuracy = |sample: &Sample, probabilities: &[f32]| {
        score(task.labels, &sample.classes, probabilities).accuracy()
    };
    let bar = progress(settings.epochs * classes.len(), "rows learned from");
    let (started, mut epochs) = (Instant::now(), Vec::new());
    let trained = settings.train(
        features,
        classes,
        task.labels.len(),
        |count| bar.inc(count as u64),
        |epoch, mlp| {
            let Epoch { epoch: number, loss, training_accuracy } = *epoch;
            let public = public.as_ref().map(|s| accuracy(s, &mlp.probabilities(&s.features)));
            epochs.push(EpochReport { epoch: *epoch, public_accuracy: public });
            if !common.json {
                let public = public.map_or_else(String::new, |accuracy| {
                    format!(", PublicTest {:.1} %", 100.0 * accuracy)
                });
                let seconds = started.elapsed().as_secs_f64();
                let training = 100.0 * training_accuracy;
                bar.suspend(|| {
                    outln!("epoch {number}: loss {loss:.4}, Training {training:.1} %{public}, {seconds:.0} s");
                });
            }
        },
    )?;
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    let test = match (common.split(), public) {
        (Split::PublicTest, Some(public)) => public,
        (split, _) => common.sample(&task, split)?,
    };
    let scores = score(task.labels, &test.classes, &trained.probabilities(&test.features));
    report(common, "mlp", &task, &settings, &epochs, seconds, &scores)
}
