//! A training in its folder: decide, prepare, train, export.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::module::Module as _;
use burn::tensor::{Device, Tensor};
use emocue_data::dataset::Dataset;
use emocue_data::model::ClassifierModel;
use emocue_models::files::{self, write_atomically};
use emocue_models::label::LabelSet;

use super::error::RunError;
use super::folder::{EVAL_FILE, RunFolder, RunStage, RunStart};
use super::landmarks;
use crate::backend::BackendName;
use crate::checkpoint::{Checkpoint, CheckpointError, FILE, TrainingState};
use crate::examples::TrainingExamples;
use crate::export::onnx;
use crate::net::Network;
use crate::net::transfer::{transfer, transfer_graph};
use crate::recipe::{Recipe, RecipeError};
use crate::teacher::Teacher;
use crate::train::{TrainOutcome, TrainingInput, begin, train};
use crate::watcher::{Note, TrainingWatcher};

/// Pictures of the sample with which a graph's batch normalisation is unfolded.
const SAMPLE: usize = 512;

/// The request for a training, besides its data and teachers.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// A built-in recipe's name or a TOML file.
    pub recipe: String,
    /// Label sets instead of the recipe's heads, if any.
    pub heads: Vec<String>,
    /// Epochs instead of the recipe's.
    pub epochs: Option<usize>,
    /// Seed of initial weights, order, augmentation and dropout.
    pub seed: u64,
    /// A file of published weights, or another run's folder, for the initial weights.
    pub transfer: Option<PathBuf>,
    /// Largest number of training rows.
    pub limit: Option<usize>,
    /// Devices; several share every batch.
    pub backends: Vec<BackendName>,
    /// Threads that compute gradients on the CPU.
    pub workers: usize,
}

/// The training that is left to do in a folder.
#[derive(Debug)]
pub struct Training<'a> {
    run: &'a RunFolder,
    request: &'a TrainRequest,
    /// The recipe of a new training; `None` if a checkpoint is resumed.
    fresh: Option<Recipe>,
}

/// A training whose devices are open and whose checkpoint is in memory.
pub struct Prepared<'a> {
    run: &'a RunFolder,
    request: &'a TrainRequest,
    devices: Vec<Device>,
    from: Origin,
}

enum Origin {
    Recipe(Box<Recipe>),
    Checkpoint {
        at: Box<Checkpoint>,
        /// The error of the newest checkpoint, if the previous one is used.
        damaged: Option<CheckpointError>,
    },
}

/// The result of a training.
#[derive(Debug)]
pub struct Trained {
    /// How it ended.
    pub outcome: TrainOutcome,
    /// Its last state.
    pub state: TrainingState,
    /// The graph of every head; empty if the training was interrupted.
    pub graphs: Vec<PathBuf>,
}

impl TrainRequest {
    /// The recipe with the request's changes.
    ///
    /// # Errors
    /// [`RecipeError`] when there is no such recipe, or a value is out of range.
    pub fn recipe(&self) -> Result<Recipe, RecipeError> {
        let mut recipe = Recipe::load(&self.recipe)?;
        if !self.heads.is_empty() {
            recipe = recipe.with_heads(&self.heads);
        }
        recipe.schedule.epochs = self.epochs.unwrap_or(recipe.schedule.epochs);
        recipe.check(&self.recipe)?;
        Ok(recipe)
    }

    /// Opens the devices with autodiff; the CPU once for each worker.
    fn devices(&self) -> Result<Vec<Device>, RunError> {
        let mut devices = Vec::new();
        for name in &self.backends {
            let device = name.open()?.autodiff();
            let times = if *name == BackendName::Cpu { self.workers.max(1) } else { 1 };
            devices.extend(std::iter::repeat_n(device, times));
        }
        Ok(devices)
    }
}

