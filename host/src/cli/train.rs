//! `emocue train`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use burn::module::Module as _;
use burn::tensor::Device;
use clap::Args;
use indicatif::ProgressBar;

use super::folds::FoldArgs;
use super::interrupt::stop_on_ctrl_c;
use super::train_view::View;
use super::{SourceArgs, create_dir, judge};
use crate::plan::Judge;
use crate::plan::status::{EVAL_FILE, Folder, Status, graph, record};
use emocue_data::dataset::Dataset;
use emocue_models::files::write_atomically;
use emocue_train::backend::BackendName;
use emocue_train::checkpoint::{Checkpoint, FILE, State};
use emocue_train::examples::Examples;
use emocue_train::export::onnx;
use emocue_train::net::Network;
use emocue_train::net::transfer::transfer;
use emocue_train::optimizer::optimizer;
use emocue_train::recipe::{Recipe, RecipeError};
use emocue_train::teacher::Teacher;
use emocue_train::{Outcome, Plan, begin, lock, train};

/// Train a classifier.
#[derive(Args, Debug)]
pub struct TrainArgs {
    #[command(flatten)]
    pub(super) data: SourceArgs,
    #[command(flatten)]
    pub(super) folds: FoldArgs,
    /// A built-in recipe's name or a TOML file.
    #[arg(long, default_value = "badge")]
    recipe: String,
    /// Label sets to answer in instead of the recipe's heads, e.g. ck-7.
    #[arg(long, value_name = "SETS", value_delimiter = ',')]
    heads: Vec<String>,
    /// Epochs instead of the recipe's; the schedule is stretched to them.
    #[arg(long)]
    epochs: Option<usize>,
    /// Folder of the checkpoint, metrics.jsonl and the exported graphs.
    #[arg(long, value_name = "DIR", default_value = "runs/badge")]
    run: PathBuf,
    /// Go on from the folder's checkpoint, with its recipe and seed.
    #[arg(long, conflicts_with_all = ["recipe", "heads", "epochs", "seed", "transfer"])]
    resume: bool,
    /// Replace a checkpoint that is already there.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Go on from the folder's checkpoint where there is one, else start; do nothing where all is done.
    #[arg(long = "continue", conflicts_with_all = ["resume", "overwrite"])]
    go_on: bool,
    /// Judge the exported graphs as deployed, on these rows, and write eval.json beside them.
    #[arg(long, value_enum, value_name = "ROWS")]
    judge: Option<Judge>,
    /// Of first weights, order, augmentation and dropout.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Begin with the weights in this safetensors or PyTorch file, e.g. torchvision's, or with those of
    /// another run's folder.
    #[arg(long, value_name = "FILE")]
    transfer: Option<PathBuf>,
    /// Learn from the answers of this graph or bundle too; again for another.
    #[arg(long, value_name = "FILE")]
    teacher: Vec<String>,
    /// Only the first rows, for a quick try.
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// Where to train: cpu, cuda:0 or vulkan:0; several, with commas, share every batch.
    #[arg(long, visible_alias = "devices", value_delimiter = ',', default_value = "cpu")]
    device: Vec<BackendName>,
    /// Threads that compute gradients on the CPU.
    #[arg(long, default_value_t = default_workers())]
    workers: usize,
    /// Lines instead of the live view.
    #[arg(long)]
    plain: bool,
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8))
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next.
pub fn run(args: &TrainArgs) -> Result<(), Box<dyn std::error::Error>> {
    let checkpoint = args.run.join(FILE);
    if checkpoint.exists() && !args.resume && !args.overwrite && !args.go_on {
        let path = checkpoint.display();
        return Err(format!(
            "{path} exists\n  Go on from it with --resume, replace it with --overwrite, or choose another --run folder."
        )
        .into());
    }
    create_dir(&args.run)?;
    let _lock = lock(&args.run)?;
    if args.go_on {
        record(&args.run, None)?;
    }
    let result = in_folder(args, &checkpoint);
    if args.go_on {
        // Who gathers the results of many jobs reads there what this one says here.
        let message = result.as_ref().err().map(ToString::to_string);
        record(&args.run, message.as_deref())?;
    }
    result
}

/// Runs the verb in a folder that is locked.
fn in_folder(args: &TrainArgs, checkpoint: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let stop = stop_on_ctrl_c()?;
    let begun = if args.go_on { State::peek(&args.run)? } else { None };
    if let Some(state) = &begun {
        same_as_asked(state, args)?;
        if Folder::read(&args.run, args.judge).status == Status::Done {
            println!("{} is finished already", args.run.display());
            return Ok(());
        }
    }
    let devices = open(&args.device, args.workers)?;
    let [first, ..] = devices.as_slice() else { return Err("no device".into()) };
    let data = read(args)?;
    let (recipe, loaded) = if args.resume || begun.is_some() {
        let at = Checkpoint::load(&args.run, first, optimizer)?;
        (at.state.recipe.clone(), Some(at))
    } else {
        (asked(args)?, None)
    };
    let examples = examples(&data, &recipe, args)?;
    let mut at = match loaded {
        Some(at) => at,
        None => fresh(args, recipe, examples.fingerprint(&data), first)?,
    };
    if !at.state.finished() {
        // Figures of other weights than the coming ones.
        let _ = std::fs::remove_file(args.run.join(EVAL_FILE));
    }

    let plan = Plan { data: &data, examples: &examples, dir: &args.run, devices: &devices };
    let mut view = View::new(&at.state, args.plain);
    let outcome = train(&plan, &mut at, &stop, &mut view);
    view.close();
    let path = checkpoint.display();
    match outcome? {
        Outcome::Interrupted => {
            let how = if args.go_on { "the same command" } else { "--resume" };
            println!("stopped at step {}; {path} is saved\n  Go on with {how}.", at.state.step);
            return Ok(());
        }
        Outcome::Stopped => println!("no better for {} epochs", at.state.recipe.schedule.patience),
        Outcome::Finished => {}
    }
    for file in export(&at, &args.run)? {
        println!("{}", file.display());
    }
    match args.judge {
        Some(rows) => judge::judge(&args.run, &at.state.recipe, &data, rows, args.workers)?,
        None => println!("done; go on with emocue eval --model FILE"),
    }
    Ok(())
}

