//! Training a classifier: `burn`, data-parallel workers, one checkpoint file.

pub mod augment;
pub mod backend;
pub mod checkpoint;
pub mod ema;
pub mod examples;
pub mod export;
pub mod net;
pub mod optimizer;
mod panics;
pub mod recipe;
pub mod schedule;
pub mod teacher;
pub mod validate;
pub mod worker;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::Device;

use checkpoint::{Checkpoint, CheckpointError, EpochMetrics, State};
use emocue_data::dataset::Dataset;
use emocue_models::files::write_atomically;
use examples::Examples;
use optimizer::optimizer;
use recipe::Recipe;
use validate::Validation;
use worker::{Shared, Workers};

/// How often a running training saves besides at the end of an epoch, s.
const SAVE_EVERY_S: u64 = 300;

/// What to train on, how, and where the results go.
pub struct Plan<'a> {
    /// Pictures, labels, votes.
    pub data: &'a Dataset,
    /// Training rows and targets.
    pub examples: &'a Examples,
    /// Folder of the checkpoint and `metrics.jsonl`; it exists.
    pub dir: &'a Path,
    /// Where gradients are computed, one thread each; the first also holds the weights.
    pub devices: &'a [Device],
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// The recipe's patience ran out; the best epoch's weights are kept.
    Stopped,
    /// It was asked to stop; `--resume` goes on.
    Interrupted,
}

/// Where a running training stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// The current epoch, from 1.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The last step's mean loss.
    pub loss: f32,
    /// The current epoch's mean loss so far.
    pub epoch_loss: f32,
    /// Examples of a step.
    pub examples: usize,
}

/// What the training tells while it runs.
pub trait Watcher {
    /// After every step.
    fn step(&mut self, progress: &Progress);
    /// After every epoch.
    fn epoch(&mut self, metrics: &EpochMetrics);
}

/// A training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The checkpoint cannot be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// `metrics.jsonl` cannot be written.
    #[error("cannot write {path}: {source}", path = .0.display(), source = .1)]
    Metrics(PathBuf, std::io::Error),
    /// Another training writes to the same folder.
    #[error(
        "another training runs in {path}\n  Wait for it, stop it, or choose another --run folder.", path = .0.display()
    )]
    Busy(PathBuf),
    /// The folder cannot be locked.
    #[error("cannot lock the folder {path}: {source}", path = .0.display(), source = .1)]
    Lock(PathBuf, std::io::Error),
    /// The checkpoint belongs to other data.
    #[error(
        "the checkpoint was made on other examples than these\n  Resume with the same files, teachers, folds and --limit."
    )]
    OtherData,
    /// The loss is no number any more.
    #[error(
        "the loss is {0} at step {1}\n  Lower optimizer.learning_rate in the recipe and start again."
    )]
    Diverged(f32, usize),
    /// A gradient could not be computed.
    #[error(
        "a gradient cannot be computed: {0}\n  The last checkpoint stands; go on with --resume."
    )]
    Worker(String),
}

/// A fresh start with weights drawn from `seed`.
pub fn begin(recipe: Recipe, seed: u64, fingerprint: String, device: &Device) -> Checkpoint {
    let drawing = net::drawing();
    device.seed(seed);
    let net = recipe.network(device);
    // Reads, and so draws, every weight.
    let average = net.valid();
    drop(drawing);
    let optimizer = optimizer(&recipe);
    let state = State {
        recipe,
        seed,
        fingerprint,
        step: 0,
        epoch_loss: 0.0,
        epoch_right: 0,
        metrics: Vec::new(),
    };
    Checkpoint { state, net, average, best: None, optimizer }
}

/// Keeps other trainings out of a run's folder as long as it lives.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Locks the run's folder `dir`.
///
/// # Errors
/// [`TrainError::Busy`] when another training runs there, [`TrainError::Lock`] when the system refuses.
pub fn lock(dir: &Path) -> Result<Lock, TrainError> {
    let path = dir.join("lock");
    let refused = |error| TrainError::Lock(dir.to_owned(), error);
    let file = File::create(path).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(TrainError::Busy(dir.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(refused(error)),
    }
}

/// Trains from where `at` stands until the recipe's end or until `stop` is set, saving as it goes.
///
/// # Errors
/// [`TrainError`]; the last saved checkpoint then still stands.
pub fn train(
    plan: &Plan<'_>,
    at: &mut Checkpoint,
    stop: &AtomicBool,
    watcher: &mut dyn Watcher,
) -> Result<Outcome, TrainError> {
    if at.state.fingerprint != plan.examples.fingerprint(plan.data) {
        return Err(TrainError::OtherData);
    }
    let recipe = at.state.recipe.clone();
    let seed = at.state.seed;
    let shared = Shared { data: plan.data, examples: plan.examples, recipe: &recipe, seed };
    std::thread::scope(|scope| {
        let workers = Workers::start(scope, plan.devices, shared);
        Run { plan, recipe: &recipe, workers, saved: Instant::now() }.go(at, stop, watcher)
    })
}

/// A training that goes on.
struct Run<'a> {
    plan: &'a Plan<'a>,
    recipe: &'a Recipe,
    workers: Workers,
    saved: Instant,
}

