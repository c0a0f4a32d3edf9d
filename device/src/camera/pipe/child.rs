//! A child process whose output is read with deadlines.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child as Process, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use super::guard::{GUARD, GuardSocket};
use super::live::Program;

/// How long a program may take to close its camera before it is killed.
const GRACE: Duration = Duration::from_secs(1);

/// Longest line of a program's standard error that is kept, bytes.
const LINE: usize = 240;

/// A shell command in a process group of its own.
///
/// When dropped, the whole group gets SIGINT, and SIGKILL after a second, and is waited for. With a
/// [`guard`](super::guard()) it also ends when this process is killed.
pub(super) struct Child {
    process: Process,
    /// A socket that is closed when this process ends; a guard watches it.
    socket: Option<GuardSocket>,
    stdout: Output<ChildStdout>,
    stderr: Output<ChildStderr>,
    said: LastLine,
    ended: Option<ExitStatus>,
}

/// One end of a pipe; `None` after its last byte.
struct Output<R>(Option<R>);

/// What [`Child::read`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The number of bytes, at least one.
    Bytes(usize),
    /// Nothing until the deadline.
    Nothing,
    /// The end of the output.
    End,
}

impl Child {
    /// Starts `sh -c command`, through the program `guard` where there is one.
    pub(super) fn start(command: &str, guard: Option<&Path>) -> io::Result<Self> {
        let mut socket = None;
        let mut starter = match guard {
            // Started under another name than the badge's, so that it survives a kill by name.
            Some(program) => {
                let mut starter = Command::new(program);
                let (own, guards) = GuardSocket::new()?;
                socket = Some(own);
                starter.arg0("emocue-camera").args([GUARD, command]).stdin(guards);
                starter
            }
            None => {
                let mut starter = Command::new("sh");
                starter.args(["-c", command]).stdin(Stdio::null());
                starter
            }
        };
        let mut process =
            starter.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
        let (stdout, stderr) = (Output(process.stdout.take()), Output(process.stderr.take()));
        Ok(Self { process, socket, stdout, stderr, said: LastLine::default(), ended: None })
    }

    /// Reads and discards all output until its end, or `deadline`.
    fn drain(&mut self, deadline: Instant) -> io::Result<()> {
        let mut scrap = [0; 4096];
        while self.stdout.0.is_some() || self.stderr.0.is_some() {
            match ready(&self.stdout, &self.stderr, deadline)? {
                None => break,
                Some((bytes, words)) => {
                    if bytes {
                        self.stdout.read(&mut scrap)?;
                    }
                    if words {
                        self.listen()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn listen(&mut self) -> io::Result<()> {
        let mut words = [0; 1024];
        let count = self.stderr.read(&mut words)?;
        self.said.take(&words[..count]);
        Ok(())
    }
}

impl Program for Child {
    fn read(&mut self, space: &mut [u8], deadline: Instant) -> io::Result<Found> {
        loop {
            let (bytes, words) = match ready(&self.stdout, &self.stderr, deadline)? {
                None => return Ok(Found::Nothing),
                Some(which) => which,
            };
            if words {
                self.listen()?;
            }
            if bytes {
                return Ok(match self.stdout.read(space)? {
                    0 => Found::End,
                    count => Found::Bytes(count),
                });
            }
            if self.stdout.0.is_none() {
                return Ok(Found::End);
            }
        }
    }

    fn said(&self) -> String {
        self.said.to_string()
    }

    fn stop(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        // A program that closed its output ends by itself, and a guard reports its status.
        let is_ending = self.stdout.0.is_none();
        let told = self.socket.as_mut().filter(|_| is_ending).and_then(|it| it.status(GRACE));
        // It was not waited for yet, so its process ID cannot belong to another process.
        let group = Pid::from_child(&self.process);
        // On SIGINT, programs that record end cleanly and close their camera. An error means that it has ended.
        let _ = kill_process_group(group, Signal::INT);
        // Its output is read until it closes it, since it may be waiting to write.
        self.drain(Instant::now() + GRACE)?;
        let _ = kill_process_group(group, Signal::KILL);
        let waited = self.process.wait()?;
        let status = told.unwrap_or(waited);
        self.ended = Some(status);
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // If even waiting fails, nothing more can be done.
        let _ = self.stop();
    }
}

impl<R: Read> Output<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let Some(pipe) = &mut self.0 else { return Ok(0) };
        let count = loop {
            match pipe.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if count == 0 {
            self.0 = None;
        }
        Ok(count)
    }
}

/// Which of two pipes has something, or its end, before `deadline`; none when neither has.
fn ready<A: AsFd, B: AsFd>(
    a: &Output<A>,
    b: &Output<B>,
    deadline: Instant,
) -> io::Result<Option<(bool, bool)>> {
    let (a, b) = (a.0.as_ref().map(A::as_fd), b.0.as_ref().map(B::as_fd));
    // The open one replaces one that is closed, whose reads are empty anyway.
    let (Some(a), Some(b)) = (a.or(b), b.or(a)) else { return Ok(None) };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos() as _ };
        let mut fds = [a, b].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(fds.map(|fd| !fd.revents().is_empty()).into())),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The last line that was not empty.
#[derive(Debug, Default)]
struct LastLine {
    line: Vec<u8>,
    ended: bool,
}

impl LastLine {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.ended = true,
                _ => {
                    if self.ended {
                        self.line.clear();
                        self.ended = false;
                    }
                    if self.line.len() < LINE {
                        self.line.push(*byte);
                    }
                }
            }
        }
    }
}

impl fmt::Display for LastLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim();
        f.write_str(if line.is_empty() { "it said nothing" } else { line })
    }
}
