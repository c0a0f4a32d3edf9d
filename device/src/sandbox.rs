//! The self-test of an untrusted bundle, in a process of its own with limited memory and CPU time.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use emocue_models::failure::line_of;

/// Time limit of the networks of a new bundle, CPU time and wall time, for the slowest board.
const LONGEST: Duration = Duration::from_secs(120);

/// Memory limit, bytes: several times what a badge needs.
#[cfg(unix)]
const MOST_MEMORY: u64 = 160 << 20;

/// Exit code of a Rust program that panics, as a network does that cannot allocate memory.
const PANICKED: i32 = 101;

/// Interval at which the parent checks whether the child has ended.
const POLL: Duration = Duration::from_millis(20);

/// The path of this program, even if its file was replaced since.
pub fn own_program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() {
        return running;
    }
    std::env::current_exe().unwrap_or_else(|_| "emocue-badge".into())
}

/// Limits the resources of this process, which is about to run untrusted networks.
pub fn limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let at_most = |most| Rlimit { current: Some(most), maximum: Some(most) };
        // If this is refused, the parent still stops it in time.
        let _ = setrlimit(Resource::Data, at_most(MOST_MEMORY));
        let _ = setrlimit(Resource::Cpu, at_most(LONGEST.as_secs()));
        let _ = setrlimit(Resource::Core, at_most(0));
    }
    // It must not outlive a badge that is killed.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

/// Runs `slot check` on the bundle in `file` in a child process, which calls [`limit`]. Nothing that its networks do
/// reaches this process.
///
/// # Errors
/// Why the bundle fails, as a text.
pub fn self_test(file: &Path) -> Result<(), String> {
    let program = own_program();
    let mut command = Command::new(&program);
    command.args(["slot", "check"]).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|error| format!("cannot start {program:?}: {error}"))?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < LONGEST => std::thread::sleep(POLL),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("its networks take longer than {} s", LONGEST.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut message = String::new();
    if let Some(stderr) = child.stderr {
        let _ = stderr.take(4096).read_to_string(&mut message);
    }
    let message = line_of(&message);
    Err(match status.code() {
        // Its own message; that of a panic is not useful for users.
        Some(code) if code != PANICKED && !message.is_empty() => message,
        _ => format!("its networks need too much memory or time ({status})"),
    })
}