impl RunFolder {
    /// Decides whether the folder's training starts or resumes.
    ///
    /// # Errors
    /// [`RunError`] when the recipe cannot be used, or the folder's checkpoint cannot be read or, for
    /// [`RunStart::Continue`], was started with another recipe or seed.
    pub fn decide<'a>(&'a self, request: &'a TrainRequest) -> Result<Training<'a>, RunError> {
        let training = |fresh| Training { run: self, request, fresh };
        if self.start == RunStart::Resume {
            return Ok(training(None));
        }
        let asked = || request.recipe();
        if self.start != RunStart::Continue {
            return Ok(training(Some(asked()?)));
        }
        let Some(state) = TrainingState::peek(&self.folder)? else {
            return Ok(training(Some(asked()?)));
        };
        let what = match (asked()? == state.recipe, request.seed == state.seed) {
            (true, true) => return Ok(training(None)),
            (false, _) => "recipe",
            (true, false) => "seed",
        };
        Err(RunError::Other { path: self.folder.join(FILE), what })
    }
}

impl<'a> Training<'a> {
    /// Whether it is to continue a training that is already finished and exported.
    pub fn is_exported(&self) -> bool {
        self.run.start == RunStart::Continue && self.run.stage() == RunStage::Exported
    }

    /// Whether there is no checkpoint to resume.
    pub fn begins(&self) -> bool {
        self.fresh.is_some()
    }

    /// Opens the devices and, when resuming, reads the checkpoint.
    ///
    /// # Errors
    /// [`RunError`] when a device cannot be opened or the checkpoint cannot be read.
    pub fn prepare(self) -> Result<Prepared<'a>, RunError> {
        let Self { run, request, fresh } = self;
        let devices = request.devices()?;
        let first = devices.first().ok_or(RunError::NoDevice)?;
        let from = match fresh {
            Some(recipe) => Origin::Recipe(Box::new(recipe)),
            None => {
                let (at, damaged) = Checkpoint::resume(&run.folder, first)?;
                Origin::Checkpoint { at: Box::new(at), damaged }
            }
        };
        Ok(Prepared { run, request, devices, from })
    }
}

impl Prepared<'_> {
    /// Trains on `data` and on the outputs of `teachers` until the end of the recipe or until `stop` is set; writes
    /// every head's graph at the end of the recipe.
    ///
    /// # Errors
    /// [`RunError`]; the last saved checkpoint is kept.
    pub fn train(
        self,
        data: &Dataset,
        teachers: &[ClassifierModel],
        stop: &AtomicBool,
        watcher: &mut dyn TrainingWatcher,
    ) -> Result<Trained, RunError> {
        let Self { run, request, devices, from } = self;
        let folder = run.folder.as_path();
        let recipe = match &from {
            Origin::Recipe(recipe) => recipe,
            Origin::Checkpoint { at, damaged } => {
                if let Some(error) = damaged {
                    watcher.note(&Note::Previous(error, at.state.step));
                }
                &at.state.recipe
            }
        };
        let mut examples = TrainingExamples::training(data, recipe, request.limit)?;
        let located;
        let data = if recipe.augment.camera.is_some() && !data.has_landmarks() {
            located = landmarks::locate(data, examples.rows(), folder, watcher)?;
            &located
        } else {
            data
        };
        watcher.note(&Note::TrainingExamples(&examples));
        learn_from(&mut examples, teachers, (data, recipe), folder, watcher)?;
        let mut at = match from {
            Origin::Checkpoint { at, .. } => *at,
            Origin::Recipe(recipe) => {
                let first = devices.first().ok_or(RunError::NoDevice)?;
                let at = begin(*recipe, request.seed, examples.fingerprint(data), first);
                // Augmented like the training pictures, so that batch normalisation starts with their statistics.
                let sample = |at: &Checkpoint| {
                    let indices: Vec<usize> = (0..examples.len().min(SAMPLE)).collect();
                    let (recipe, seed) = (&at.state.recipe, at.state.seed);
                    let device = first.clone().inner();
                    examples.batch(&indices, data, recipe, seed, 0, &device).luma
                };
                transferred(at, request.transfer.as_deref(), &sample, first, watcher)?
            }
        };
        if !at.state.finished() {
            // An earlier evaluation does not belong to the new weights.
            let _ = std::fs::remove_file(folder.join(EVAL_FILE));
        }
        at.state.priors = examples.priors(&at.state.recipe);
        watcher.begin(&at.state);
        let plan = TrainingInput { data, examples: &examples, dir: folder, devices: &devices };
        let outcome = train(&plan, &mut at, stop, watcher)?;
        let graphs = match outcome {
            TrainOutcome::Interrupted => Vec::new(),
            TrainOutcome::Stopped | TrainOutcome::Finished => export(&at, run)?,
        };
        Ok(Trained { outcome, state: at.state, graphs })
    }
}

