//! `emocue train --plan`: many trainings, sequentially or as a job array.

use crate::output::{errln, outln};
#[cfg(unix)]
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use clap::{ArgMatches, Args, FromArgMatches, Parser};

use super::begun::Given;
use super::interrupt::stopped;
use super::train::{self, TrainArgs};
use crate::plan::commands::write_jobs;
use crate::plan::gather::gather;
use crate::plan::slurm::script;
use crate::plan::status::{Folder, JobStatus};
use crate::plan::{Job, Plan};
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::{refuse_existing, write_atomically};
use emocue_train::recipe::Recipe;
use emocue_train::run::{RunError, record_failure};

/// A single training, or the trainings of a plan.
#[derive(Debug)]
pub enum TrainVerb {
    /// A single training.
    One(Box<TrainArgs>, Given),
    /// The trainings of a plan.
    Plan(PlanArgs),
}

// No doc comment here: clap would use it as the verb's help.
#[allow(missing_docs)]
#[derive(Args, Debug)]
#[command(next_help_heading = "Plans")]
pub struct PlanArgs {
    /// Run the trainings of this plan (a TOML file), one after the other; run it again to continue.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// Only write their commands, one per line, to jobs.txt in the plan's run folder.
    #[arg(long, requires = "plan", conflicts_with = "slurm")]
    jobs: bool,
    /// Only write those and a script that submits them to Slurm as a job array.
    #[arg(long, requires = "plan", value_name = "SCRIPT")]
    slurm: Option<PathBuf>,
    /// A script that is there already is replaced: a training's own `--overwrite`.
    #[arg(skip)]
    overwrite: bool,
}