impl Run<'_> {
    fn go(
        &mut self,
        at: &mut Checkpoint,
        stop: &AtomicBool,
        watcher: &mut dyn Watcher,
    ) -> Result<Outcome, TrainError> {
        let (count, dir) = (self.plan.examples.len(), self.plan.dir);
        let size = self.recipe.optimizer.batch * self.recipe.optimizer.accumulate;
        let steps_per_epoch = count.div_ceil(size);
        let epochs = self.recipe.schedule.epochs;
        let steps = epochs * steps_per_epoch;
        let validation = Validation::new(self.plan.data, self.recipe);
        while at.state.step < steps {
            if schedule::exhausted(&at.scores(), self.recipe.schedule.patience) {
                return Ok(Outcome::Stopped);
            }
            let epoch = at.state.step / steps_per_epoch;
            let first = at.state.step % steps_per_epoch;
            let order = emocue_data::random::shuffled(at.state.seed, epoch, count);
            let started = Instant::now();
            let mut rate = 0.0;
            for (index, indices) in order.chunks(size).enumerate().skip(first) {
                if stop.load(Ordering::Relaxed) {
                    at.save(dir)?;
                    return Ok(Outcome::Interrupted);
                }
                let factor = schedule::factor(
                    &self.recipe.schedule,
                    at.state.step,
                    steps_per_epoch,
                    &at.scores(),
                );
                rate = self.recipe.optimizer.learning_rate * factor;
                let loss = self.step(at, indices, epoch, rate)?;
                let seen = (index * size + indices.len()) as f64;
                watcher.step(&Progress {
                    step: at.state.step,
                    steps,
                    epoch: epoch + 1,
                    epochs,
                    loss,
                    epoch_loss: (at.state.epoch_loss / seen) as f32,
                    examples: indices.len(),
                });
                // Not after an epoch's last step: a cut before its figures are known would lose them.
                let more = !at.state.step.is_multiple_of(steps_per_epoch);
                if more && self.saved.elapsed().as_secs() >= SAVE_EVERY_S {
                    at.save(dir)?;
                    self.saved = Instant::now();
                }
            }
            let metrics = EpochMetrics {
                epoch: epoch + 1,
                loss: (at.state.epoch_loss / count as f64) as f32,
                accuracy: at.state.epoch_right as f32 / count as f32,
                learning_rate: rate,
                validation: validation.accuracies(&at.average, &self.validation_device()),
                seconds: started.elapsed().as_secs_f32(),
            };
            watcher.epoch(&metrics);
            at.state.metrics.push(metrics);
            at.state.epoch_loss = 0.0;
            at.state.epoch_right = 0;
            let is_best = schedule::best(&at.scores()) == Some(epoch);
            if self.recipe.schedule.patience > 0 && is_best {
                at.keep_best(dir)?;
            }
            at.save(dir)?;
            write_metrics(dir, &at.state.metrics)?;
            self.saved = Instant::now();
        }
        Ok(Outcome::Finished)
    }

    /// Where the averaged weights lie.
    fn validation_device(&self) -> Device {
        self.plan.devices.first().map_or_else(Device::flex, |device| device.clone().inner())
    }

    /// One optimiser step with the learning rate `rate`; returns the mean loss.
    fn step(
        &self,
        at: &mut Checkpoint,
        indices: &[usize],
        epoch: usize,
        rate: f64,
    ) -> Result<f32, TrainError> {
        let mut accumulator = GradientsAccumulator::new();
        let (mut loss, mut right) = (0.0, 0);
        for batch in indices.chunks(self.recipe.optimizer.batch) {
            let shares = self.workers.shares(&at.net, batch, epoch, indices.len());
            for share in shares.map_err(TrainError::Worker)? {
                loss += share.loss;
                right += share.right;
                let home = self.plan.devices.first().filter(|_| self.plan.devices.len() > 1);
                let grads = match home {
                    Some(home) => share.grads.to_device(&home.clone().inner(), &at.net),
                    None => share.grads,
                };
                accumulator.accumulate(&at.net, grads);
            }
        }
        if !loss.is_finite() {
            return Err(TrainError::Diverged(loss, at.state.step));
        }
        at.net = at.optimizer.step(rate, at.net.clone(), accumulator.grads());
        at.state.step += 1;
        at.state.epoch_loss += f64::from(loss) * indices.len() as f64;
        at.state.epoch_right += right;
        // The average follows faster at first, so that the random start is soon forgotten.
        let warm = (1.0 + at.state.step as f32) / (10.0 + at.state.step as f32);
        let decay = self.recipe.optimizer.ema_decay.min(warm);
        // `valid` also brings the workers' batch norm statistics together.
        at.average = ema::update(at.average.clone(), &at.net.valid(), decay);
        Ok(loss)
    }
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
