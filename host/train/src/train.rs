//! The loop over epochs and steps: data-parallel workers, one checkpoint file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::Device;

use crate::build;
use crate::checkpoint::{Checkpoint, CheckpointError, EpochMetrics, TrainingState};
use crate::examples::TrainingExamples;
use crate::recipe::Recipe;
use crate::validate::Validation;
use crate::watcher::{TrainingProgress, TrainingWatcher};
use crate::worker::{Shared, Workers};
use crate::{ema, net, schedule};
use emocue_data::dataset::Dataset;
use emocue_models::failure::{Failure, exit};
use emocue_models::files::write_atomically;

/// Time between two checkpoints within an epoch, s.
const SAVE_EVERY_S: u64 = 300;

/// The data of a training, its folder and its devices.
pub struct TrainingInput<'a> {
    /// Pictures, labels, votes.
    pub data: &'a Dataset,
    /// Training rows and targets.
    pub examples: &'a TrainingExamples,
    /// Folder of the checkpoint and `metrics.jsonl`; it must exist.
    pub dir: &'a Path,
    /// Devices that compute gradients, one thread each; the first also holds the weights.
    pub devices: &'a [Device],
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainOutcome {
    /// All epochs are done.
    Finished,
    /// Early stopping: the recipe's patience is exhausted; the best epoch's weights are kept.
    Stopped,
    /// It was asked to stop; its checkpoint can be resumed.
    Interrupted,
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
    /// The checkpoint belongs to other data.
    #[error("the checkpoint was made on other examples than these")]
    OtherData,
    /// The loss is not a finite number.
    #[error("the loss is {0} at step {1}")]
    Diverged(f32, usize),
    /// A gradient could not be computed.
    #[error("failed to compute a gradient: {0}")]
    Worker(String),
}

impl Failure for TrainError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Checkpoint(error) => return error.help(),
            Self::Metrics(..) => return None,
            Self::OtherData => "Resume with the same files, teachers, folds and --limit.",
            Self::Diverged(..) => "Lower optimizer.learning_rate in the recipe and start again.",
            Self::Worker(_) => "The last checkpoint is kept; continue with --resume.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Checkpoint(error) => error.exit_code(),
            Self::Metrics(..) => exit::FOLDER,
            Self::OtherData => exit::USAGE,
            Self::Diverged(..) | Self::Worker(_) => exit::FAILED,
        }
    }
}

/// A new training with weights drawn from `seed`.
pub fn begin(recipe: Recipe, seed: u64, fingerprint: String, device: &Device) -> Checkpoint {
    let drawing = net::drawing();
    device.seed(seed);
    let net = build::network(&recipe, device);
    // This reads every weight, and burn draws a weight when it is first read.
    let average = net.valid();
    drop(drawing);
    let optimizer = build::optimizer(&recipe.optimizer);
    let state = TrainingState {
        recipe,
        seed,
        fingerprint,
        step: 0,
        epoch_loss: 0.0,
        epoch_right: 0,
        metrics: Vec::new(),
        priors: BTreeMap::new(),
    };
    Checkpoint { state, net, average, best: None, optimizer }
}

/// Trains from the checkpoint `at` until the end of the recipe or until `stop` is set, and saves checkpoints meanwhile.
///
/// # Errors
/// [`TrainError`]; the last saved checkpoint is then unchanged.
pub fn train(
    plan: &TrainingInput<'_>,
    at: &mut Checkpoint,
    stop: &AtomicBool,
    watcher: &mut dyn TrainingWatcher,
) -> Result<TrainOutcome, TrainError> {
    if at.state.fingerprint != plan.examples.fingerprint(plan.data) {
        return Err(TrainError::OtherData);
    }
    let recipe = at.state.recipe.clone();
    let seed = at.state.seed;
    let shared = Shared { data: plan.data, examples: plan.examples, recipe: &recipe, seed };
    std::thread::scope(|scope| {
        let workers = Workers::start(scope, plan.devices, shared);
        Steps { plan, recipe: &recipe, workers, saved: Instant::now() }.run(at, stop, watcher)
    })
}

/// A running training.
struct Steps<'a> {
    plan: &'a TrainingInput<'a>,
    recipe: &'a Recipe,
    workers: Workers,
    saved: Instant,
}

impl Steps<'_> {
    fn run(
        &mut self,
        at: &mut Checkpoint,
        stop: &AtomicBool,
        watcher: &mut dyn TrainingWatcher,
    ) -> Result<TrainOutcome, TrainError> {
        let (count, dir) = (self.plan.examples.len(), self.plan.dir);
        let size = self.recipe.optimizer.batch * self.recipe.optimizer.accumulate;
        let steps_per_epoch = count.div_ceil(size);
        let epochs = self.recipe.schedule.epochs;
        let steps = epochs * steps_per_epoch;
        let validation = Validation::new(self.plan.data, self.recipe);
        while at.state.step < steps {
            if schedule::exhausted(&at.scores(), self.recipe.schedule.patience) {
                return Ok(TrainOutcome::Stopped);
            }
            let epoch = at.state.step / steps_per_epoch;
            let first = at.state.step % steps_per_epoch;
            let order = emocue_data::random::shuffled(at.state.seed, epoch, count);
            let started = Instant::now();
            let mut rate = 0.0;
            for (index, indices) in order.chunks(size).enumerate().skip(first) {
                if stop.load(Ordering::Relaxed) {
                    at.save(dir)?;
                    return Ok(TrainOutcome::Interrupted);
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
                watcher.step(&TrainingProgress {
                    step: at.state.step,
                    steps,
                    epoch: epoch + 1,
                    epochs,
                    loss,
                    epoch_loss: (at.state.epoch_loss / seen) as f32,
                    examples: indices.len(),
                });
                // Not after an epoch's last step: if the program ended before the epoch's metrics are computed, they
                // would be lost.
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
        Ok(TrainOutcome::Finished)
    }

    /// The device of the averaged weights, without autodiff.
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
        // The decay is smaller at first, so that the initial weights soon lose their share in the average.
        let warm = (1.0 + at.state.step as f32) / (10.0 + at.state.step as f32);
        let decay = self.recipe.optimizer.ema_decay.min(warm);
        // `valid` also merges the workers' statistics of batch normalisation.
        at.average = ema::update(at.average.clone(), &at.net.valid(), decay);
        Ok(loss)
    }
}

/// Writes one JSON object for each finished epoch.
fn write_metrics(dir: &Path, metrics: &[EpochMetrics]) -> Result<(), TrainError> {
    let path = dir.join("metrics.jsonl");
    let mut lines = String::new();
    for epoch in metrics {
        lines += &serde_json::to_string(epoch)
            .map_err(|error| TrainError::Metrics(path.clone(), error.into()))?;
        lines.push('\n');
    }
    write_atomically(&path, lines.as_bytes())
        .map_err(|source| TrainError::Metrics(path.clone(), source.source))
}
