//! A multilayer perceptron, trained by plain stochastic gradient descent.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::{Device, Tensor, TensorData};

use super::features::Matrix;
use emocue_data::random::shuffled;

/// Rows a forward pass when answering.
const BATCH: usize = 512;

/// How a perceptron is made.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MlpSettings {
    /// Units of each hidden layer; none gives logistic regression.
    pub hidden: Vec<usize>,
    /// Passes over the training rows, at least 1.
    pub epochs: usize,
    /// Step along the gradient, `> 0`; the same from beginning to end.
    pub learning_rate: f64,
    /// Part of the last step that is taken again, `0..1`.
    pub momentum: f64,
    /// Rows a step, at least 1.
    pub batch: usize,
    /// Of first weights and order.
    pub seed: u64,
}

/// A perceptron cannot be trained.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MlpError {
    /// A setting makes no sense.
    #[error("{name} is {value}\n  Expected {expected}.")]
    Setting {
        /// Which one, as the command line names it.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The loss is no number any more.
    #[error("the loss is {loss} in epoch {epoch}\n  Lower --learning-rate or --momentum.")]
    Diverged {
        /// Not finite.
        loss: f32,
        /// Counts from 1.
        epoch: usize,
    },
}

/// After an epoch.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Epoch {
    /// Counts from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch, nats.
    pub loss: f32,
    /// Share of right answers while learning, `0..=1`.
    pub training_accuracy: f32,
}

/// Dense layers with ReLU between them: `[N, features]` to `[N, classes]`, logits.
#[derive(Module, Debug)]
pub struct Perceptron {
    layers: Vec<Linear>,
}

impl Perceptron {
    fn new(sizes: &[usize], device: &Device) -> Self {
        let layer = |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).init(device);
        Self { layers: sizes.windows(2).map(layer).collect() }
    }

    /// Logits.
    pub fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                x = relu(x);
            }
            x = layer.forward(x);
        }
        x
    }
}

/// A trained perceptron with the scaling of its features.
#[derive(Debug)]
pub struct Mlp {
    net: Perceptron,
    scaling: Scaling,
}

