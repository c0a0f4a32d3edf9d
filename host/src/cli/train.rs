//! `emocue train`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use clap::Args;

use super::train_view::View;
use super::{FerArgs, create_dir};
use crate::data::dataset::Dataset;
use crate::device::DeviceName;
use crate::files::write_atomically;
use crate::train::checkpoint::{Checkpoint, FILE};
use crate::train::examples::Examples;
use crate::train::recipe::Recipe;
use crate::train::{Outcome, Plan, begin, lock, optimizer, train};

/// Train a classifier.
#[derive(Args, Debug)]
pub struct TrainArgs {
    #[command(flatten)]
    data: FerArgs,
    /// A built-in recipe's name or a TOML file.
    #[arg(long, default_value = "badge")]
    recipe: String,
    /// Epochs instead of the recipe's; the schedule is stretched to them.
    #[arg(long)]
    epochs: Option<usize>,
    /// Folder of the checkpoint, metrics.jsonl and the exported graphs.
    #[arg(long, value_name = "DIR", default_value = "runs/badge")]
    run: PathBuf,
    /// Go on from the folder's checkpoint, with its recipe and seed.
    #[arg(long, conflicts_with_all = ["recipe", "epochs", "seed"])]
    resume: bool,
    /// Replace a checkpoint that is already there.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Of first weights, order, augmentation and dropout.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the first rows, for a quick try.
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// Where to train: cpu, cuda:0 or vulkan:0; several, with commas, share every batch.
    #[arg(long, visible_alias = "devices", value_delimiter = ',', default_value = "cpu")]
    device: Vec<DeviceName>,
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
    if checkpoint.exists() && !args.resume && !args.overwrite {
        let path = checkpoint.display();
        return Err(format!(
            "{path} exists\n  Go on from it with --resume, replace it with --overwrite, or choose another --run folder."
        )
        .into());
    }
    let devices = open(&args.device, args.workers)?;
    let [first, ..] = devices.as_slice() else { return Err("no device".into()) };
    create_dir(&args.run)?;
    let _lock = lock(&args.run)?;
    let stop = stop_on_ctrl_c()?;

    let data = args.data.read()?;
    let (recipe, loaded) = if args.resume {
        let at = Checkpoint::load(&args.run, first, optimizer)?;
        (at.state.recipe.clone(), Some(at))
    } else {
        let mut recipe = Recipe::load(&args.recipe)?;
        recipe.schedule.epochs = args.epochs.unwrap_or(recipe.schedule.epochs);
        recipe.check(&args.recipe)?;
        (recipe, None)
    };
    let examples = examples(&data, &recipe, args)?;
    let fresh = || begin(recipe, args.seed, examples.fingerprint(&data), first);
    let mut at = loaded.unwrap_or_else(fresh);

    let plan = Plan { data: &data, examples: &examples, dir: &args.run, devices: &devices };
    let mut view = View::new(&at.state, args.plain);
    let outcome = train(&plan, &mut at, &stop, &mut view);
    view.close();
    let path = checkpoint.display();
    match outcome? {
        Outcome::Interrupted => {
            println!("stopped at step {}; {path} is saved\n  Go on with --resume.", at.state.step);
            return Ok(());
        }
        Outcome::Stopped => println!("no better for {} epochs", at.state.recipe.schedule.patience),
        Outcome::Finished => {}
    }
    for file in export(&at, &args.run)? {
        println!("{}", file.display());
    }
    println!("done; go on with emocue eval --model FILE");
    Ok(())
}

/// Each device with gradients; the CPU once a worker.
fn open(names: &[DeviceName], workers: usize) -> Result<Vec<Device>, Box<dyn std::error::Error>> {
    let mut devices = Vec::new();
    for name in names {
        let device = name.open()?.autodiff();
        let times = if *name == DeviceName::Cpu { workers.max(1) } else { 1 };
        devices.extend(std::iter::repeat_n(device, times));
    }
    Ok(devices)
}

/// A flag that Ctrl-C sets; the second Ctrl-C does not wait for the checkpoint.
fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    Ok(stop)
}

fn examples(
    data: &Dataset,
    recipe: &Recipe,
    args: &TrainArgs,
) -> Result<Examples, Box<dyn std::error::Error>> {
    let examples = Examples::training(data, recipe, args.limit)?;
    println!(
        "{} training rows; dropped {} identical to a test row and {} that most raters called no face",
        examples.len(),
        examples.leaked,
        examples.not_a_face
    );
    Ok(examples)
}

/// Writes every head's graph into the run's folder, named after its label set.
fn export(at: &Checkpoint, run: &Path) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let net = at.exported(run, &Device::flex())?;
    let mut files = Vec::new();
    for (head, labels) in at.state.recipe.label_sets().iter().enumerate() {
        let path = run.join(format!("{}.onnx", labels.id));
        write_atomically(&path, &net.export(head)?.to_bytes())?;
        files.push(path);
    }
    Ok(files)
}
