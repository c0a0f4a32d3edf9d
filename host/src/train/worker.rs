//! Data-parallel workers: each computes the gradient of its share of a batch on its own thread.
//!
//! The CPU backend leaves a core idle in much of the backward pass; two half batches fill both.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Scope, ScopedJoinHandle};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor};

use super::examples::Examples;
use super::recipe::Recipe;
use crate::data::dataset::Dataset;
use crate::net::Network;

/// What every worker reads.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    /// Pixels and labels.
    pub data: &'a Dataset,
    /// Training rows.
    pub examples: &'a Examples,
    /// Settings.
    pub recipe: &'a Recipe,
    /// Of the whole training.
    pub seed: u64,
}

struct Job {
    net: Network,
    indices: Vec<usize>,
    epoch: usize,
    batch: usize,
}

/// The gradient of a share of a batch.
pub struct Share {
    /// Gradients of [`Share::loss`].
    pub grads: GradientsParams,
    /// The share's part of the batch's mean loss.
    pub loss: f32,
}

/// Threads that live as long as the training.
pub struct Workers {
    jobs: Vec<Sender<Job>>,
    shares: Vec<Receiver<Share>>,
}

impl Workers {
    /// Starts `count` threads in `scope`.
    pub fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        count: usize,
        shared: Shared<'env>,
        device: &Device,
    ) -> (Self, Vec<ScopedJoinHandle<'scope, ()>>) {
        let mut workers = Self { jobs: Vec::new(), shares: Vec::new() };
        let mut handles = Vec::new();
        for _ in 0..count.max(1) {
            let (job_sender, job_receiver) = channel::<Job>();
            let (share_sender, share_receiver) = channel();
            let device = device.clone();
            handles.push(scope.spawn(move || {
                for job in job_receiver {
                    if share_sender.send(gradient(&job, shared, &device)).is_err() {
                        break;
                    }
                }
            }));
            workers.jobs.push(job_sender);
            workers.shares.push(share_receiver);
        }
        (workers, handles)
    }

    /// One share per worker of the batch of examples at `indices`; `None` when a worker died, which
    /// its thread's panic message explains.
    pub fn shares(&self, net: &Network, indices: &[usize], epoch: usize) -> Option<Vec<Share>> {
        let size = indices.len().div_ceil(self.jobs.len());
        let parts: Arc<[&[usize]]> = indices.chunks(size).collect();
        for (part, sender) in parts.iter().zip(&self.jobs) {
            let job = Job { net: net.clone(), indices: part.to_vec(), epoch, batch: indices.len() };
            sender.send(job).ok()?;
        }
        let receivers = self.shares.iter().take(parts.len());
        receivers.map(|receiver| receiver.recv().ok()).collect()
    }
}

/// Soft cross-entropy of both heads: `-sum(target * log p)`, averaged over the whole batch.
fn gradient(job: &Job, shared: Shared<'_>, device: &Device) -> Share {
    let Shared { data, examples, recipe, seed } = shared;
    let batch = examples.batch(&job.indices, data, recipe, seed, job.epoch, device);
    // Leaves of its own: graphs that share leaves are one graph behind one lock in burn, and the
    // first backward pass may take the other's nodes with it.
    let net = job.net.clone().fork(device);
    let mut noise = batch.noise;
    // As in `super::HEADS`.
    let targets = [(1.0, batch.ferplus), (recipe.loss.fer_weight, batch.fer)];
    let logits = net.forward(batch.luma, &mut noise);
    let mut loss = Tensor::<1>::zeros([1], device);
    for (logits, (weight, target)) in logits.into_iter().zip(targets) {
        loss = loss + (log_softmax(logits, 1) * target).sum().mul_scalar(weight);
    }
    let loss = loss.div_scalar(-(job.batch as f32));
    let value = loss.clone().into_scalar::<f32>();
    let grads = GradientsParams::from_grads(loss.backward(), &net);
    Share { grads, loss: value }
}
