//! `emocue train`

use crate::output::outln;
use std::path::{Path, PathBuf};

use clap::Args;

use super::begun::Given;
use super::count;
use super::folds::FoldArgs;
use super::interrupt::{stop_on_ctrl_c, stopped};
use super::open::open_model;
use super::source::Also;
use super::train_face::{self, FaceSourceArgs};
use super::train_view::View;
use super::{SourceArgs, judge};
use crate::guard::check_weights;
use crate::plan::Judge;
use crate::plan::status::judged;
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::model::{ClassifierModel, ModelError};
use emocue_models::failure::{Failure, Problem, exit};
use emocue_train::TrainOutcome;
use emocue_train::backend::BackendName;
use emocue_train::checkpoint::FILE;
use emocue_train::face::recipe::FaceRecipe;
use emocue_train::face::run::FaceRequest;
use emocue_train::run::{RunError, RunFolder, RunStart, TrainRequest};

/// Train a classifier or, with the recipe face, a detector.
#[derive(Args, Debug)]
#[command(mut_arg("fer2013", |arg| arg.required_unless_present_any(["data", "faces"])))]
pub struct TrainArgs {
    #[command(flatten)]
    pub(super) data: SourceArgs,
    /// Another training dataset, with its layout before a colon if that is not detected (raf-db:PATH); repeatable. Its
    /// classes are mapped by name; the recipe's [[datasets]] set its weight.
    #[arg(long, value_name = "PATH", value_parser = Also::parse, conflicts_with = "folds")]
    also: Vec<Also>,
    #[command(flatten)]
    faces: FaceSourceArgs,
    #[command(flatten)]
    pub(super) folds: FoldArgs,
    /// A built-in recipe's name or a TOML file.
    #[arg(long, default_value = "badge")]
    recipe: String,
    /// Label sets of the answers instead of the recipe's heads, e.g. ck-7.
    #[arg(long, value_name = "SETS", value_delimiter = ',')]
    heads: Vec<String>,
    /// Number of epochs instead of the recipe's; the schedule is scaled to it.
    #[arg(long)]
    epochs: Option<usize>,
    /// Folder of the checkpoint, metrics.jsonl and the exported graphs.
    #[arg(long, value_name = "DIR", default_value = "runs/badge")]
    run: PathBuf,
    /// Resume the folder's checkpoint with the arguments that it was started with; those given now replace them, except
    /// those that a training cannot change.
    #[arg(long)]
    resume: bool,
    /// Replace an existing checkpoint.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Resume the folder's checkpoint if there is one, else start; do nothing if the training is finished.
    #[arg(long = "continue", conflicts_with_all = ["resume", "overwrite"])]
    go_on: bool,
    /// Evaluate the exported graphs as deployed, on these rows, and write eval.json next to them.
    #[arg(long, value_enum, value_name = "ROWS")]
    judge: Option<Judge>,
    /// Seed of initial weights, order, augmentation and dropout.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Initial weights: a safetensors or PyTorch file, e.g. torchvision's, another run's folder, or a float graph that
    /// this program exported (.onnx); for a detector, only such a graph.
    #[arg(long, value_name = "FILE")]
    transfer: Option<PathBuf>,
    /// Teacher for knowledge distillation: a graph or bundle; repeatable.
    #[arg(long, value_name = "FILE")]
    teacher: Vec<PathBuf>,
    /// Only this many of the first rows, for a quick test.
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// Training device: cpu, cuda:0 or vulkan:0; several, comma-separated, share every batch.
    #[arg(long, visible_alias = "devices", value_delimiter = ',', default_value = "cpu")]
    device: Vec<BackendName>,
    /// Number of threads that compute gradients on the CPU.
    #[arg(long, default_value_t = default_workers(), value_parser = count::threads)]
    workers: usize,
    /// Print lines instead of the live view.
    #[arg(long)]
    plain: bool,
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8))
}

impl TrainArgs {
    /// The run's folder.
    pub(super) fn run(&self) -> &Path {
        &self.run
    }

    /// Takes from `now` the arguments that are not stored.
    pub(super) fn resume(&mut self, now: &Self) {
        (self.run, self.resume, self.plain) = (now.run.clone(), true, now.plain);
    }

    fn start(&self) -> RunStart {
        match (self.resume, self.overwrite, self.go_on) {
            (true, _, _) => RunStart::Resume,
            (_, true, _) => RunStart::Overwrite,
            (_, _, true) => RunStart::Continue,
            _ => RunStart::Fresh,
        }
    }

    fn request(&self) -> TrainRequest {
        TrainRequest {
            recipe: self.recipe.clone(),
            heads: self.heads.clone(),
            epochs: self.epochs,
            seed: self.seed,
            transfer: self.transfer.clone(),
            limit: self.limit,
            backends: self.device.clone(),
            workers: self.workers,
        }
    }

    fn teachers(&self) -> Result<Vec<ClassifierModel>, ModelError> {
        self.teacher.iter().map(|name| open_model(name, None)).collect()
    }

    /// Checks untrusted weights in a process with limits.
    fn check_transfer(&self) -> Result<(), Problem> {
        // Reading a graph is limited anyway.
        let is_graph = |file: &&Path| file.extension().is_some_and(|ending| ending == "onnx");
        let file = self.transfer.as_deref().filter(|file| !file.is_dir() && !is_graph(file));
        file.map_or(Ok(()), check_weights)
    }

