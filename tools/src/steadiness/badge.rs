//! Runs the real badge on a stream of frames and reads its output.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::log::{self, Frame};
use crate::Result;
use crate::cargo::{Profile, badge, build_badge};

/// Mode of the badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Every frame independently: full search, every face classified, no temporal filter (`--steady off`).
    Raw,
    /// The badge's default: tracking and temporal filter.
    Steady,
}

/// A function that writes frames as Y4M.
pub(super) type Draw<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + Send + 'a;

/// Frames as Y4M.
pub(super) enum Stream<'a> {
    /// A Y4M file as it is.
    File(File),
    /// The standard output of a program.
    Program(Command),
    /// The output of a function.
    Drawn(Box<Draw<'a>>),
}

/// Output and CPU time of one run of the badge.
pub(super) struct Run {
    /// The frames in order.
    pub(super) frames: Vec<Frame>,
    /// CPU time of the whole process, s.
    pub(super) cpu_s: f64,
}

/// The badge's program and its networks.
pub(super) struct Badge {
    program: PathBuf,
    bundle: Option<PathBuf>,
}

impl Badge {
    /// Uses `program`, or builds the release badge; `bundle` replaces the embedded bundle.
    pub(super) fn new(program: Option<PathBuf>, bundle: Option<PathBuf>) -> Result<Self> {
        let program = match program {
            Some(program) => program,
            None => {
                build_badge(Profile::Release)?;
                badge(Profile::Release)
            }
        };
        Ok(Self { program, bundle })
    }

    /// Runs the badge on every frame of `stream` in `mode`.
    pub(super) fn run(&self, stream: Stream<'_>, mode: Mode) -> Result<Run> {
        let mut source = None;
        let mut draw = None;
        let input = match stream {
            Stream::File(file) => file.into(),
            Stream::Program(mut command) => {
                let started = command.stdout(Stdio::piped()).spawn();
                let mut child = started.map_err(|e| format!("cannot start {command:?}: {e}"))?;
                let output = child.stdout.take().ok_or("the program has no output")?;
                source = Some((child, command));
                output.into()
            }
            Stream::Drawn(function) => {
                draw = Some(function);
                Stdio::piped()
            }
        };
        let mut command = Command::new(&self.program);
        command.args(["run", "--camera", "-", "--display", "json"]);
        if mode == Mode::Raw {
            command.args(["--steady", "off"]);
        }
        if let Some(bundle) = &self.bundle {
            command.arg("--bundle").arg(bundle);
        }
        let started = command.stdin(input).stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|e| format!("cannot start {command:?}: {e}"))?;
        // Closes this process's copies of the pipe, so that the badge sees the end of input, and the writer the badge's
        // exit.
        drop(command);
        let (run, drawn) = std::thread::scope(|threads| {
            let writer = draw.zip(child.stdin.take());
            let writer =
                writer.map(|(mut draw, mut input)| threads.spawn(move || draw(&mut input)));
            let run = read(&mut child);
            (run, writer.map_or(Ok(Ok(())), |writer| writer.join()))
        });
        match drawn.map_err(|_| "the drawing of a scene panicked")? {
            // A badge that ended early reports the reason itself.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
        if let Some((mut child, command)) = source {
            let status = child.wait()?;
            if !status.success() && run.is_ok() {
                return Err(format!("{command:?}: {status}").into());
            }
        }
        run
    }
}

/// Reads all lines, then waits for the process and reads its CPU time.
fn read(child: &mut Child) -> Result<Run> {
    let output = child.stdout.take().ok_or("the badge has no output")?;
    let frames = BufReader::new(output)
        .lines()
        .map(|line| log::frame(&line?))
        .collect::<Result<Vec<Frame>>>();
    if frames.is_err() {
        let _ = child.kill();
    }
    // A process that has ended keeps its accounting until it is reaped.
    let process = Pid::from_child(child);
    waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    let status = child.wait()?;
    let frames = frames?;
    if !status.success() {
        return Err(format!("`emocue-badge run`: {status}").into());
    }
    let ticks = cpu_ticks(&stat).ok_or("the system does not report the badge's CPU time")?;
    Ok(Run { frames, cpu_s: ticks as f64 / rustix::param::clock_ticks_per_second() as f64 })
}

/// User and system time of a process from `/proc/PID/stat`, clock ticks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    // The program's name is in parentheses and may contain any character.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_from_a_processs_status() {
        let stat = "12 (a) b) Z 1 12 12 0 -1 4 5 6 7 8 130 12 0 0 20 0 1 0 99 0 0";
        assert_eq!(cpu_ticks(stat), Some(142));
        assert_eq!(cpu_ticks("12 (a) Z 1"), None);
    }
}
