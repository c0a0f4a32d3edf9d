//! A pool of threads, one for each device of a training, that compute the shares of a step.
//!
//! The CPU backend leaves cores idle during much of the backward pass; two threads with half a batch each use two cores
//! fully.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use burn::tensor::Device;

use crate::panics::message;

/// A pool of threads that compute an answer for each job.
pub(crate) struct Pool<Job, Answer> {
    jobs: Vec<Sender<Job>>,
    answers: Vec<Receiver<Result<Answer, String>>>,
}

impl<Job: Send, Answer: Send> Pool<Job, Answer> {
    /// Starts a thread for each of `devices` in `scope`; a device may occur several times.
    pub(crate) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        devices: &[Device],
        work: impl Fn(Job, &Device) -> Answer + Copy + Send + 'scope,
    ) -> Self
    where
        Job: 'scope,
        Answer: 'scope,
    {
        let mut pool = Self { jobs: Vec::new(), answers: Vec::new() };
        for device in devices {
            let (job_sender, job_receiver) = channel::<Job>();
            let (answer_sender, answer_receiver) = channel();
            let device = device.clone();
            scope.spawn(move || {
                for job in job_receiver {
                    // A panic inside burn becomes an error: in a thread of this scope it would end the
                    // program before the caller could say what to do.
                    let answer = catch_unwind(AssertUnwindSafe(|| work(job, &device)));
                    let answer = answer.map_err(|panic| message(panic.as_ref()).to_owned());
                    if answer_sender.send(answer).is_err() {
                        break;
                    }
                }
            });
            pool.jobs.push(job_sender);
            pool.answers.push(answer_receiver);
        }
        pool
    }

    /// Number of jobs that run at the same time.
    pub(crate) fn threads(&self) -> usize {
        self.jobs.len()
    }

    /// The answers to at most [`Pool::threads`] jobs, in their order.
    ///
    /// # Errors
    /// The message of a thread's panic.
    pub(crate) fn answers(&self, jobs: impl Iterator<Item = Job>) -> Result<Vec<Answer>, String> {
        let mut sent = 0;
        for (job, sender) in jobs.zip(&self.jobs) {
            sender.send(job).map_err(|error| error.to_string())?;
            sent += 1;
        }
        let answer = |receiver: &Receiver<_>| receiver.recv().map_err(|e| e.to_string())?;
        self.answers.iter().take(sent).map(answer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_in_order_and_a_panic_is_an_error() {
        std::thread::scope(|scope| {
            let pool = Pool::start(scope, &[Device::flex(), Device::flex()], |job: u32, _| {
                assert_ne!(job, 13, "unlucky");
                job * 10
            });
            assert_eq!(pool.threads(), 2);
            assert_eq!(pool.answers([4, 2].into_iter()), Ok(vec![40, 20]));
            assert_eq!(pool.answers([7].into_iter()), Ok(vec![70]));
            assert!(pool.answers([13].into_iter()).unwrap_err().contains("unlucky"));
            assert_eq!(pool.answers([1].into_iter()), Ok(vec![10]));
        });
    }
}