/// Brings every feature to mean 0 and variance 1 over the training rows, so that one learning rate fits.
#[derive(Clone, Debug)]
struct Scaling {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl Scaling {
    fn of(rows: &Matrix) -> Self {
        let count = rows.len().max(1) as f64;
        let mut sums = vec![(0f64, 0f64); rows.width()];
        for row in rows.rows() {
            for ((sum, squares), value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
                *squares += f64::from(*value).powi(2);
            }
        }
        let mean = sums.iter().map(|(sum, _)| (sum / count) as f32).collect();
        let factor = |(sum, squares): &(f64, f64)| {
            let variance = squares / count - (sum / count).powi(2);
            // A feature that never changes tells nothing.
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

impl MlpSettings {
    /// # Errors
    /// [`MlpError::Setting`] naming the first that makes no sense.
    fn check(&self) -> Result<(), MlpError> {
        let bad = |name, value: &dyn std::fmt::Display, expected| {
            Err(MlpError::Setting { name, value: value.to_string(), expected })
        };
        let Self { hidden, epochs, learning_rate, momentum, batch, .. } = self;
        if hidden.contains(&0) {
            return bad("--hidden", &0, "at least one unit a layer");
        }
        if *epochs == 0 {
            return bad("--epochs", epochs, "at least 1");
        }
        if *batch == 0 {
            return bad("--batch", batch, "at least 1");
        }
        if !(*learning_rate > 0.0 && learning_rate.is_finite()) {
            return bad("--learning-rate", learning_rate, "a number above 0");
        }
        if !(0.0..1.0).contains(momentum) {
            return bad("--momentum", momentum, "0 to below 1");
        }
        Ok(())
    }

    fn optimizer(&self) -> ModuleOptimizer {
        let momentum = (self.momentum > 0.0).then(|| {
            MomentumConfig::new()
                .with_momentum(self.momentum)
                .with_dampening(0.0)
                .with_nesterov(false)
        });
        SgdConfig::new().with_momentum(momentum).init()
    }

    /// Trains on `rows`, whose classes are below `count`. After every epoch `watcher` gets its figures and
    /// the perceptron as it is; `done` counts rows as they are learned from.
    ///
    /// # Errors
    /// [`MlpError`] on a setting that makes no sense or when training diverges.
    ///
    /// # Panics
    /// When there is not one class a row, each below `count`: a caller's mistake.
    pub fn train(
        &self,
        rows: &Matrix,
        classes: &[usize],
        count: usize,
        mut done: impl FnMut(usize),
        mut watcher: impl FnMut(&Epoch, &Mlp),
    ) -> Result<Mlp, MlpError> {
        self.check()?;
        assert_eq!(rows.len(), classes.len(), "one class a row");
        let device = Device::flex().autodiff();
        device.seed(self.seed);
        let sizes: Vec<usize> =
            [rows.width()].into_iter().chain(self.hidden.clone()).chain([count]).collect();
        let mut net = Perceptron::new(&sizes, &device);
        let mut optimizer = self.optimizer();
        let scaling = Scaling::of(rows);
        for epoch in 1..=self.epochs {
            let (mut loss, mut right) = (0f64, 0);
            let order = shuffled(self.seed, epoch, rows.len());
            for batch in order.chunks(self.batch) {
                let x = scaling.tensor(batch.iter().map(|row| rows.row(*row)), &device);
                let truth: Vec<usize> = batch.iter().map(|row| classes[*row]).collect();
                let logits = net.forward(x);
                let mean = cross_entropy(logits.clone(), &truth, &device);
                loss += f64::from(mean.clone().into_scalar::<f32>()) * batch.len() as f64;
                right += tops(logits).iter().zip(&truth).filter(|(a, b)| a == b).count();
                let grads = GradientsParams::from_grads(mean.backward(), &net);
                net = optimizer.step(self.learning_rate, net, grads);
                done(batch.len());
            }
            let loss = (loss / rows.len().max(1) as f64) as f32;
            if !loss.is_finite() {
                return Err(MlpError::Diverged { loss, epoch });
            }
            let training_accuracy = right as f32 / rows.len().max(1) as f32;
            let now = Mlp { net: net.valid(), scaling: scaling.clone() };
            watcher(&Epoch { epoch, loss, training_accuracy }, &now);
        }
        Ok(Mlp { net: net.valid(), scaling })
    }
}

impl Mlp {
    /// Probabilities of every class for every row, row-major.
    ///
    /// # Panics
    /// When the rows have another width than those it was trained on: a caller's mistake.
    pub fn probabilities(&self, rows: &Matrix) -> Vec<f32> {
        assert_eq!(rows.width(), self.scaling.mean.len(), "features as in training");
        let device = Device::flex();
        let mut probabilities = Vec::new();
        for block in rows.values().chunks(BATCH * rows.width()) {
            let x = self.scaling.tensor(block.chunks_exact(rows.width()), &device);
            let answers = softmax(self.net.forward(x), 1).into_data();
            probabilities.extend(answers.iter::<f32>());
        }
        probabilities
    }
}

/// `-log p(truth)`, the batch's mean.
fn cross_entropy(logits: Tensor<2>, truth: &[usize], device: &Device) -> Tensor<1> {
    let [rows, classes] = logits.dims();
    let mut one_hot = vec![0f32; rows * classes];
    truth.iter().enumerate().for_each(|(row, class)| one_hot[row * classes + class] = 1.0);
    let one_hot = Tensor::<2>::from_data(TensorData::new(one_hot, [rows, classes]), device);
    (log_softmax(logits, 1) * one_hot).sum().div_scalar(-(rows as f32))
}

/// Index of each row's largest value.
fn tops(logits: Tensor<2>) -> Vec<usize> {
    let width = logits.dims()[1];
    let values: Vec<f32> = logits.into_data().iter::<f32>().collect();
    let best = |row: &[f32]| (0..width).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0);
    values.chunks_exact(width).map(best).collect()
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use emocue_data::random::generator;

    fn settings() -> MlpSettings {
        MlpSettings {
            hidden: vec![16],
            epochs: 60,
            learning_rate: 0.2,
            momentum: 0.0,
            batch: 16,
            seed: 3,
        }
    }

    /// Four clouds at the corners of a square, opposite ones of one class, and a feature that is always 5.
    fn xor(seed: u64) -> (Matrix, Vec<usize>) {
        let mut rng = generator(seed, 0, 0);
        let (mut values, mut classes) = (Vec::new(), Vec::new());
        for row in 0..400 {
            let (x, y) = (row & 1, row >> 1 & 1);
            let mut near = |corner: usize| corner as f32 + rng.random_range(-0.3..0.3f32);
            values.extend([near(x), near(y), 5.0]);
            classes.push(x ^ y);
        }
        (Matrix::new(values, 3), classes)
    }

    fn accuracy(probabilities: &[f32], classes: &[usize]) -> f32 {
        let right = probabilities.chunks_exact(2).zip(classes);
        right.filter(|(p, class)| usize::from(p[1] > p[0]) == **class).count() as f32
            / classes.len() as f32
    }

    #[test]
    fn learns_what_no_line_can_part() {
        let (rows, classes) = xor(1);
        let (mut epochs, mut counted) = (Vec::new(), 0);
        let mlp = settings()
            .train(&rows, &classes, 2, |rows| counted += rows, |epoch, _| epochs.push(*epoch))
            .unwrap();
        assert_eq!((epochs.len(), counted), (60, 60 * 400));
        assert!(epochs[59].loss < epochs[0].loss);
        let (rows, classes) = xor(2);
        let probabilities = mlp.probabilities(&rows);
        assert!(accuracy(&probabilities, &classes) > 0.95, "{epochs:?}");
        assert!(probabilities.chunks_exact(2).all(|p| (p[0] + p[1] - 1.0).abs() < 1e-5));
    }

    #[test]
    fn momentum_learns_too_and_no_hidden_layer_does_not() {
        let (rows, classes) = xor(1);
        let fast = MlpSettings { learning_rate: 0.05, momentum: 0.9, ..settings() };
        let mlp = fast.train(&rows, &classes, 2, |_| (), |_, _| ()).unwrap();
        assert!(accuracy(&mlp.probabilities(&rows), &classes) > 0.95);
        let flat = MlpSettings { hidden: vec![], epochs: 5, ..settings() };
        let mlp = flat.train(&rows, &classes, 2, |_| (), |_, _| ()).unwrap();
        assert!(accuracy(&mlp.probabilities(&rows), &classes) < 0.8);
    }

    #[test]
    fn bad_settings_and_divergence_are_named() {
        let (rows, classes) = xor(1);
        let error = |settings: MlpSettings| {
            settings.train(&rows, &classes, 2, |_| (), |_, _| ()).unwrap_err().to_string()
        };
        assert!(error(MlpSettings { epochs: 0, ..settings() }).contains("--epochs is 0"));
        assert!(error(MlpSettings { batch: 0, ..settings() }).contains("--batch is 0"));
        assert!(error(MlpSettings { hidden: vec![4, 0], ..settings() }).contains("--hidden"));
        assert!(error(MlpSettings { momentum: 1.0, ..settings() }).contains("--momentum is 1"));
        let wild = MlpSettings { learning_rate: 1e30, ..settings() };
        assert!(error(wild).contains("Lower --learning-rate"));
        let none = MlpSettings { learning_rate: f64::NAN, ..settings() };
        assert!(error(none).contains("--learning-rate is NaN"));
    }
}
