//! `emocue-badge slot`: bundles that came after the program.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use emocue_config::Config;
use emocue_device::doctor::self_test;
use emocue_device::load::load;
use emocue_device::slots::consent::{Desk, NoConsent};
use emocue_device::slots::{Install, Installed, Refusal, SlotError, Status, Store, Trust};
use emocue_models::bundle::PublicKey;

use super::{AFTER_HELP, Failure};

/// For how long the networks of a new bundle may take, on the slowest board.
const LONGEST: Duration = Duration::from_secs(120);

/// Memory that they may take, bytes: several times what a badge needs.
const MOST_MEMORY: u64 = 160 << 20;

/// How a Rust program ends that panics, as a network does that gets no memory.
const PANICKED: i32 = 101;

/// How often it is looked whether they are done.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SlotVerb {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

/// Where slots are, and who is trusted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where")]
struct Place {
    /// The badge's configuration, which names the folder and the trusted keys in its section `update`
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Another folder than the configuration's
    #[arg(long, value_name = "DIR", global = true)]
    state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a signed bundle and put it on trial; a badge that runs takes it up at once
    Install {
        /// The bundle
        file: PathBuf,
        /// Take an older release too
        #[arg(long)]
        force: bool,
        /// Remove the file, unless it only lacks a press of the button or room on the disk
        #[arg(long)]
        remove: bool,
    },
    /// Run a bundle's networks on the portraits inside this program, with bounded memory and time
    Check {
        /// The bundle; the one inside this program where none is given
        file: Option<PathBuf>,
    },
    /// Keep the bundle on trial without waiting for its healthy minute
    Confirm,
    /// Tell what would start, and what lies in both slots
    Status {
        /// Print JSON instead of lines
        #[arg(long)]
        json: bool,
    },
    /// Return to what ran before
    Rollback,
}

/// Does what is asked and prints the result.
pub(crate) fn slot(verb: &SlotVerb) -> Result<ExitCode, Failure> {
    let update = match &verb.place.config {
        Some(file) => Config::read(file)?.update,
        None => Config::default().update,
    };
    let state = verb.place.state.as_deref().unwrap_or(&update.state);
    let store = Store::new(state);
    let mut out = io::stdout().lock();
    let written = match &verb.action {
        Action::Install { file, force, remove } => {
            let trust = Trust::new(&update.keys, state);
            let desk = Desk::new(state);
            let install = Install {
                store: &store,
                trust: &trust,
                test: &test,
                ask: &|key| accept(&desk, key),
                force: *force,
            };
            let done = install.take(file);
            if *remove && is_settled(&done) {
                let _ = fs::remove_file(file);
            }
            match done? {
                Installed::OnTrial { slot, release } => {
                    writeln!(out, "{release} is in slot {slot}, on trial from the next start on")
                }
                Installed::Already { slot } => {
                    writeln!(out, "slot {slot} holds this very bundle already")
                }
            }
        }
        Action::Check { file } => {
            limit();
            let took = check(file.as_deref())?;
            writeln!(out, "both portraits as expected, {:.0} ms each", took.as_secs_f64() * 1e3)
        }
        Action::Confirm => writeln!(out, "slot {} is kept", store.confirm(None)?),
        Action::Status { json } => {
            let status = Status::of(&store)?;
            match json {
                true => serde_json::to_writer(&mut out, &status)
                    .map_err(io::Error::from)
                    .and_then(|()| writeln!(out)),
                false => write!(out, "{status}"),
            }
        }
        Action::Rollback => match store.rollback()? {
            Some(slot) => writeln!(out, "slot {slot} starts next"),
            None => writeln!(out, "the bundle inside this program starts next"),
        },
    };
    written.map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether trying the same file again would end alike.
fn is_settled(done: &Result<Installed, SlotError>) -> bool {
    match done {
        Ok(_) => true,
        Err(SlotError::Refused { reason, .. }) => !matches!(reason, Refusal::NotAccepted { .. }),
        Err(_) => false,
    }
}

fn accept(desk: &Desk, key: PublicKey) -> Result<(), NoConsent> {
    eprintln!("emocue-badge: key {key} is new here: press the badge's button within a minute");
    desk.ask(&format!("trust the key {}", key.short()))
}

/// Runs the networks of the bundle in `file`, or of the program's own.
fn check(file: Option<&Path>) -> Result<Duration, Failure> {
    let mut vision = load(file, None)?;
    self_test(&mut vision, file.is_none()).map_err(Failure::SelfTest)
}

/// Bounds this process, which is about to run networks that nobody has seen.
fn limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let at_most = |most| Rlimit { current: Some(most), maximum: Some(most) };
        // Where this is refused, the parent still stops it in time.
        let _ = setrlimit(Resource::Data, at_most(MOST_MEMORY));
        let _ = setrlimit(Resource::Cpu, at_most(LONGEST.as_secs()));
        let _ = setrlimit(Resource::Core, at_most(0));
    }
}

/// Runs `slot check` on the bundle in `file`, in a process of its own: whatever its networks do, this one goes on.
fn test(file: &Path) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let own = Path::new("/proc/self/exe");
    let mut command = Command::new(if own.exists() { own } else { &program });
    command.args(["slot", "check"]).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|error| format!("cannot start {program:?}: {error}"))?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < LONGEST => std::thread::sleep(LOOK),
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
    let mut told = String::new();
    if let Some(stderr) = child.stderr {
        let _ = stderr.take(4096).read_to_string(&mut told);
    }
    let told = told.trim().trim_start_matches("emocue-badge: ");
    Err(match status.code() {
        // Its own words; a panic's are for programmers.
        Some(code) if code != PANICKED && !told.is_empty() => told.to_owned(),
        _ => format!("its networks need too much memory or time ({status})"),
    })
}
