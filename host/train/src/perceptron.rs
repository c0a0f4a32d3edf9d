//! Training of an [`Mlp`] on feature vectors, as a baseline for the convolutional networks.
//!
//! The optimiser, the loss and the layers are the same as for other networks; there is no folder and no checkpoint,
//! since a training takes a minute.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::build;
use crate::loss::{cross_entropy, tops};
use crate::net::graph::Macs;
use crate::net::mlp::Mlp;
use crate::net::{Size, drawing};
use crate::recipe::Optimizer;
use emocue_data::random::shuffled;

/// Rows of a forward pass in inference.
const BATCH: usize = 512;

/// The settings of a perceptron's training.
#[derive(Clone, Debug, PartialEq)]
pub struct PerceptronRecipe {
    /// Units of each hidden layer; none gives logistic regression.
    pub hidden: Vec<usize>,
    /// Passes over the rows.
    pub epochs: usize,
    /// The optimiser; the learning rate is constant, and weights are neither averaged nor gradients accumulated.
    pub optimizer: Optimizer,
    /// Seed of initial weights and order.
    pub seed: u64,
}

/// Vectors and their classes.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<'a> {
    /// `[rows, width]`, row-major.
    pub values: &'a [f32],
    /// Values of a row.
    pub width: usize,
    /// The class of each row, below `count`.
    pub classes: &'a [usize],
    /// Number of classes.
    pub count: usize,
}

/// The figures of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochFigures {
    /// Counts from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch, nats.
    pub loss: f32,
    /// Accuracy on the training rows during the epoch, `0..=1`.
    pub accuracy: f32,
}

/// The loss is not a finite number.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the loss is {loss} in epoch {epoch}")]
pub struct Diverged {
    /// The loss: NaN or infinite.
    pub loss: f32,
    /// Counts from 1.
    pub epoch: usize,
}

/// Receives the progress of a perceptron's training.
pub trait PerceptronWatcher {
    /// `rows` more rows were processed.
    fn step(&mut self, rows: usize);
    /// After every epoch, with the perceptron as it is.
    fn epoch(&mut self, figures: EpochFigures, perceptron: &Perceptron);
}

/// A trained perceptron with the scaling of its features.
#[derive(Clone, Debug)]
pub struct Perceptron {
    net: Mlp,
    scaling: Scaling,
}

/// Standardises every feature to mean 0 and variance 1 over the training rows, so that one learning rate fits all.
#[derive(Clone, Debug)]
struct Scaling {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl Scaling {
    fn of(rows: Vectors<'_>) -> Self {
        let count = rows.classes.len().max(1) as f64;
        let mut sums = vec![(0f64, 0f64); rows.width];
        for row in rows.values.chunks_exact(rows.width) {
            for ((sum, squares), value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
                *squares += f64::from(*value).powi(2);
            }
        }
        let mean = sums.iter().map(|(sum, _)| (sum / count) as f32).collect();
        let factor = |(sum, squares): &(f64, f64)| {
            let variance = squares / count - (sum / count).powi(2);
            // A constant feature has no information.
            if variance > 1e-12 { variance.sqrt().recip() as f32 } else { 0.0 }
        };
        Self { mean, factor: sums.iter().map(factor).collect() }
    }

    fn tensor<'a>(&self, rows: impl Iterator<Item = &'a [f32]>, device: &Device) -> Tensor<2> {
        let mut values = Vec::new();
        for row in rows {
            let scaled = row.iter().zip(&self.mean).zip(&self.factor);
            values.extend(scaled.map(|((value, mean), factor)| (value - mean) * factor));
        }
        let shape = [values.len() / self.mean.len(), self.mean.len()];
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}

impl PerceptronRecipe {
    /// Trains on `rows`.
    ///
    /// # Errors
    /// [`Diverged`] when the loss is not finite, as with too large a learning rate.
    ///
    /// # Panics
    /// When the lengths in `rows` do not match or a class is not below `count`.
    pub fn train(
        &self,
        rows: Vectors<'_>,
        watcher: &mut dyn PerceptronWatcher,
    ) -> Result<Perceptron, Diverged> {
        let Vectors { values, width, classes, count } = rows;
        assert_eq!(values.len(), classes.len() * width, "one class a row");
        let device = Device::flex().autodiff();
        let guard = drawing();
        device.seed(self.seed);
        let mut net = Mlp::new(width, &self.hidden, count, &device);
        // This reads every weight, and burn draws a weight when it is first read.
        let mut perceptron = Perceptron { net: net.valid(), scaling: Scaling::of(rows) };
        drop(guard);
        let mut optimizer = build::optimizer(&self.optimizer);
        for epoch in 1..=self.epochs {
            let (mut loss, mut right) = (0f64, 0);
            let order = shuffled(self.seed, epoch, classes.len());
            for batch in order.chunks(self.optimizer.batch) {
                let row = |row: &usize| &values[row * width..(row + 1) * width];
                let x = perceptron.scaling.tensor(batch.iter().map(row), &device);
                let truth: Vec<usize> = batch.iter().map(|row| classes[*row]).collect();
                let logits = net.logits(x);
                let sum = cross_entropy(logits.clone(), one_hot(&truth, count, &device));
                let mean = sum.div_scalar(batch.len() as f32);
                loss += f64::from(mean.clone().into_scalar::<f32>()) * batch.len() as f64;
                right += tops(logits).iter().zip(&truth).filter(|(a, b)| a == b).count();
                let grads = GradientsParams::from_grads(mean.backward(), &net);
                net = optimizer.step(self.optimizer.learning_rate, net, grads);
                watcher.step(batch.len());
            }
            let of_all = |sum: f64| (sum / classes.len().max(1) as f64) as f32;
            let (loss, accuracy) = (of_all(loss), of_all(right as f64));
            if !loss.is_finite() {
                return Err(Diverged { loss, epoch });
            }
            perceptron.net = net.valid();
            watcher.epoch(EpochFigures { epoch, loss, accuracy }, &perceptron);
        }
        Ok(perceptron)
    }
}

impl Perceptron {
    /// Number of features of a row.
    pub fn width(&self) -> usize {
        self.scaling.mean.len()
    }

    /// Number of weights and biases.
    pub fn num_params(&self) -> usize {
        Size::of(&self.net).weights
    }

    /// Multiply-accumulates for one row.
    pub fn macs(&self) -> u64 {
        let mut graph = Macs::default();
        self.net.forward(&mut graph, &[self.width(), 1, 1]);
        graph.count
    }

    /// Probabilities `[rows, classes]` for `values` `[rows, width]`, both row-major.
    pub fn probabilities(&self, values: &[f32]) -> Vec<f32> {
        let device = Device::flex();
        let mut probabilities = Vec::new();
        for block in values.chunks(BATCH * self.width()) {
            let x = self.scaling.tensor(block.chunks_exact(self.width()), &device);
            let answers = softmax(self.net.logits(x), 1).into_data();
            probabilities.extend(answers.iter::<f32>());
        }
        probabilities
    }
}

/// `[rows, classes]`: 1 at each row's class, else 0.
fn one_hot(truth: &[usize], classes: usize, device: &Device) -> Tensor<2> {
    let mut values = vec![0f32; truth.len() * classes];
    truth.iter().enumerate().for_each(|(row, class)| values[row * classes + class] = 1.0);
    Tensor::from_data(TensorData::new(values, [truth.len(), classes]), device)
}
