//! A plan as a job array of Slurm.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Plan, PlanError};
use emocue_flash::shell::quote;

/// Settings for Slurm; by default the cluster's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slurm {
    /// Partition (queue).
    #[serde(default)]
    pub partition: Option<String>,
    /// Limit of the wall time of one job, in Slurm's format: `"04:00:00"`, `"1-12"`.
    #[serde(default)]
    pub time: Option<String>,
    /// Cores of one job.
    #[serde(default)]
    pub cpus: Option<u32>,
    /// Memory of one job, in Slurm's format: `"8G"`.
    #[serde(default)]
    pub memory: Option<String>,
    /// GPUs of one job; the plan's `arguments` must also name the device.
    #[serde(default)]
    pub gpus: Option<u32>,
    /// Jobs that may run at the same time.
    #[serde(default)]
    pub at_once: Option<u32>,
    /// Additional options of sbatch, each `"--name=value"`.
    #[serde(default)]
    pub options: Vec<String>,
    /// Shell commands before the job, such as loading modules.
    #[serde(default)]
    pub setup: Vec<String>,
}

impl Slurm {
    /// Refuses an invalid value.
    ///
    /// # Errors
    /// The setting, its value and the expected range.
    pub fn check(&self) -> Result<(), (&'static str, String, &'static str)> {
        let numbers =
            [("slurm.cpus", self.cpus), ("slurm.gpus", self.gpus), ("slurm.at_once", self.at_once)];
        for (setting, number) in numbers {
            if let Some(number) = number.filter(|number| !(1..=4096).contains(number)) {
                return Err((setting, number.to_string(), "1 to 4096"));
            }
        }
        let one_line = |text: &str| !text.chars().any(char::is_control);
        let time = self.time.as_deref().filter(|text| !digits(text, ":-"));
        let memory = self.memory.as_deref().filter(|text| !digits(text, "KMGT"));
        let spaced = |text: &&str| text.is_empty() || text.contains(char::is_whitespace);
        let partition = self.partition.as_deref().filter(spaced);
        let texts = [
            ("slurm.time", time, "minutes, h:m:s or days-h"),
            ("slurm.memory", memory, "a number with K, M, G or T"),
            ("slurm.partition", partition, "a name without spaces"),
        ];
        for (setting, wrong, expected) in texts {
            if let Some(text) = wrong {
                return Err((setting, format!("{text:?}"), expected));
            }
        }
        if let Some(line) = self.options.iter().find(|o| !o.starts_with("--") || !one_line(o)) {
            return Err(("slurm.options", format!("{line:?}"), "\"--name=value\""));
        }
        match self.setup.iter().find(|line| !one_line(line)) {
            Some(line) => Err(("slurm.setup", format!("{line:?}"), "one line each")),
            None => Ok(()),
        }
    }
}

/// Whether `text` begins with a digit and has nothing but digits and `more`.
fn digits(text: &str, more: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || more.contains(c))
}

/// The sbatch script that runs the lines of the plan's `jobs.txt` as a job array; `folder` is the absolute path of the
/// folder in which the commands run.
///
/// # Errors
/// [`PlanError::Program`] when `folder` cannot be written in it.
pub fn script(plan: &Plan, folder: &Path) -> Result<String, PlanError> {
    let nameable = |path: &Path| {
        let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
        text.map(str::to_owned).ok_or_else(|| PlanError::Program(path.to_owned()))
    };
    let run = folder.join(&plan.run);
    let (folder, jobs) = (nameable(folder)?, nameable(&folder.join(plan.jobs_file()))?);
    // `%` starts a replacement there.
    let log = nameable(&run)?.replace('%', "%%") + "/job-%a.log";
    let count = plan.jobs().len();
    let Slurm { partition, time, cpus, memory, gpus, at_once, options, setup } = &plan.slurm;
    let name = run.file_name().map(|name| name.to_string_lossy().into_owned());
    let throttle = at_once.map(|n| format!("%{n}")).unwrap_or_default();
    let mut lines = vec![
        option("job-name", &name.unwrap_or_else(|| "emocue".to_owned())),
        format!("--array=0-{}{throttle}", count - 1),
        option("chdir", &folder),
        option("output", &log),
        "--open-mode=append".to_owned(),
        "--ntasks=1".to_owned(),
        "--requeue".to_owned(),
    ];
    let asked = [
        partition.as_ref().map(|value| option("partition", value)),
        time.as_ref().map(|value| option("time", value)),
        cpus.map(|value| format!("--cpus-per-task={value}")),
        memory.as_ref().map(|value| option("mem", value)),
        gpus.map(|value| format!("--gpus-per-task={value}")),
    ];
    lines.extend(asked.into_iter().flatten());
    lines.extend(options.iter().cloned());

    let mut text = String::from("#!/bin/sh\n");
    for line in lines {
        let _ = writeln!(text, "#SBATCH {line}");
    }
    if gpus.is_none() {
        text += "# A graphics card each: set slurm.gpus, and \"--device\", \"cuda:0\" in the plan's arguments.\n";
    }
    text += "#\n# The jobs of the array are the lines of the plan's jobs.txt. Each continues from its checkpoint, so this\n";
    text +=
        "# script may be handed in again after a time limit, and a requeued job loses little.\n";
    for line in setup {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "line=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" {})", quote(&jobs));
    // With `exec`, the job itself gets Slurm's signals, on which it saves a checkpoint.
    text += "eval \"exec $line\"\n";
    Ok(text)
}

/// A line with an option for sbatch.
fn option(name: &str, value: &str) -> String {
    let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
    format!("--{name}=\"{escaped}\"")
}