/// The recipe that the arguments name.
fn asked(args: &TrainArgs) -> Result<Recipe, RecipeError> {
    let mut recipe = Recipe::load(&args.recipe)?;
    if !args.heads.is_empty() {
        recipe = recipe.with_heads(&args.heads);
    }
    recipe.schedule.epochs = args.epochs.unwrap_or(recipe.schedule.epochs);
    recipe.check(&args.recipe)?;
    Ok(recipe)
}

/// Refuses to go on from a checkpoint that was begun otherwise than `args` say.
fn same_as_asked(state: &State, args: &TrainArgs) -> Result<(), Box<dyn std::error::Error>> {
    let other = match (asked(args)? == state.recipe, args.seed == state.seed) {
        (true, true) => return Ok(()),
        (false, _) => "recipe",
        (true, false) => "seed",
    };
    let path = args.run.join(FILE);
    Err(format!(
        "{} was begun with another {other}\n  Go on with its own by --resume, replace it with --overwrite, or choose another --run folder.",
        path.display()
    )
    .into())
}

/// The dataset, divided for the fold that is asked for.
fn read(args: &TrainArgs) -> Result<Dataset, Box<dyn std::error::Error>> {
    let data = args.data.read()?;
    match (args.folds.divide(&data)?, args.folds.index()) {
        (None, _) => Ok(data),
        (Some(folds), Some(fold)) => Ok(data.with_fold(&folds, fold)?),
        (Some(_), None) => Err("--folds needs --fold\n  One training is for one fold, counted from 1; emocue train --plan runs all of them.".into()),
    }
}

/// A new start, with transferred weights where they are asked for.
fn fresh(
    args: &TrainArgs,
    recipe: Recipe,
    fingerprint: String,
    device: &Device,
) -> Result<Checkpoint, Box<dyn std::error::Error>> {
    let mut at = begin(recipe, args.seed, fingerprint, device);
    let Some(path) = &args.transfer else { return Ok(at) };
    if path.is_dir() {
        at.net = begun_with(at.net, path, device)?;
    } else {
        let (net, report) = transfer(at.net, path)?;
        println!("{}: {report}", path.display());
        at.net = net;
    }
    at.average = at.net.valid();
    Ok(at)
}

/// `net` with the weights that the training in the folder `run` would export.
fn begun_with(
    net: Network,
    run: &Path,
    device: &Device,
) -> Result<Network, Box<dyn std::error::Error>> {
    let other = Checkpoint::load(run, device, optimizer)?.exported(run, device)?;
    let (ours, theirs) = (net.spec().kind(), other.spec().kind());
    let (net, heads) = net.begin_with(other).map_err(|error| {
        format!(
            "the {theirs} trained in {} does not fit this {ours}: {error}\n  Give the recipe the same [net] as that training's.",
            run.display()
        )
    })?;
    let heads: Vec<&str> = heads.iter().map(|labels| labels.id).collect();
    let heads = if heads.is_empty() { "none".to_owned() } else { heads.join(", ") };
    println!("{}: the body taken; heads: {heads}", run.display());
    Ok(net)
}

/// Each device with gradients; the CPU once a worker.
fn open(names: &[BackendName], workers: usize) -> Result<Vec<Device>, Box<dyn std::error::Error>> {
    let mut devices = Vec::new();
    for name in names {
        let device = name.open()?.autodiff();
        let times = if *name == BackendName::Cpu { workers.max(1) } else { 1 };
        devices.extend(std::iter::repeat_n(device, times));
    }
    Ok(devices)
}

fn examples(
    data: &Dataset,
    recipe: &Recipe,
    args: &TrainArgs,
) -> Result<Examples, Box<dyn std::error::Error>> {
    let mut examples = Examples::training(data, recipe, args.limit)?;
    println!(
        "{} training rows; dropped {} identical to a test row and {} that most raters called no face",
        examples.len(),
        examples.leaked,
        examples.not_a_face
    );
    let mut teachers = Vec::new();
    for name in &args.teacher {
        let model = super::open::open_model(name, None)?;
        let labels = model.labels();
        if !recipe.label_sets().contains(&labels) {
            let id = labels.id;
            return Err(format!(
                "the teacher {name} answers in {id}, which no head of the recipe has"
            )
            .into());
        }
        let bar = ProgressBar::new(examples.len() as u64).with_message(format!("asking {name}"));
        let bar = if std::io::stderr().is_terminal() { bar } else { ProgressBar::hidden() };
        let rows = examples.rows();
        teachers.push(Teacher::ask(&model, data, rows, &args.run, &|more| bar.inc(more as u64))?);
        bar.finish_and_clear();
    }
    examples.learn_from(&teachers, recipe);
    Ok(examples)
}

/// Writes every head's graph into the run's folder, named after its label set.
fn export(at: &Checkpoint, run: &Path) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let net = at.exported(run, &Device::flex())?;
    let mut files = Vec::new();
    for (head, labels) in at.state.recipe.label_sets().iter().enumerate() {
        let path = run.join(graph(labels.id));
        write_atomically(&path, &onnx(&at.state.recipe, &net, head)?)?;
        files.push(path);
    }
    Ok(files)
}
