//! Training the badge's classifier: `burn` on the CPU, two workers, one checkpoint file.

pub mod augment;
pub mod checkpoint;
pub mod ema;
pub mod examples;
pub mod recipe;
pub mod schedule;
pub mod validate;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsAccumulator, ModuleOptimizer, SgdConfig};
use burn::tensor::Device;
use emocue_models::label::{FER_7, FERPLUS_8, LabelSet};

use crate::data::Split;
use crate::data::dataset::Dataset;
use crate::files::write_atomically;
use crate::net::Network;
use checkpoint::{Checkpoint, CheckpointError, EpochMetrics, State};
use examples::Examples;
use recipe::Recipe;
use validate::validate;
use worker::{Shared, Workers};

/// What the network's heads answer in, the badge's own first.
pub const HEADS: [LabelSet; 2] = [FERPLUS_8, FER_7];

/// How often a running training saves besides at the end of an epoch, s.
const SAVE_EVERY_S: u64 = 300;

/// What to train on, how, and where the results go.
pub struct Plan<'a> {
    /// Pictures, labels, votes.
    pub data: &'a Dataset,
    /// Training rows.
    pub examples: &'a Examples,
    /// Folder of the checkpoint and `metrics.jsonl`; it exists.
    pub dir: &'a Path,
    /// Threads that compute gradients.
    pub workers: usize,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// It was asked to stop; `--resume` goes on.
    Interrupted,
}

/// What the training tells while it runs.
pub trait Watcher {
    /// After every step: steps done, steps in all, the current epoch's mean loss so far.
    fn step(&mut self, done: usize, total: usize, loss: f32);
    /// After every epoch.
    fn epoch(&mut self, metrics: &EpochMetrics);
}

/// A training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// No row is left to train on.
    #[error("no row to train on\n  The Training split is empty or every row was dropped.")]
    NoExamples,
    /// The checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// `metrics.jsonl` cannot be written.
    #[error("cannot write {path}: {source}", path = .0.display(), source = .1)]
    Metrics(PathBuf, std::io::Error),
    /// The checkpoint belongs to other data.
    #[error(
        "the checkpoint was made on {0} examples, but the data has {1}\n  Resume with the same files and the same --limit."
    )]
    OtherData(usize, usize),
    /// The loss is no number any more.
    #[error(
        "the loss is {0} at step {1}\n  Lower optimizer.learning_rate in the recipe and start again."
    )]
    Diverged(f32, usize),
    /// A worker thread died.
    #[error("a worker thread stopped; its message is above")]
    Worker,
}

/// The optimiser that a recipe asks for.
pub fn optimizer(recipe: &Recipe) -> ModuleOptimizer {
    let settings = &recipe.optimizer;
    SgdConfig::new()
        .with_weight_decay(Some(WeightDecayConfig::new(settings.weight_decay)))
        .with_momentum(Some(
            MomentumConfig::new()
                .with_momentum(settings.momentum)
                .with_dampening(0.0)
                .with_nesterov(true),
        ))
        .init()
}

/// A fresh start with weights drawn from `seed`.
pub fn begin(recipe: Recipe, seed: u64, examples: &Examples, device: &Device) -> Checkpoint {
    device.seed(seed);
    let net = Network::new(&recipe.net, &HEADS, device);
    let average = net.valid();
    let optimizer = optimizer(&recipe);
    let state = State {
        recipe,
        seed,
        examples: examples.len(),
        step: 0,
        epoch_loss: 0.0,
        metrics: Vec::new(),
    };
    Checkpoint { state, net, average, optimizer }
}

