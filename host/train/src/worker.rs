//! Data-parallel workers: each computes the gradient of its share of a batch on its own thread and
//! device.

use std::thread::Scope;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use crate::examples::TrainingExamples;
use crate::loss::{agreements, cross_entropy};
use crate::net::Network;
use crate::pool::Pool;
use crate::recipe::Recipe;
use emocue_data::dataset::Dataset;

/// What every worker reads.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    /// Pictures.
    pub data: &'a Dataset,
    /// Training rows and targets.
    pub examples: &'a TrainingExamples,
    /// Settings.
    pub recipe: &'a Recipe,
    /// Seed of the training.
    pub seed: u64,
}

struct Job {
    net: Network,
    indices: Vec<usize>,
    epoch: usize,
    /// Number of examples of the whole step.
    step: usize,
}

/// The gradient of a share of a step.
pub struct Share {
    /// Gradients of [`Share::loss`].
    pub grads: GradientsParams,
    /// The share's part of the step's mean loss.
    pub loss: f32,
    /// Examples that the first head classified correctly.
    pub right: usize,
}

/// The worker threads of a training.
pub struct Workers(Pool<Job, Share>);

impl Workers {
    /// Starts a thread for each of `devices` in `scope`; a device may occur several times.
    pub fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        devices: &[Device],
        shared: Shared<'env>,
    ) -> Self {
        Self(Pool::start(scope, devices, move |job, device| gradient(&job, shared, device)))
    }

    /// The gradients of the examples at `indices`, one share for each worker, as part of a step of `step` examples.
    ///
    /// # Errors
    /// The message of a worker's panic.
    pub fn shares(
        &self,
        net: &Network,
        indices: &[usize],
        epoch: usize,
        step: usize,
    ) -> Result<Vec<Share>, String> {
        let parts = indices.chunks(indices.len().div_ceil(self.0.threads()));
        let job = |part: &[usize]| Job { net: net.clone(), indices: part.to_vec(), epoch, step };
        self.0.answers(parts.map(job))
    }
}

/// The gradient of all heads' soft cross-entropy, averaged over the whole step.
fn gradient(job: &Job, shared: Shared<'_>, device: &Device) -> Share {
    let Shared { data, examples, recipe, seed } = shared;
    let mut batch = examples.batch(&job.indices, data, recipe, seed, job.epoch, device);
    // A fork has its own leaves: in burn, graphs that share leaves are one graph behind one lock, and the first
    // backward pass may consume the nodes of the other.
    let net = job.net.clone().fork(device).multiplying_in(recipe.optimizer.precision);
    let logits = net.forward(batch.luma, &mut batch.noise);
    let right = match (logits.first(), batch.targets.first()) {
        (Some(logits), Some(targets)) => agreements(logits.clone(), targets.clone()),
        _ => 0,
    };
    let mut loss = Tensor::<1>::zeros([1], device);
    let targets = batch.targets.into_iter().zip(batch.masks);
    for ((logits, (target, mask)), head) in logits.into_iter().zip(targets).zip(&recipe.heads) {
        let logits = match mask {
            Some(mask) => logits + mask,
            None => logits,
        };
        loss = loss + cross_entropy(logits, target).mul_scalar(head.weight);
    }
    let loss = loss.div_scalar(job.step as f32);
    let value = loss.clone().into_scalar::<f32>();
    let grads = GradientsParams::from_grads(loss.backward(), &net);
    Share { grads, loss: value, right }
}