/// A single training requires its data, and a plan no other argument: clap's derive cannot express that.
impl Args for TrainVerb {
    fn augment_args(command: clap::Command) -> clap::Command {
        let single = TrainArgs::augment_args(command);
        let ids = single.get_arguments().map(|arg| arg.get_id().clone());
        let ids: Vec<_> = ids.filter(|id| *id != "overwrite").collect();
        PlanArgs::augment_args(single).mut_args(|arg| {
            let name = arg.get_id().clone();
            if ["plan", "jobs", "slurm"].contains(&name.as_str()) {
                arg.required(false).conflicts_with_all(&ids)
            } else if name == "fer2013" {
                arg.required(false).required_unless_present_any(["plan", "resume", "faces"])
            } else {
                arg
            }
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for TrainVerb {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        if matches.contains_id("plan") {
            let plan = PlanArgs::from_arg_matches(matches)?;
            Ok(Self::Plan(PlanArgs { overwrite: matches.get_flag("overwrite"), ..plan }))
        } else {
            let args = TrainArgs::from_arg_matches(matches)?;
            Ok(Self::One(Box::new(args), Given::of(matches)))
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(verb: &TrainVerb) -> Result<(), Box<dyn Failure>> {
    match verb {
        TrainVerb::One(args, given) => train::run(args, given),
        TrainVerb::Plan(args) => run_plan(args),
    }
}

fn run_plan(args: &PlanArgs) -> Result<(), Box<dyn Failure>> {
    match &args.slurm {
        None if args.overwrite => {
            return Err(
                Problem::usage("--overwrite with --plan replaces the script of --slurm").into()
            );
        }
        Some(script) if !args.overwrite => refuse_existing(script, &[])?,
        _ => {}
    }
    let plan = Plan::load(&args.plan)?;
    for recipe in &plan.recipes {
        Recipe::load(recipe)?;
    }
    let jobs = plan.jobs();
    for job in &jobs {
        let place = format!("plan {}: arguments", args.plan.display());
        understood(job).map_err(|problem| Problem::at(place, &problem))?;
    }
    let program = std::env::current_exe()?;
    let file = write_jobs(&plan, &args.plan, &program)?;
    if let Some(path) = &args.slurm {
        let script = script(&plan, &std::env::current_dir()?)?;
        write_atomically(path, script.as_bytes())?;
        outln!("{}: {} jobs\n  Hand it in with sbatch {0}.", path.display(), jobs.len());
        outln!("  Then see emocue gather {}.", args.plan.display());
        return Ok(());
    }
    if args.jobs {
        outln!("{}: {} jobs, one command a line", file.display(), jobs.len());
        return Ok(());
    }
    let interrupted = run_here(&plan, &jobs, &program)?;
    let gathered = gather(&plan);
    outln!("{}", gathered.counts());
    outln!("  See the figures with emocue gather {}.", args.plan.display());
    if let Some(what) = interrupted {
        return Err(stopped(what, "Run the plan again to continue.").into());
    }
    let failed = gathered.jobs.iter().filter(|job| matches!(job.status, JobStatus::Failed { .. }));
    let failed: Vec<&str> = failed.map(|job| job.name.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let names = failed.join(", ");
    Err(Problem::new(format!("{} of {} jobs failed: {names}", failed.len(), jobs.len()))
        .help("Their messages are above; running the plan again tries them again.")
        .into())
}

/// Parses the arguments of a job, so that a mistake in them is reported before the first job starts.
pub(super) fn understood(job: &Job) -> Result<TrainArgs, Problem> {
    #[derive(Parser)]
    #[command(name = "emocue train", disable_help_flag = true)]
    struct Probe {
        #[command(flatten)]
        args: TrainArgs,
    }
    Probe::try_parse_from(&job.arguments).map(|probe| probe.args).map_err(|error| {
        let text = error.to_string();
        let what = text.trim_start_matches("error: ").lines().next().unwrap_or_default();
        Problem::usage(what).help(
            "They follow \"emocue train\" of every job, which brings --recipe, --seed, --run, --folds, --fold and --judge itself.",
        )
    })
}

/// The running child, and the number of requests to stop.
#[derive(Default)]
struct Current {
    child: Option<u32>,
    asked: usize,
}

/// Runs the jobs sequentially, each in its own process. Where Ctrl-C stopped them, says in which one.
fn run_here(plan: &Plan, jobs: &[Job], program: &Path) -> Result<Option<String>, Box<dyn Failure>> {
    let current = Arc::new(Mutex::new(Current::default()));
    let shared = current.clone();
    ctrlc::set_handler(move || {
        let mut current = shared.lock().unwrap_or_else(PoisonError::into_inner);
        current.asked += 1;
        current.child.into_iter().for_each(interrupt);
    })
    .map_err(|error| Problem::new(format!("failed to handle Ctrl-C: {error}")))?;
    for (at, job) in jobs.iter().enumerate() {
        outln!("job {} of {}: {}", at + 1, jobs.len(), job.name);
        let Some(mut child) = start(job, program, &current)? else {
            return Ok(Some(format!("stopped before {}", job.name)));
        };
        let status = child.wait();
        current.lock().unwrap_or_else(PoisonError::into_inner).child = None;
        if let Err(error) = settle(job, status?) {
            errln!("{}: {error}", job.name);
        }
        let folder = Folder::of(job, plan.judge);
        if let JobStatus::Failed { message } = &folder.status {
            errln!("job {} of {} failed: {}: {message}", at + 1, jobs.len(), job.name);
        }
        if current.lock().unwrap_or_else(PoisonError::into_inner).asked > 0 {
            return Ok(Some(format!("stopped in {} ({})", job.name, folder.status.text())));
        }
    }
    Ok(None)
}

/// Starts a job, unless a stop was requested.
fn start(job: &Job, program: &Path, current: &Mutex<Current>) -> std::io::Result<Option<Child>> {
    // The lock is held until the child is known, so that no Ctrl-C is lost.
    let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
    if current.asked > 0 {
        return Ok(None);
    }
    let mut command = Command::new(program);
    command.args(&job.arguments).stdin(Stdio::null());
    // In its own process group, or it would receive Ctrl-C from the terminal and the forwarded one, and the second ends
    // it without a checkpoint.
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn()?;
    current.child = Some(child.id());
    Ok(Some(child))
}

/// Sends a process the signal of Ctrl-C; it may have ended already.
#[cfg(unix)]
fn interrupt(process: u32) {
    let process = process.to_string();
    let _ = Command::new("kill").args(["-INT", &process]).stderr(Stdio::null()).status();
}

/// The console has already interrupted it.
#[cfg(not(unix))]
fn interrupt(_: u32) {}

/// Records the end of a job that could not record its failure itself.
fn settle(job: &Job, status: ExitStatus) -> Result<(), RunError> {
    let said = matches!(Folder::of(job, None).status, JobStatus::Failed { .. });
    if status.success() || status.code() == Some(i32::from(exit::INTERRUPTED)) || said {
        return Ok(());
    }
    #[cfg(unix)]
    if status.signal() == Some(9) {
        return record_failure(
            &job.run,
            Some("it was killed, as by a system that has no memory left"),
        );
    }
    record_failure(&job.run, Some(&format!("it ended by itself: {status}")))
}