/// Mixes the teachers' probabilities into the examples' targets.
fn learn_from(
    examples: &mut TrainingExamples,
    teachers: &[ClassifierModel],
    (data, recipe): (&Dataset, &Recipe),
    folder: &Path,
    watcher: &mut dyn TrainingWatcher,
) -> Result<(), RunError> {
    let mut answers = Vec::new();
    for model in teachers {
        let labels = model.labels();
        if !recipe.label_sets().contains(&labels) {
            let teacher = model.name().to_owned();
            return Err(RunError::TeacherLabels { teacher, labels: labels.id });
        }
        let progress = watcher.asking(model.name(), examples.len());
        answers.push(Teacher::ask(model, data, examples.rows(), folder, &*progress)?);
    }
    examples.learn_from(&answers, recipe);
    Ok(())
}

/// A new training, with transferred weights if the request says so.
fn transferred(
    mut at: Checkpoint,
    from: Option<&Path>,
    sample: &dyn Fn(&Checkpoint) -> Tensor<4>,
    device: &Device,
    watcher: &mut dyn TrainingWatcher,
) -> Result<Checkpoint, RunError> {
    let Some(path) = from else { return Ok(at) };
    if path.is_dir() {
        let (net, heads) = begun_with(at.net, path, device)?;
        watcher.note(&Note::BegunWith(path, &heads));
        at.net = net;
    } else {
        let (net, report) = match path.extension().is_some_and(|ending| ending == "onnx") {
            true => {
                let onnx = files::read_at_most(path, files::MAX_BINARY)
                    .map_err(|error| RunError::Read(path.to_owned(), error))?;
                let sample = sample(&at);
                transfer_graph(at.net, path, &onnx, &sample)?
            }
            false => transfer(at.net, path)?,
        };
        watcher.note(&Note::Transferred(path, &report));
        at.net = net;
    }
    at.average = at.net.valid();
    Ok(at)
}

/// `net` with the weights that the training in the folder `run` would export, and the label sets of the heads that were
/// loaded.
fn begun_with(
    net: Network,
    run: &Path,
    device: &Device,
) -> Result<(Network, Vec<LabelSet>), RunError> {
    let other = Checkpoint::load(run, device)?.exported(run, device)?;
    let (ours, theirs) = (net.spec().kind(), other.spec().kind());
    net.begin_with(other).map_err(|error| RunError::OtherNet {
        run: run.to_owned(),
        theirs,
        ours,
        reason: error.to_string(),
    })
}

/// Writes every head's graph into the run's folder, named after its label set.
fn export(at: &Checkpoint, run: &RunFolder) -> Result<Vec<PathBuf>, RunError> {
    let net = at.exported(&run.folder, &Device::flex())?;
    let mut files = Vec::new();
    for (head, labels) in at.state.recipe.label_sets().iter().enumerate() {
        let path = run.graph(labels.id);
        write_atomically(&path, &onnx(&at.state, &net, head)?)
            .map_err(|error| RunError::Write(path.clone(), error.source))?;
        files.push(path);
    }
    Ok(files)
}