/// Trains from where `at` stands until the recipe's end or until `stop` is set, saving as it goes.
///
/// # Errors
/// [`TrainError`]; the last saved checkpoint then still stands.
pub fn train(
    plan: &Plan<'_>,
    at: &mut Checkpoint,
    device: &Device,
    stop: &AtomicBool,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, TrainError> {
    let count = plan.examples.len();
    if count == 0 {
        return Err(TrainError::NoExamples);
    }
    if at.state.examples != count {
        return Err(TrainError::OtherData(at.state.examples, count));
    }
    let recipe = at.state.recipe.clone();
    let seed = at.state.seed;
    let shared = Shared { data: plan.data, examples: plan.examples, recipe: &recipe, seed };
    std::thread::scope(|scope| {
        let (workers, _handles) = Workers::start(scope, plan.workers, shared, device);
        run(plan, at, &recipe, &workers, stop, watcher)
    })
}

fn run(
    plan: &Plan<'_>,
    at: &mut Checkpoint,
    recipe: &Recipe,
    workers: &Workers,
    stop: &AtomicBool,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, TrainError> {
    let batch = recipe.optimizer.batch;
    let steps_per_epoch = plan.examples.len().div_ceil(batch);
    let total = recipe.optimizer.epochs * steps_per_epoch;
    let mut saved = Instant::now();
    while at.state.step < total {
        let epoch = at.state.step / steps_per_epoch;
        let first = at.state.step % steps_per_epoch;
        let order = augment::shuffled(at.state.seed, epoch, plan.examples.len());
        let started = Instant::now();
        for (index, indices) in order.chunks(batch).enumerate().skip(first) {
            if stop.load(Ordering::Relaxed) {
                at.save(plan.dir)?;
                return Ok(Outcome::Interrupted);
            }
            at.state.epoch_loss += f64::from(step(at, workers, indices, epoch, steps_per_epoch)?);
            let mean = at.state.epoch_loss / (index + 1) as f64;
            watcher.step(at.state.step, total, mean as f32);
            if saved.elapsed().as_secs() >= SAVE_EVERY_S {
                at.save(plan.dir)?;
                saved = Instant::now();
            }
        }
        let (ferplus_public, fer_public) = validate(&at.average, plan.data, Split::PublicTest);
        let metrics = EpochMetrics {
            epoch: epoch + 1,
            loss: (at.state.epoch_loss / steps_per_epoch as f64) as f32,
            learning_rate: schedule::learning_rate(
                &recipe.optimizer,
                at.state.step - 1,
                steps_per_epoch,
            ),
            ferplus_public,
            fer_public,
            seconds: started.elapsed().as_secs_f32(),
        };
        watcher.epoch(&metrics);
        at.state.metrics.push(metrics);
        at.state.epoch_loss = 0.0;
        at.save(plan.dir)?;
        write_metrics(plan.dir, &at.state.metrics)?;
        saved = Instant::now();
    }
    Ok(Outcome::Finished)
}

/// One optimiser step; returns the batch's mean loss.
fn step(
    at: &mut Checkpoint,
    workers: &Workers,
    indices: &[usize],
    epoch: usize,
    steps_per_epoch: usize,
) -> Result<f32, TrainError> {
    let shares = workers.shares(&at.net, indices, epoch).ok_or(TrainError::Worker)?;
    let mut accumulator = GradientsAccumulator::new();
    let mut loss = 0.0;
    for share in shares {
        loss += share.loss;
        accumulator.accumulate(&at.net, share.grads);
    }
    if !loss.is_finite() {
        return Err(TrainError::Diverged(loss, at.state.step));
    }
    let settings = &at.state.recipe.optimizer;
    let rate = schedule::learning_rate(settings, at.state.step, steps_per_epoch);
    at.net = at.optimizer.step(rate, at.net.clone(), accumulator.grads());
    at.state.step += 1;
    // The average follows faster at first, so that the random start is soon forgotten.
    let warm = (1.0 + at.state.step as f32) / (10.0 + at.state.step as f32);
    let decay = settings.ema_decay.min(warm);
    // `valid` also brings the workers' batch norm statistics together.
    at.average = ema::update(at.average.clone(), &at.net.valid(), decay);
    Ok(loss)
}

/// One JSON object a finished epoch.
fn write_metrics(dir: &Path, metrics: &[EpochMetrics]) -> Result<(), TrainError> {
    let path = dir.join("metrics.jsonl");
    let mut lines = String::new();
    for epoch in metrics {
        lines += &serde_json::to_string(epoch)
            .map_err(|error| TrainError::Metrics(path.clone(), error.into()))?;
        lines.push('\n');
    }
    write_atomically(&path, lines.as_bytes())
        .map_err(|source| TrainError::Metrics(path.clone(), source))
}
