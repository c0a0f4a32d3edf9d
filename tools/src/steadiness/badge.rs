//! Runs the real badge on a stream of frames and reads what it says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::log::{self, Frame};
use crate::Result;
use crate::cargo::{Profile, badge, build_badge};

/// How answers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Every frame by itself: searched, every face classified, nothing remembered.
    Raw,
    /// As a badge does it.
    Steady,
}

/// Writes frames as Y4M.
pub(super) type Draw<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + Send + 'a;

/// Frames as Y4M.
pub(super) enum Stream<'a> {
    /// A Y4M file as it is.
    File(File),
    /// What a program writes to its standard output.
    Program(Command),
    /// What a function writes.
    Drawn(Box<Draw<'a>>),
}

/// What one run of the badge said and cost.
pub(super) struct Run {
    /// In order.
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
    /// `program`, or the release badge, which is built; `bundle` has its networks where it is not the embedded one.
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

    /// Every frame of `stream`, in `mode`.
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
        // What is left of the pipe ends here belongs to the badge alone: it sees the end, and a writer sees it end.
        drop(command);
        let (run, drawn) = std::thread::scope(|threads| {
            let writer = draw.zip(child.stdin.take());
            let writer =
                writer.map(|(mut draw, mut input)| threads.spawn(move || draw(&mut input)));
            let run = read(&mut child);
            (run, writer.map_or(Ok(Ok(())), |writer| writer.join()))
        });
        match drawn.map_err(|_| "the drawing of a scene panicked")? {
            // A badge that ended early says why itself.
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

/// All lines, then the end of the process and its CPU time.
fn read(child: &mut Child) -> Result<Run> {
    let output = child.stdout.take().ok_or("the badge has no output")?;
    let frames = BufReader::new(output)
        .lines()
        .map(|line| log::frame(&line?))
        .collect::<Result<Vec<Frame>>>();
    if frames.is_err() {
        let _ = child.kill();
    }
    // Until it is waited for, an ended process still has its accounting.
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

/// User and system time of a process by its `/proc/PID/stat`, clock ticks.
fn cpu_ticks(stat: &str) -> Option<u64> {
    // The program's name, which may hold anything, stands in brackets.
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
