//! A detector's training in its folder: pictures, teacher, steps, exported graph.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use emocue_models::files::write_atomically;

use super::checkpoint::{FaceCheckpoint, FaceState};
use super::material::{Material, MaterialError, Sources};
use super::recipe::FaceRecipe;
use super::teacher::FaceTeacher;
use super::train::{FaceTraining, FaceWatcher, train};
use super::views::{Asked, Views};
use crate::backend::BackendName;
use crate::run::{RunError, RunFolder, RunStart};
use crate::train::TrainOutcome;

/// The exported graph, inside a run's folder.
pub const GRAPH: &str = "face.onnx";

/// The request for a training, besides its pictures.
#[derive(Clone, Debug)]
pub struct FaceRequest {
    /// All settings.
    pub recipe: FaceRecipe,
    /// Seed of frames and initial weights.
    pub seed: u64,
    /// Devices; several share every batch.
    pub backends: Vec<BackendName>,
    /// Threads that compute gradients on the CPU.
    pub workers: usize,
    /// YuNet's graph, with its input folded to luma.
    pub teacher: Vec<u8>,
    /// An exported graph for the initial weights instead of the teacher's.
    pub transfer: Option<Vec<u8>>,
}

/// The result of a training.
#[derive(Debug)]
pub struct FaceTrained {
    /// How it ended.
    pub outcome: TrainOutcome,
    /// Its last state.
    pub state: FaceState,
    /// The exported graph; `None` if the training was interrupted.
    pub graph: Option<PathBuf>,
}

/// Trains in `run` until the end of the recipe or until `stop` is set; writes the graph at the end of the recipe.
///
/// # Errors
/// [`RunError`]; the last saved checkpoint is kept.
pub fn run(
    run: &RunFolder,
    start: RunStart,
    request: FaceRequest,
    sources: &Sources,
    stop: &AtomicBool,
    watcher: &mut dyn FaceWatcher,
) -> Result<FaceTrained, RunError> {
    let folder = run.folder();
    let FaceRequest { recipe, seed, backends, workers, teacher: onnx, transfer } = request;
    let mut devices = Vec::new();
    for name in &backends {
        let device = name.open()?.autodiff();
        let times = if *name == BackendName::Cpu { workers.max(1) } else { 1 };
        devices.extend(std::iter::repeat_n(device, times));
    }
    let first = devices.first().ok_or(RunError::NoDevice)?;
    let has_checkpoint = folder.join(crate::checkpoint::FILE).exists();
    let resumes = start == RunStart::Resume || start == RunStart::Continue && has_checkpoint;
    let resumed = resumes.then(|| FaceCheckpoint::resume(folder, first)).transpose()?;
    let teacher = FaceTeacher::load(&onnx).map_err(MaterialError::from)?;
    let done = watcher.working("pictures", sources.count());
    let material = Material::read(sources, &teacher, &*done)?;
    drop(done);
    watcher.material(&material);
    let mut at = match resumed {
        Some((at, damaged)) => {
            if let Some(error) = damaged {
                watcher.previous(&error, at.state.frames);
            }
            at
        }
        None => begin(recipe, seed, &material, (&onnx, transfer.as_deref()), first)?,
    };
    let scenes = at.state.recipe.scenes.clone();
    let asked =
        Asked { material: &material, scenes: &scenes, seed: at.state.seed, onnx: &onnx, workers };
    let done = watcher.working("views, by the teacher", asked.count());
    let views = Views::load(folder, &asked, stop, &*done).map_err(MaterialError::from)?;
    drop(done);
    let outcome = match views {
        None => {
            at.save(folder)?;
            TrainOutcome::Interrupted
        }
        Some(views) => {
            let plan =
                FaceTraining { material: &material, views: &views, dir: folder, devices: &devices };
            train(&plan, &mut at, stop, watcher)?
        }
    };
    let graph = match outcome {
        TrainOutcome::Interrupted => None,
        TrainOutcome::Finished | TrainOutcome::Stopped => Some(folder.join(GRAPH)),
    };
    if let Some(path) = &graph {
        write_atomically(path, &at.exported().export()?.to_bytes())
            .map_err(|error| RunError::Write(path.clone(), error.source))?;
    }
    Ok(FaceTrained { outcome, state: at.state, graph })
}

/// A new training, with the weights of the graph to transfer, or with the teacher's if the recipe says so.
fn begin(
    recipe: FaceRecipe,
    seed: u64,
    material: &Material,
    (teacher, transfer): (&[u8], Option<&[u8]>),
    device: &Device,
) -> Result<FaceCheckpoint, RunError> {
    let from_teacher = recipe.net.from_teacher;
    let at = FaceCheckpoint::begin(recipe, seed, material.fingerprint(), device);
    let net = match transfer {
        Some(onnx) => at.net.clone().with_graph(onnx, device)?,
        None if from_teacher => at.net.clone().begin_with(teacher, device)?,
        None => return Ok(at),
    };
    Ok(at.begun_with(net))
}

/// The graph that a finished training would export, from the weights in `folder`'s checkpoint.
///
/// # Errors
/// [`RunError`] when there is no usable checkpoint.
pub fn graph(folder: &Path) -> Result<Vec<u8>, RunError> {
    let (at, _) = FaceCheckpoint::resume(folder, &Device::flex().autodiff())?;
    Ok(at.exported().export()?.to_bytes())
}
