//! `emocue train`

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{FerArgs, create_dir};
use crate::train::checkpoint::{Checkpoint, EpochMetrics, FILE};
use crate::train::examples::Examples;
use crate::train::recipe::Recipe;
use crate::train::{Outcome, Plan, Watcher, begin, optimizer, train};

/// Train a classifier on FER2013 and FER+.
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
    /// Folder of the checkpoint and metrics.jsonl.
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
    /// Threads that compute gradients.
    #[arg(long, default_value_t = default_workers())]
    workers: usize,
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
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    ctrlc::set_handler(move || {
        // The second Ctrl-C does not wait for the checkpoint.
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    let data = args.data.read()?;
    let mut examples = Examples::training(&data);
    println!(
        "{} training rows; dropped {} identical to a test row and {} that most raters called no face",
        examples.len(),
        examples.leaked,
        examples.not_a_face
    );
    if let Some(limit) = args.limit {
        examples.truncate(limit);
    }

    let device = Device::flex().autodiff();
    let mut at = if args.resume {
        Checkpoint::load(&args.run, &device, optimizer)?
    } else {
        let mut recipe = Recipe::load(&args.recipe)?;
        recipe.optimizer.epochs = args.epochs.unwrap_or(recipe.optimizer.epochs);
        recipe.check(&args.recipe)?;
        begin(recipe, args.seed, &examples, &device)
    };
    create_dir(&args.run)?;

    let plan = Plan { data: &data, examples: &examples, dir: &args.run, workers: args.workers };
    let mut view = View::new(at.state.step);
    let outcome = train(&plan, &mut at, &device, &stop, &mut view)?;
    view.bar.finish_and_clear();
    let path = checkpoint.display();
    match outcome {
        Outcome::Finished => println!("done; the weights are in {path}\n  Next: emocue export"),
        Outcome::Interrupted => {
            println!("stopped at step {}; {path} is saved\n  Go on with --resume.", at.state.step)
        }
    }
    Ok(())
}

/// A progress bar on a terminal, a line now and then elsewhere.
struct View {
    bar: ProgressBar,
    started: Instant,
    first_step: usize,
    last_line: Instant,
}

impl View {
    fn new(first_step: usize) -> Self {
        let bar = ProgressBar::new(0);
        let template = "{elapsed_precise} [{wide_bar}] step {pos}/{len}, {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_position(first_step as u64);
        bar.reset_eta();
        Self { bar, started: Instant::now(), first_step, last_line: Instant::now() }
    }

    fn remaining(&self, done: usize, total: usize) -> Duration {
        let per_step = self.started.elapsed() / (done - self.first_step).max(1) as u32;
        per_step * (total - done) as u32
    }
}

impl Watcher for View {
    fn step(&mut self, done: usize, total: usize, loss: f32) {
        self.bar.set_length(total as u64);
        self.bar.set_message(format!("loss {loss:.4}"));
        self.bar.set_position(done as u64);
        if !std::io::stderr().is_terminal() && self.last_line.elapsed().as_secs() >= 30 {
            let left = self.remaining(done, total).as_secs();
            eprintln!("step {done}/{total}, loss {loss:.4}, {}:{:02} left", left / 60, left % 60);
            self.last_line = Instant::now();
        }
    }

    fn epoch(&mut self, metrics: &EpochMetrics) {
        let EpochMetrics { epoch, loss, ferplus_public, fer_public, seconds, .. } = metrics;
        self.bar.suspend(|| {
            println!(
                "epoch {epoch}: loss {loss:.4}, PublicTest FER+ plurality {:.1} %, FER2013 {:.1} %, {seconds:.0} s",
                100.0 * ferplus_public,
                100.0 * fer_public
            );
        });
    }
}
