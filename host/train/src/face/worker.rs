//! Data-parallel workers: each draws its share of a step's frames and computes their gradient on its own thread.

use std::thread::Scope;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use emocue_data::random::generator;

use super::loss::{cells, loss};
use super::net::FaceNet;
use super::recipe::FaceRecipe;
use super::scene::{Director, EmptyScene};
use super::targets::Targets;
use super::{HEIGHT, WIDTH, disturb};
use crate::pool::Pool;

/// Highest logit of a cell from which a frame without a face is a hard negative (a probability of 0.3).
const HARD: f32 = -0.85;

/// What every worker reads.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    /// Draws frames.
    pub director: Director<'a>,
    /// Settings.
    pub recipe: &'a FaceRecipe,
}

struct Job {
    net: FaceNet,
    /// Indices of the frames.
    frames: std::ops::Range<usize>,
    hard: Vec<EmptyScene>,
    /// Number of shares of the step.
    shares: usize,
}

/// The gradient of a share of a step.
pub struct FaceShare {
    /// Gradients of the share's part of the step's mean loss.
    pub grads: GradientsParams,
    /// The share's part of the mean losses: total, scores, boxes, landmarks.
    pub losses: [f32; 4],
    /// Hard negatives: frames without a face in which the network detected one.
    pub hard: Vec<EmptyScene>,
}

/// The worker threads of a training.
pub struct FaceWorkers(Pool<Job, FaceShare>);

impl FaceWorkers {
    /// Starts a thread for each of `devices` in `scope`; a device may occur several times.
    pub fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        devices: &[Device],
        shared: Shared<'env>,
    ) -> Self {
        Self(Pool::start(scope, devices, move |job, device| gradient(job, shared, device)))
    }

    /// The gradients of the `batch` frames from index `first`, one share for each worker.
    ///
    /// # Errors
    /// The message of a worker's panic.
    pub fn shares(
        &self,
        net: &FaceNet,
        first: usize,
        batch: usize,
        hard: &[EmptyScene],
    ) -> Result<Vec<FaceShare>, String> {
        let each = batch.div_ceil(self.0.threads());
        let shares = batch.div_ceil(each);
        self.0.answers((0..shares).map(|part| {
            let from = first + part * each;
            let frames = from..(from + each).min(first + batch);
            Job { net: net.clone(), frames, hard: hard.to_vec(), shares }
        }))
    }
}

fn gradient(job: Job, shared: Shared<'_>, device: &Device) -> FaceShare {
    let Shared { director, recipe } = shared;
    let count = job.frames.len();
    let mut luma = Vec::with_capacity(count * WIDTH * HEIGHT);
    let mut targets = Vec::with_capacity(count);
    let mut empties = Vec::with_capacity(count);
    for number in job.frames {
        let rng = &mut generator(director.seed, 0, number);
        let mut scene = director.scene(rng, &job.hard);
        disturb::disturb(&recipe.disturb, rng, &mut scene);
        targets.push(Targets::new(&scene.faces, &scene.ignored, scene.teacher.as_deref()));
        disturb::input(&scene.frame, &mut luma);
        empties.push(scene.empty);
    }
    let luma = Tensor::from_data(TensorData::new(luma, [count, 1, HEIGHT, WIDTH]), device);
    // A fork has its own leaves: in burn, graphs that share leaves are one graph behind one lock.
    let net = job.net.fork(device).multiplying_in(recipe.optimizer.precision);
    let cells = cells(net.forward(&luma));
    let highest = cells.clone().detach().narrow(1, 0, 1).max_dim(2);
    let highest: Vec<f32> = highest.into_data().iter::<f32>().collect();
    let seen = empties.into_iter().zip(highest);
    let hard = seen.filter_map(|(empty, score)| empty.filter(|_| score > HARD)).collect();
    let losses = loss(cells, &targets, &recipe.loss, device);
    let part = 1.0 / job.shares as f32;
    let value = |tensor: Tensor<1>| tensor.detach().into_scalar::<f32>() * part;
    let values = [losses.total.clone(), losses.score, losses.boxes, losses.landmarks].map(value);
    let grads = GradientsParams::from_grads(losses.total.mul_scalar(part).backward(), &net);
    FaceShare { grads, losses: values, hard }
}
