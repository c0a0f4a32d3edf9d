//! Jobs as commands, one per line.

use std::io;
use std::path::{Path, PathBuf};

use super::{Job, KEPT_FILE, Plan, PlanError};
use emocue_flash::shell::quote;
use emocue_models::files::write_atomically;

/// The command of `job` for the program at `program`.
///
/// # Errors
/// [`PlanError::Program`] when the program's path is not text or has a line break.
pub fn line(program: &Path, job: &Job) -> Result<String, PlanError> {
    let unnameable = || PlanError::Program(program.to_owned());
    let text = program.to_str().filter(|text| !text.chars().any(char::is_control));
    let program = text.ok_or_else(unnameable)?;
    let words = std::iter::once(program).chain(job.arguments.iter().map(String::as_str));
    Ok(words.map(quote).collect::<Vec<_>>().join(" "))
}

/// Creates the plan's folder with the commands of its jobs, one per line, and a copy of the plan.
///
/// # Errors
/// [`PlanError`]; `path` is the plan's file in the message.
pub fn write_jobs(plan: &Plan, path: &Path, program: &Path) -> Result<PathBuf, PlanError> {
    plan.check_kept(path)?;
    let run = Path::new(&plan.run);
    let mut lines = String::new();
    for job in plan.jobs() {
        lines += &line(program, &job)?;
        lines.push('\n');
    }
    let kept = toml::to_string(plan).unwrap_or_default();
    let target = plan.jobs_file();
    let write = || -> io::Result<()> {
        std::fs::create_dir_all(run)?;
        write_atomically(&run.join(KEPT_FILE), kept.as_bytes())?;
        Ok(write_atomically(&target, lines.as_bytes())?)
    };
    write().map_err(|error| PlanError::Io(run.to_owned(), error))?;
    Ok(target)
}
