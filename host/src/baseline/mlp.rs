//! A multilayer perceptron, trained by plain stochastic gradient descent in `emocue-train`.

use emocue_models::failure::{Failure, exit};
use emocue_train::net::spec::Precision;
use emocue_train::perceptron::{
    Diverged, EpochFigures, Perceptron, PerceptronRecipe, PerceptronWatcher, Vectors,
};
use emocue_train::recipe::{Optimizer, Rule};

use super::features::Matrix;

/// Settings of a perceptron.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct MlpSettings {
    /// Units of each hidden layer; none gives logistic regression.
    pub hidden: Vec<usize>,
    /// Passes over the training rows, at least 1.
    pub epochs: usize,
    /// Learning rate, `> 0`, constant.
    pub learning_rate: f64,
    /// Momentum, `0..1`.
    pub momentum: f64,
    /// Batch size, rows, at least 1.
    pub batch: usize,
    /// Seed of initial weights and order.
    pub seed: u64,
}

impl Default for MlpSettings {
    /// The defaults of `emocue baseline mlp`. On pixels, it overfits after about ten epochs.
    fn default() -> Self {
        Self {
            hidden: vec![256, 128],
            epochs: 10,
            learning_rate: 0.01,
            momentum: 0.0,
            batch: 64,
            seed: 1,
        }
    }
}

/// A perceptron cannot be trained.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MlpError {
    /// A setting is out of range.
    #[error("{name} is {value}, expected {expected}")]
    Setting {
        /// Its name on the command line.
        name: &'static str,
        /// Its value.
        value: String,
        /// The expected range.
        expected: &'static str,
    },
    /// The loss is not a finite number.
    #[error(transparent)]
    Diverged(#[from] Diverged),
}

impl Failure for MlpError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Setting { .. } => None,
            Self::Diverged(_) => Some("Lower --learning-rate or --momentum.".to_owned()),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Setting { .. } => exit::USAGE,
            Self::Diverged(_) => exit::FAILED,
        }
    }
}

/// The figures of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Epoch {
    /// Counts from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch, nats.
    pub loss: f32,
    /// Accuracy on the training rows during the epoch, `0..=1`.
    pub training_accuracy: f32,
}

/// A trained perceptron.
#[derive(Clone, Debug)]
pub struct Mlp(Perceptron);

/// Forwards the progress of a training.
struct Follow<D, W> {
    done: D,
    watcher: W,
}

impl<D: FnMut(usize), W: FnMut(&Epoch, &Mlp)> PerceptronWatcher for Follow<D, W> {
    fn step(&mut self, rows: usize) {
        (self.done)(rows);
    }

    fn epoch(&mut self, figures: EpochFigures, perceptron: &Perceptron) {
        let EpochFigures { epoch, loss, accuracy } = figures;
        let epoch = Epoch { epoch, loss, training_accuracy: accuracy };
        (self.watcher)(&epoch, &Mlp(perceptron.clone()));
    }
}

impl MlpSettings {
    /// # Errors
    /// [`MlpError::Setting`] naming the first invalid setting.
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

    fn recipe(&self) -> PerceptronRecipe {
        PerceptronRecipe {
            hidden: self.hidden.clone(),
            epochs: self.epochs,
            optimizer: Optimizer {
                rule: Rule::Sgd { momentum: self.momentum, nesterov: false },
                learning_rate: self.learning_rate,
                weight_decay: 0.0,
                batch: self.batch,
                accumulate: 1,
                precision: Precision::F32,
                ema_decay: 0.0,
            },
            seed: self.seed,
        }
    }

    /// Trains on `rows`, whose classes are below `count`. After every epoch `watcher` receives its figures and the
    /// current perceptron; `done` receives how many more rows were processed.
    ///
    /// # Errors
    /// [`MlpError`] for an invalid setting or when the training diverges.
    ///
    /// # Panics
    /// When there is not one class for each row, below `count`: a defect of the caller.
    pub fn train(
        &self,
        rows: &Matrix,
        classes: &[usize],
        count: usize,
        done: impl FnMut(usize),
        watcher: impl FnMut(&Epoch, &Mlp),
    ) -> Result<Mlp, MlpError> {
        self.check()?;
        let vectors = Vectors { values: rows.values(), width: rows.width(), classes, count };
        let trained = self.recipe().train(vectors, &mut Follow { done, watcher })?;
        Ok(Mlp(trained))
    }
}

impl Mlp {
    /// Number of weights and biases.
    pub fn num_params(&self) -> usize {
        self.0.num_params()
    }

    /// Multiply-accumulates for one row.
    pub fn macs(&self) -> u64 {
        self.0.macs()
    }

    /// Probabilities `[rows, classes]`, row-major.
    ///
    /// # Panics
    /// When the rows have another width than those it was trained on: a defect of the caller.
    pub fn probabilities(&self, rows: &Matrix) -> Vec<f32> {
        assert_eq!(rows.width(), self.0.width(), "features as in training");
        self.0.probabilities(rows.values())
    }
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

    /// Four clusters at the corners of a square, opposite ones of the same class, and a constant feature of 5.
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
    fn size_and_cost_by_hand() {
        let (rows, classes) = xor(1);
        let short = MlpSettings { hidden: vec![16, 8], epochs: 1, ..settings() };
        let mlp = short.train(&rows, &classes, 2, |_| (), |_, _| ()).unwrap();
        assert_eq!(mlp.macs(), 3 * 16 + 16 * 8 + 8 * 2);
        assert_eq!(mlp.num_params(), 4 * 16 + 17 * 8 + 9 * 2);
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
            let error = settings.train(&rows, &classes, 2, |_| (), |_, _| ()).unwrap_err();
            format!("{error} {}", error.help().unwrap_or_default())
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
