//! `emocue train` with a detector's recipe.

use std::io::{IsTerminal as _, stderr};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use emocue_data::faces;
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files;
use emocue_train::checkpoint::{CheckpointError, FILE, PREVIOUS};
use emocue_train::face::material::{Material, MaterialError, Sources};
use emocue_train::face::recipe::FaceRecipe;
use emocue_train::face::run::{FaceRequest, run};
use emocue_train::face::teacher::FaceTeacher;
use emocue_train::face::train::FaceWatcher;
use emocue_train::face::transfer;
use emocue_train::face::validate::FaceMetrics;
use emocue_train::run::{RunFolder, RunStart};
use indicatif::{ProgressBar, ProgressFinish};

use super::interrupt::stopped;
use crate::output::outln;

/// Time between two plain lines.
const LINE: Duration = Duration::from_secs(60);

/// What a detector learns from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Faces, for a detector's recipe")]
pub(super) struct FaceSourceArgs {
    /// Pictures with annotated faces; repeatable. Half of every set, by the hash of its file names, is never trained
    /// on.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["fer2013", "data"])]
    faces: Vec<PathBuf>,
    /// A folder of pictures without faces; repeatable.
    #[arg(long, value_name = "DIR", requires = "faces")]
    empty: Vec<PathBuf>,
    /// A folder of single faces, which the teacher annotates; repeatable.
    #[arg(long, value_name = "DIR", requires = "faces")]
    crops: Vec<PathBuf>,
}

impl FaceSourceArgs {
    /// The sets without their decoded pictures, and the teacher's graph, which has been run once.
    ///
    /// # Errors
    /// An argument that is missing, cannot be read or is not a teacher.
    pub(super) fn read(&self, teacher: &[PathBuf]) -> Result<FaceSources, Box<dyn Failure>> {
        self.complete(teacher)?;
        let sets = self.faces.iter().map(|path| faces::read(path)).collect::<Result<_, _>>()?;
        let empty = self.empty.iter().map(|path| faces::empty(path)).collect::<Result<_, _>>()?;
        let mut onnx = Vec::new();
        for path in teacher {
            onnx = bytes(path)?;
            FaceTeacher::load(&onnx).map_err(MaterialError::from)?;
        }
        Ok(FaceSources { sources: Sources { sets, empty, crops: self.crops.clone() }, onnx })
    }

    /// Checks that all arguments of a detector's training are given.
    fn complete(&self, teacher: &[PathBuf]) -> Result<(), Problem> {
        let missing = [
            (self.faces.is_empty(), "--faces PATH, pictures with marked faces"),
            (self.empty.is_empty(), "--empty DIR, pictures in which nobody is"),
            (
                teacher.len() != 1,
                "--teacher FILE, one YuNet graph as `emocue import onnx` writes it",
            ),
        ];
        match missing.iter().find(|(missing, _)| *missing) {
            Some((_, what)) => Err(Problem::usage(format!("a detector's recipe needs {what}"))),
            None => Ok(()),
        }
    }
}

/// Reads the graph of the initial weights and checks that it fits the recipe's network.
pub(super) fn transferred(path: &Path, recipe: &FaceRecipe) -> Result<Vec<u8>, Box<dyn Failure>> {
    let onnx = bytes(path)?;
    transfer::check(&recipe.net, &onnx)?;
    Ok(onnx)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    files::read_at_most(path, files::MAX_BINARY).map_err(|error| {
        Problem::new(format!("cannot read {}: {error}", path.display())).code(exit::INPUT)
    })
}

/// The training data of a detector.
pub(super) struct FaceSources {
    sources: Sources,
    /// The teacher's graph.
    pub(super) onnx: Vec<u8>,
}

/// Trains a detector.
///
/// # Errors
/// The failure, with help.
pub(super) fn train(
    folder: &RunFolder,
    start: RunStart,
    sources: &FaceSources,
    request: FaceRequest,
    stop: &AtomicBool,
) -> Result<(), Box<dyn Failure>> {
    let mut view = FaceView { bar: bar(0), last: Instant::now(), first: None };
    let trained = run(folder, start, request, &sources.sources, stop, &mut view)?;
    view.bar.finish_and_clear();
    let Some(graph) = &trained.graph else {
        let path = folder.folder().join(FILE);
        let what =
            format!("stopped after {} frames; {} is saved", trained.state.frames, path.display());
        return Err(stopped(what, "Continue with --resume.").into());
    };
    outln!("{}", graph.display());
    Ok(())
}

fn bar(count: usize) -> ProgressBar {
    match stderr().is_terminal() {
        true => ProgressBar::new(count as u64).with_finish(ProgressFinish::AndClear),
        false => ProgressBar::hidden(),
    }
}

/// Shows a training: a progress bar on a terminal, else lines.
struct FaceView {
    bar: ProgressBar,
    last: Instant,
    /// Time of the first step, and the number of frames then.
    first: Option<(Instant, usize)>,
}

impl FaceWatcher for FaceView {
    fn working(&mut self, what: &str, count: usize) -> Box<dyn Fn(usize) + Sync> {
        outln!("{count} {what}");
        let bar = bar(count);
        Box::new(move |more| bar.inc(more as u64))
    }

    fn material(&mut self, material: &Material) {
        let faces: usize = material.photographs.iter().map(|p| p.faces.len()).sum();
        outln!(
            "{} photographs with {faces} faces, {} single faces ({} more unclear to the teacher), {} pictures without a face; to choose by: {} photographs, {} pictures without a face",
            material.photographs.len(),
            material.crops.len(),
            material.unclear,
            material.empty.len(),
            material.choosing.len(),
            material.choosing_empty.len()
        );
    }

    fn previous(&mut self, error: &CheckpointError, frames: usize) {
        outln!("{error}; resuming from {PREVIOUS}, after {frames} frames");
    }

    fn step(&mut self, frames: usize, of: usize, loss: f32) {
        let (since, before) = *self.first.get_or_insert_with(|| {
            self.bar = bar(of);
            (Instant::now(), frames)
        });
        self.bar.set_position(frames as u64);
        if self.bar.is_hidden() && self.last.elapsed() >= LINE {
            self.last = Instant::now();
            let rate = (frames - before) as f64 / since.elapsed().as_secs_f64().max(1e-3);
            outln!("{frames} of {of} frames, loss {loss:.3}, {rate:.0} frames/s");
        }
    }

    fn look(&mut self, metrics: &FaceMetrics) {
        let FaceMetrics { frames, losses: [total, score, boxes, landmarks], .. } = metrics;
        self.bar.suspend(|| {
            outln!(
                "{frames} frames: loss {total:.3} (scores {score:.3}, boxes {boxes:.3}, landmarks {landmarks:.3}); average precision {:.3}, recall at 10 false alarms in 1000 pictures {:.3}, landmarks off by {:.3} of the eyes' distance; {:.0} s",
                metrics.precision,
                metrics.recall,
                metrics.landmarks,
                metrics.seconds
            );
        });
    }
}
