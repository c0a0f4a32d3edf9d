//! The loop over steps of a detector's training.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::tensor::Device;
use emocue_models::files::write_atomically;

use super::checkpoint::FaceCheckpoint;
use super::material::Material;
use super::recipe::FaceSchedule;
use super::scene::{Director, EmptyScene};
use super::validate::{FaceMetrics, FaceValidation};
use super::views::Views;
use super::worker::{FaceWorkers, Shared};
use crate::checkpoint::CheckpointError;
use crate::ema;
use crate::train::{TrainError, TrainOutcome};

/// Time between two checkpoints, s.
const SAVE_EVERY_S: u64 = 120;
/// Largest number of hard negatives that are kept.
const HARD: usize = 4096;

/// The data of a training, its folder and its devices.
pub struct FaceTraining<'a> {
    /// Pictures.
    pub material: &'a Material,
    /// The teacher's outputs for them.
    pub views: &'a Views,
    /// Folder of the checkpoint and `metrics.jsonl`; it must exist.
    pub dir: &'a Path,
    /// Devices that compute gradients, one thread each; the first also holds the weights.
    pub devices: &'a [Device],
}

/// Receives the progress of a training.
pub trait FaceWatcher {
    /// Processing of `count` items, named `what`, begins; the returned function receives how many more are done.
    fn working(&mut self, _what: &str, _count: usize) -> Box<dyn Fn(usize) + Sync> {
        Box::new(|_| ())
    }
    /// All pictures are read.
    fn material(&mut self, _material: &Material) {}
    /// The newest checkpoint cannot be used; the training resumes from the previous one, at `frames` frames.
    fn previous(&mut self, _error: &CheckpointError, _frames: usize) {}
    /// After every step: frames seen, frames in all, the step's mean loss.
    fn step(&mut self, frames: usize, of: usize, loss: f32);
    /// After every validation of the weights that would be exported.
    fn look(&mut self, metrics: &FaceMetrics);
}

/// Trains from the checkpoint `at` until the end of the recipe or until `stop` is set, and saves checkpoints meanwhile.
///
/// # Errors
/// [`TrainError`]; the last saved checkpoint is then unchanged.
pub fn train(
    plan: &FaceTraining<'_>,
    at: &mut FaceCheckpoint,
    stop: &AtomicBool,
    watcher: &mut dyn FaceWatcher,
) -> Result<TrainOutcome, TrainError> {
    if at.state.fingerprint != plan.material.fingerprint() {
        return Err(TrainError::OtherData);
    }
    let recipe = at.state.recipe.clone();
    let FaceTraining { material, views, dir, devices } = *plan;
    let director = Director { material, views, scenes: &recipe.scenes, seed: at.state.seed };
    let validation = FaceValidation::new(material);
    let inner = devices.first().map_or_else(Device::flex, |device| device.clone().inner());
    std::thread::scope(|scope| {
        let workers = FaceWorkers::start(scope, devices, Shared { director, recipe: &recipe });
        let (mut saved, mut looked) = (Instant::now(), Instant::now());
        let (mut sums, mut steps) = ([0.0_f32; 4], 0_usize);
        let FaceSchedule { frames, validate_every, .. } = recipe.schedule;
        while at.state.frames < frames {
            if stop.load(Ordering::Relaxed) {
                at.save(dir)?;
                return Ok(TrainOutcome::Interrupted);
            }
            let rate = recipe.optimizer.learning_rate * recipe.schedule.factor(at.state.frames);
            let losses = step(at, &workers, devices, recipe.optimizer.batch, rate)?;
            sums.iter_mut().zip(losses).for_each(|(sum, loss)| *sum += loss);
            steps += 1;
            watcher.step(at.state.frames, frames, losses[0]);
            let before = at.state.frames - recipe.optimizer.batch;
            let due = before / validate_every != at.state.frames / validate_every;
            if due || at.state.frames >= frames {
                let (precision, recall, landmarks) = validation.look(&at.exported(), &inner);
                let metrics = FaceMetrics {
                    frames: at.state.frames,
                    losses: sums.map(|sum| sum / steps.max(1) as f32),
                    precision,
                    recall,
                    landmarks,
                    seconds: looked.elapsed().as_secs_f32(),
                };
                (sums, steps, looked) = ([0.0; 4], 0, Instant::now());
                watcher.look(&metrics);
                at.state.metrics.push(metrics);
                write_metrics(dir, &at.state.metrics)?;
            }
            if due || saved.elapsed().as_secs() >= SAVE_EVERY_S {
                at.save(dir)?;
                saved = Instant::now();
            }
        }
        at.save(dir)?;
        Ok(TrainOutcome::Finished)
    })
}