    /// Checks that the given number of epochs is that of the folder's training.
    fn keeps_epochs(&self, folder: &RunFolder) -> Result<(), Problem> {
        let (Some(asked), Some(state)) = (self.epochs, folder.state()) else { return Ok(()) };
        let epochs = state.recipe.schedule.epochs;
        if asked == epochs {
            return Ok(());
        }
        let checkpoint = self.run.join(FILE);
        Err(Problem::usage(format!("{} was begun with {epochs} epochs", checkpoint.display()))
            .help("Its schedule cannot be stretched: resume it without --epochs, or choose another --run folder."))
    }

    /// The dataset, divided for the requested fold, with rows for the evaluation.
    fn read(&self) -> Result<Dataset, Box<dyn Failure>> {
        let data = self.divided()?;
        if let Some(rows) = self.judge {
            can_judge(&data, rows.split())?;
        }
        let mut all = data;
        for also in &self.also {
            all = all.with_more(&also.read(self.data.side)?);
        }
        Ok(all)
    }

    fn divided(&self) -> Result<Dataset, Box<dyn Failure>> {
        let data = self.data.read()?;
        match (self.folds.divide(&data)?, self.folds.index()) {
            (None, _) => Ok(data),
            (Some(folds), Some(fold)) => Ok(data.with_fold(&folds, fold)?),
            (Some(_), None) => Err(Problem::usage("--folds needs --fold")
                .help("One training is for one fold, counted from 1; emocue train --plan runs all of them.")
                .into()),
        }
    }
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &TrainArgs, given: &Given) -> Result<(), Box<dyn Failure>> {
    let resumed;
    let args = if args.resume {
        resumed = given.resume(args)?;
        &resumed
    } else {
        args
    };
    if let Some(recipe) = FaceRecipe::load(&args.recipe).map_err(RunError::from)? {
        return detector(args, given, recipe);
    }
    if !args.resume {
        args.request().recipe().map_err(RunError::from)?;
    }
    let start = args.start();
    RunFolder::check_free(&args.run, start)?;
    // Checked before the folder is created, so that a mistake leaves no files. Trainings with --continue record their
    // failures in their folders.
    if matches!(start, RunStart::Fresh | RunStart::Overwrite) {
        args.check_transfer()?;
    }
    let data = (start != RunStart::Continue).then(|| args.read()).transpose()?;
    let folder = RunFolder::claim(&args.run, start)?;
    let result = train(args, given, data, &folder);
    if let Err(failure) = &result
        && failure.exit_code() != exit::INTERRUPTED
    {
        folder.record(failure.as_ref())?;
    }
    result
}

/// Runs the verb for a detector.
fn detector(args: &TrainArgs, given: &Given, recipe: FaceRecipe) -> Result<(), Box<dyn Failure>> {
    let start = args.start();
    RunFolder::check_free(&args.run, start)?;
    // Before the folder is created, so that a mistake leaves no files.
    let sources = args.faces.read(&args.teacher)?;
    let transfer = args.transfer.as_deref().filter(|_| start != RunStart::Resume);
    let transfer = transfer.map(|path| train_face::transferred(path, &recipe)).transpose()?;
    let folder = RunFolder::claim(&args.run, start)?;
    let stop = stop_on_ctrl_c()?;
    if !args.resume {
        given.save(&args.run)?;
    }
    let request = FaceRequest {
        recipe,
        seed: args.seed,
        backends: args.device.clone(),
        workers: args.workers,
        teacher: sources.onnx.clone(),
        transfer,
    };
    train_face::train(&folder, start, &sources, request, &stop)
}

/// Checks before the training that there are rows for the evaluation.
fn can_judge(data: &Dataset, split: Split) -> Result<(), Problem> {
    if !data.rows(split).is_empty() {
        return Ok(());
    }
    Err(Problem::new(format!("--judge needs rows of {}, and the data have none", split.name()))
        .help("Leave out --judge, choose the other split, or give data that have it.")
        .code(exit::INPUT))
}

/// Runs the verb in a folder that is locked.
fn train(
    args: &TrainArgs,
    given: &Given,
    data: Option<Dataset>,
    folder: &RunFolder,
) -> Result<(), Box<dyn Failure>> {
    let stop = stop_on_ctrl_c()?;
    let request = args.request();
    let training = folder.decide(&request)?;
    if args.resume {
        args.keeps_epochs(folder)?;
    } else {
        given.save(&args.run)?;
    }
    let is_judged = || args.judge.is_none_or(|rows| judged(&args.run, rows).is_some());
    if training.is_exported() && is_judged() {
        outln!("{} is finished already", args.run.display());
        return Ok(());
    }
    if args.go_on && training.begins() {
        args.check_transfer()?;
    }
    let prepared = training.prepare()?;
    let data = data.map_or_else(|| args.read(), Ok)?;
    let teachers = args.teachers()?;
    let mut view = View::new(args.plain);
    let trained = prepared.train(&data, &teachers, &stop, &mut view);
    view.close();
    let trained = trained?;
    match trained.outcome {
        TrainOutcome::Interrupted => {
            let how = if args.go_on { "the same command" } else { "--resume" };
            let path = args.run.join(FILE);
            let step = trained.state.step;
            let what = format!("stopped at step {step}; {} is saved", path.display());
            return Err(stopped(what, format!("Continue with {how}.")).into());
        }
        TrainOutcome::Stopped => {
            outln!("no better for {} epochs", trained.state.recipe.schedule.patience);
        }
        TrainOutcome::Finished => {}
    }
    trained.graphs.iter().for_each(|graph| outln!("{}", graph.display()));
    match args.judge {
        Some(rows) => judge::judge(folder, &trained.state.recipe, &data, rows, args.workers)?,
        None => outln!("done; continue with emocue eval --model FILE"),
    }
    Ok(())
}
