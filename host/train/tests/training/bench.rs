//! Fixture of the tests: tiny pictures, a tiny network, and a record of the losses.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Device, Tensor, TensorData};
use emocue_data::dataset::Dataset;
use emocue_data::{fer2013, ferplus, fixture};
use emocue_train::checkpoint::{Checkpoint, EpochMetrics};
use emocue_train::examples::TrainingExamples;
use emocue_train::net::noise::Noise;
use emocue_train::net::{NetSpec, Network};
use emocue_train::recipe::Recipe;
use emocue_train::train::train;
use emocue_train::{
    TrainError, TrainOutcome, TrainingInput, TrainingProgress, TrainingWatcher, begin,
};

pub(crate) use emocue_data::fixture::ROWS;

/// Both datasets, joined.
fn data(dir: &Path) -> Dataset {
    let (fer2013, votes) = fixture::fer2013_with_votes(dir);
    ferplus::read(&votes, fer2013::read(&fer2013).unwrap()).unwrap()
}

pub(crate) fn recipe() -> Recipe {
    let mut recipe = Recipe::load("badge").unwrap();
    recipe.net = NetSpec::Badge { width: 4, dropout: 0.1 };
    recipe.optimizer.batch = 8;
    recipe.schedule.epochs = 3;
    recipe.schedule.warmup_epochs = 1.0;
    recipe
}

/// Records the losses and stops after `stop_at` steps.
pub(crate) struct Recorder<'a> {
    losses: Vec<f32>,
    stop_at: usize,
    stop: &'a AtomicBool,
}

impl TrainingWatcher for Recorder<'_> {
    fn step(&mut self, progress: &TrainingProgress) {
        self.losses.push(progress.loss);
        if progress.step == self.stop_at {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn epoch(&mut self, _: &EpochMetrics) {}
}

pub(crate) fn logits(net: &Network) -> Vec<f32> {
    let luma: Vec<f32> = (0..48 * 48).map(|i| (i % 97) as f32 / 48.0 - 1.0).collect();
    let luma = Tensor::<4>::from_data(TensorData::new(luma, [1, 1, 48, 48]), &Device::flex());
    net.forward(luma, &mut Noise::off())[0].to_data().iter::<f32>().collect()
}

/// The data and folders of a test.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) data: Dataset,
    pub(crate) device: Device,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = data(folder.path());
        Self { folder, data, device: Device::flex().autodiff() }
    }

    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        let dir = self.folder.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    pub(crate) fn begin(&self, recipe: &Recipe) -> (TrainingExamples, Checkpoint) {
        let examples = TrainingExamples::training(&self.data, recipe, None).unwrap();
        let fingerprint = examples.fingerprint(&self.data);
        (examples, begin(recipe.clone(), 3, fingerprint, &self.device))
    }

    pub(crate) fn train(
        &self,
        dir: &Path,
        examples: &TrainingExamples,
        at: &mut Checkpoint,
        stop_at: usize,
    ) -> Result<(TrainOutcome, Vec<f32>), TrainError> {
        let stop = AtomicBool::new(false);
        let mut recorder = Recorder { losses: Vec::new(), stop_at, stop: &stop };
        let devices = [self.device.clone(), self.device.clone()];
        let plan = TrainingInput { data: &self.data, examples, dir, devices: &devices };
        let outcome = train(&plan, at, &stop, &mut recorder)?;
        Ok((outcome, recorder.losses))
    }

    pub(crate) fn load(&self, dir: &Path) -> Checkpoint {
        Checkpoint::load(dir, &self.device).unwrap()
    }
}
