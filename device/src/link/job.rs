//! Work that takes longer than a reply: one job at a time, in a process of its own whose crash does not affect the
//! badge.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use emocue_link::message::Progress;
use emocue_models::failure::line_of;

use crate::sandbox::own_program;

/// How this program is started for jobs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The program itself.
    pub program: PathBuf,
    /// The configuration that it reads.
    pub config: PathBuf,
    /// The folder that it may write to.
    pub state: PathBuf,
}

impl Programs {
    /// This very program.
    pub fn own(config: &Path, state: &Path) -> Self {
        Self { program: own_program(), config: config.to_owned(), state: state.to_owned() }
    }

    /// Runs a subcommand and returns the last line of its output.
    ///
    /// # Errors
    /// The program's message, or why it could not start.
    pub fn run(&self, verb: &[&str], file: Option<&Path>) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command.args(verb).args(file);
        for (option, value) in [("--config", &self.config), ("--state", &self.state)] {
            command.args([OsString::from(option), value.into()]);
        }
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("cannot start {:?}: {error}", self.program))?;
        if output.status.success() {
            let told = String::from_utf8_lossy(&output.stdout);
            return Ok(told.lines().last().unwrap_or("done").to_owned());
        }
        let told = String::from_utf8_lossy(&output.stderr);
        let told = line_of(told.trim().trim_start_matches("emocue-badge: "));
        Err(if told.is_empty() { output.status.to_string() } else { told })
    }
}

/// The current job, and the result of the last one.
#[derive(Clone, Debug)]
pub(super) struct Job(Arc<Mutex<Progress>>);

impl Default for Job {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Progress::Idle)))
    }
}

impl Job {
    pub(super) fn progress(&self) -> Progress {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_running(&self) -> bool {
        self.progress() == Progress::Working
    }

    /// Begins `work`, unless a job is running.
    pub(super) fn start(
        &self,
        work: impl FnOnce() -> Result<String, String> + Send + 'static,
    ) -> Result<Progress, String> {
        let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *progress == Progress::Working {
            return Err("the badge is still at what was asked for before; try again".to_owned());
        }
        *progress = Progress::Working;
        let job = self.clone();
        thread::spawn(move || {
            let done = match work() {
                Ok(text) => Progress::Done(text),
                Err(text) => Progress::Failed(text),
            };
            *job.0.lock().unwrap_or_else(PoisonError::into_inner) = done;
        });
        Ok(Progress::Working)
    }
}