/// One optimiser step; returns the parts of its mean loss.
fn step(
    at: &mut FaceCheckpoint,
    workers: &FaceWorkers,
    devices: &[Device],
    batch: usize,
    rate: f64,
) -> Result<[f32; 4], TrainError> {
    let shares = workers.shares(&at.net, at.state.frames, batch, &at.state.hard);
    let mut accumulator = GradientsAccumulator::new();
    let mut losses = [0.0; 4];
    for share in shares.map_err(TrainError::Worker)? {
        losses.iter_mut().zip(share.losses).for_each(|(sum, loss)| *sum += loss);
        remember(&mut at.state.hard, &share.hard);
        let home = devices.first().filter(|_| devices.len() > 1);
        let grads = match home {
            Some(home) => share.grads.to_device(&home.clone().inner(), &at.net),
            None => share.grads,
        };
        accumulator.accumulate(&at.net, grads);
    }
    if !losses[0].is_finite() {
        return Err(TrainError::Diverged(losses[0], at.state.frames / batch));
    }
    at.net = at.optimizer.step(rate, at.net.clone(), accumulator.grads());
    at.state.frames += batch;
    // The decay is smaller at first, so that the initial weights soon lose their share in the average.
    let steps = (at.state.frames / batch) as f32;
    let warm = (1.0 + steps) / (10.0 + steps);
    let decay = at.state.recipe.optimizer.ema_decay.min(warm);
    at.average = ema::update(at.average.clone(), &at.net.valid(), decay);
    Ok(losses)
}

/// Adds `new` frames to the hard negatives; the oldest are dropped.
fn remember(hard: &mut Vec<EmptyScene>, new: &[EmptyScene]) {
    hard.retain(|old| !new.contains(old));
    hard.extend(new);
    let surplus = hard.len().saturating_sub(HARD);
    hard.drain(..surplus);
}

/// Writes one JSON object for each validation.
fn write_metrics(dir: &Path, metrics: &[FaceMetrics]) -> Result<(), TrainError> {
    let path = dir.join("metrics.jsonl");
    let mut lines = String::new();
    for look in metrics {
        lines += &serde_json::to_string(look)
            .map_err(|error| TrainError::Metrics(path.clone(), error.into()))?;
        lines.push('\n');
    }
    write_atomically(&path, lines.as_bytes())
        .map_err(|error| TrainError::Metrics(path.clone(), error.source))
}

impl FaceSchedule {
    /// The learning rate after `frames` as a factor of the peak.
    pub fn factor(&self, frames: usize) -> f64 {
        let (at, warmup, all) = (frames as f64, self.warmup_frames as f64, self.frames as f64);
        if at < warmup {
            return (at + 1.0) / warmup;
        }
        let progress = ((at - warmup) / (all - warmup).max(1.0)).min(1.0);
        0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_falls() {
        let schedule = FaceSchedule { frames: 1000, warmup_frames: 100, validate_every: 10 };
        let factors: Vec<f64> = (0..1000).map(|frames| schedule.factor(frames)).collect();
        assert!(factors[..100].is_sorted() && factors[100..].is_sorted_by(|a, b| a >= b));
        assert!(factors[100] > 0.999 && factors[999] < 0.001);
    }

    #[test]
    fn hard_frames_are_kept_once_and_the_oldest_go() {
        let mut hard: Vec<EmptyScene> = (0..HARD as u64).map(EmptyScene).collect();
        remember(&mut hard, &[EmptyScene(5), EmptyScene(9999)]);
        assert_eq!(hard.len(), HARD);
        assert_eq!(hard.iter().filter(|scene| scene.0 == 5).count(), 1);
        assert_eq!((hard[0].0, hard[HARD - 1].0), (1, 9999));
    }
}
