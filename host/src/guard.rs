//! Verbs that run graphs from elsewhere run in a process of their own, with bounded memory and CPU time: what a hostile
//! graph does reaches neither this computer's memory nor the terminal's session.

use std::path::Path;
use std::process::Command;

use emocue_models::failure::{Problem, exit};

/// What a verb may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory, bytes; three quarters of this computer's at most.
    memory: u64,
    /// CPU time, s; none for a verb that works through a dataset.
    cpu: Option<u64>,
}

impl Limits {
    /// For a verb that opens a graph and runs it a few times.
    pub const GRAPH: Self = Self { memory: 2 << 30, cpu: Some(300) };
    /// For a verb that runs a graph on a dataset.
    pub const DATASET: Self = Self { memory: u64::MAX, cpu: None };
}

/// Set in the guarded process.
#[cfg(target_os = "linux")]
const GUARDED: &str = "EMOCUE_GUARDED";

/// Whether a badge would accept the bundle in `file`, found out in a guarded process.
///
/// # Errors
/// Why it would not.
pub fn check_bundle(file: &Path) -> Result<(), Problem> {
    check(&["bundle", "check"], file)
}

/// Whether the tensors of the weights in `file` can be listed, found out in a guarded process: a small file may describe
/// more than this computer holds.
///
/// # Errors
/// Why they cannot.
pub fn check_weights(file: &Path) -> Result<(), Problem> {
    check(&["import", "check-weights"], file)
}

/// Runs this program again with a verb that looks at `file`.
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

/// Runs this program again with the same arguments and `limits`, and returns its exit code; `None` in that second
/// process, and on systems without such limits.
///
/// # Errors
/// [`Problem`] when it needs more than it may take.
#[cfg(target_os = "linux")]
pub fn guarded(limits: Limits) -> Result<Option<u8>, Problem> {
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

    use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

    if std::env::var_os(GUARDED).is_some() {
        bound(limits);
        // It ends with its parent.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        return Ok(None);
    }
    let cannot = |error| Problem::new(format!("failed to start this program again: {error}"));
    let program = std::env::current_exe().map_err(cannot)?;
    let mut command = Command::new(program);
    // In a group of its own, so that the terminal's Ctrl-C reaches it once: passed on from here.
    command.args(std::env::args_os().skip(1)).env(GUARDED, "1").process_group(0);
    let mut child = command.spawn().map_err(cannot)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pass_on = move || {
        let _ = pid.map(|pid| kill_process(pid, Signal::INT));
    };
    // Where this fails, a signal ends both.
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

/// How a Rust program ends that panics, as tract does when it gets no memory.
#[cfg(target_os = "linux")]
const PANICKED: u8 = 101;

#[cfg(target_os = "linux")]
fn bound(limits: Limits) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let at_most = |of: Resource, most: u64| {
        let maximum = getrlimit(of).maximum;
        let most = maximum.map_or(most, |maximum| most.min(maximum));
        // Where this is refused, the verb runs without the limit.
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
