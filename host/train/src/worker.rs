//! Data-parallel workers: each computes the gradient of its share of a batch on its own thread and
//! device.
//!
//! The CPU backend leaves a core idle in much of the backward pass; two half batches fill both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use crate::examples::TrainingExamples;
use crate::loss::{agreements, cross_entropy};
use crate::net::Network;
use crate::panics::message;
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
    /// Of the whole training.
    pub seed: u64,
}

struct Job {
    net: Network,
    indices: Vec<usize>,
    epoch: usize,
    /// Examples of the whole step.
    step: usize,
}

/// The gradient of a share of a step.
pub struct Share {
    /// Gradients of [`Share::loss`].
    pub grads: GradientsParams,
    /// The share's part of the step's mean loss.
    pub loss: f32,
    /// Examples whose first head answered what its target says.
    pub right: usize,
}

/// Threads that live as long as the training.
pub struct Workers {
    jobs: Vec<Sender<Job>>,
    shares: Vec<Receiver<Result<Share, String>>>,
}

impl Workers {
    /// Starts a thread for each of `devices` in `scope`; a device may be there several times.
    pub fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        devices: &[Device],
        shared: Shared<'env>,
    ) -> Self {
        let mut workers = Self { jobs: Vec::new(), shares: Vec::new() };
        for device in devices {
            let (job_sender, job_receiver) = channel::<Job>();
            let (share_sender, share_receiver) = channel();
            let device = device.clone();
            scope.spawn(move || {
                for job in job_receiver {
                    // A panic inside burn becomes an error: in a thread of this scope it would end the
                    // program before the caller could say what to do.
                    let share = catch_unwind(AssertUnwindSafe(|| gradient(&job, shared, &device)));
                    let share = share.map_err(|panic| message(panic.as_ref()).to_owned());
                    if share_sender.send(share).is_err() {
                        break;
                    }
                }
            });
            workers.jobs.push(job_sender);
            workers.shares.push(share_receiver);
        }
        workers
    }

    /// The gradient of the examples at `indices`, one share per worker, as part of a step of `step`
    /// examples.
    ///
    /// # Errors
    /// What a worker said when it panicked.
    pub fn shares(
        &self,
        net: &Network,
        indices: &[usize],
        epoch: usize,
        step: usize,
    ) -> Result<Vec<Share>, String> {
        let parts = indices.chunks(indices.len().div_ceil(self.jobs.len()));
        let mut sent = 0;
        for (part, sender) in parts.zip(&self.jobs) {
            let job = Job { net: net.clone(), indices: part.to_vec(), epoch, step };
            sender.send(job).map_err(|error| error.to_string())?;
            sent += 1;
        }
        let answer = |receiver: &Receiver<_>| receiver.recv().map_err(|e| e.to_string())?;
        self.shares.iter().take(sent).map(answer).collect()
    }
}

/// The gradient of all heads' soft cross-entropy, averaged over the whole step.
fn gradient(job: &Job, shared: Shared<'_>, device: &Device) -> Share {
    let Shared { data, examples, recipe, seed } = shared;
    let mut batch = examples.batch(&job.indices, data, recipe, seed, job.epoch, device);
    // Leaves of its own: graphs that share leaves are one graph behind one lock in burn, and the
    // first backward pass may take the other's nodes with it.
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
