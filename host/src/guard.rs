//! Runs verbs with untrusted graphs in a separate process with limits on memory and CPU time, so that a malicious graph
//! can neither exhaust this computer's memory nor end the terminal's session.

use std::path::Path;
use std::process::Command;

use emocue_models::failure::{Problem, exit};

/// The limits of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory, bytes; at most three quarters of this computer's.
    memory: u64,
    /// CPU time, s; `None` for a verb that processes a dataset.
    cpu: Option<u64>,
}

impl Limits {
    /// For a verb that opens a graph and runs it a few times.
    pub const GRAPH: Self = Self { memory: 2 << 30, cpu: Some(300) };
    /// For a verb that runs a graph on a dataset.
    pub const DATASET: Self = Self { memory: u64::MAX, cpu: None };
}

/// Environment variable that is set in the guarded process.
#[cfg(target_os = "linux")]
const GUARDED: &str = "EMOCUE_GUARDED";

/// Checks in a guarded process that a badge would accept the bundle in `file`.
///
/// # Errors
/// The reason why a badge would refuse it.
pub fn check_bundle(file: &Path) -> Result<(), Problem> {
    check(&["bundle", "check"], file)
}

/// Checks in a guarded process that the tensors of the weights in `file` can be listed: a small file may declare more
/// than this computer's memory.
///
/// # Errors
/// The reason why they cannot be listed.
pub fn check_weights(file: &Path) -> Result<(), Problem> {
    check(&["import", "check-weights"], file)
}

/// Runs this program again with a verb that checks `file`.
fn check(verb: &[&str], file: &Path) -> Result<(), Problem> {
    let cannot = |error| Problem::new(format!("failed to start this program again: {error}"));
    let program = std::env::current_exe().map_err(cannot)?;
    let mut command = Command::new(program);
    let output = command.args(verb).arg("--").arg(file).output().map_err(cannot)?;
    if output.status.success() {
        return Ok(());
    }
    let written = String::from_utf8_lossy(&output.stderr);
    let part = |name: &str| {
        let mut lines = written.lines().filter_map(|line| line.strip_prefix(name));
        lines.next_back().map(str::to_owned)
    };
    let message = part("error: ")
        .unwrap_or_else(|| format!("the check of {}: {}", file.display(), output.status));
    let problem = Problem::new(message).code(
        output.status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::NETWORK),
    );
    Err(match part("help: ") {
        Some(help) => problem.help(help),
        None => problem,
    })
}

/// Runs this program again with the same arguments and `limits`, and returns its exit code; `None` in the second
/// process, and on systems without such limits.
///
/// # Errors
/// [`Problem`] when it exceeds its limits.
#[cfg(target_os = "linux")]
pub fn guarded(limits: Limits) -> Result<Option<u8>, Problem> {
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

    use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

    if std::env::var_os(GUARDED).is_some() {
        bound(limits);
        // It is killed when its parent ends.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        return Ok(None);
    }
    let cannot = |error| Problem::new(format!("failed to start this program again: {error}"));
    let program = std::env::current_exe().map_err(cannot)?;
    let mut command = Command::new(program);
    // In its own process group, so that Ctrl-C reaches it only once: this process forwards it.
    command.args(std::env::args_os().skip(1)).env(GUARDED, "1").process_group(0);
    let mut child = command.spawn().map_err(cannot)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pass_on = move || {
        let _ = pid.map(|pid| kill_process(pid, Signal::INT));
    };
    // If this fails, a signal ends both.
    let _ = ctrlc::set_handler(pass_on);
    let status = child.wait().map_err(cannot)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    match code {
        Some(code) if code != PANICKED => Ok(Some(code)),
        None if matches!(status.signal(), Some(2 | 15)) => Ok(Some(exit::INTERRUPTED)),
        _ => Err(Problem::new(format!("the network needs too much memory or time ({status})"))
            .help(limits.help())
            .code(exit::NETWORK)),
    }
}

/// Exit code of a Rust program that panics, as tract does when an allocation fails.
#[cfg(target_os = "linux")]
const PANICKED: u8 = 101;

#[cfg(target_os = "linux")]
fn bound(limits: Limits) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let at_most = |of: Resource, most: u64| {
        let maximum = getrlimit(of).maximum;
        let most = maximum.map_or(most, |maximum| most.min(maximum));
        // If this fails, the verb runs without the limit.
        let _ = setrlimit(of, Rlimit { current: Some(most), maximum });
    };
    at_most(Resource::Data, limits.memory());
    if let Some(cpu) = limits.cpu {
        at_most(Resource::Cpu, cpu);
    }
    at_most(Resource::Core, 0);
}

#[cfg(target_os = "linux")]
impl Limits {
    fn memory(self) -> u64 {
        let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kilobytes =
            total.and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.map_or(self.memory, |total| self.memory.min(total.saturating_mul(768)))
    }

    fn help(self) -> String {
        let memory = format!("{:.1} GiB of memory", self.memory() as f64 / f64::from(1 << 30));
        let time = self.cpu.map(|cpu| format!(" and {cpu} s of CPU time")).unwrap_or_default();
        format!("It may take {memory}{time}. A network for faces needs a small part of that.")
    }
}

/// This system has no such limits.
///
/// # Errors
/// Never.
#[cfg(not(target_os = "linux"))]
pub fn guarded(_: Limits) -> Result<Option<u8>, Problem> {
    Ok(None)
}
