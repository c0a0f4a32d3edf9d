//! The guard process between the badge and a camera's program, which ends that program when the badge is killed.
//!
//! A badge that exits closes its camera; one that is killed cannot. The guard is the leader of the process group of the
//! program and all its children, and its standard input is a socket from the badge. However the badge ends, the socket
//! is closed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process_group};

/// The name of the subcommand that runs [`guard`].
pub const GUARD: &str = "camera-guard";

/// Runs `sh -c command`, and reports its exit status to the badge; when the socket that is its standard input is
/// closed, kills the whole process group, itself included.
///
/// It has to be the leader of its process group, as [`Pipe`](super::Pipe) starts it.
///
/// # Errors
/// Why the command could not be started.
pub fn guard(command: &OsStr) -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut program = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).spawn()?;
    // Standard output is replaced, so that the badge reads the end of file when the program closes its own.
    let nothing = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    let mut told = socket.try_clone()?;
    thread::spawn(move || {
        if let Ok(status) = program.wait() {
            let _ = told.write_all(&status.into_raw().to_ne_bytes());
        }
    });
    // The badge never writes to it.
    let _ = io::copy(&mut &socket, &mut io::sink());
    kill_process_group(getpid(), Signal::KILL)?;
    Ok(())
}

/// The badge's end of a guard's socket.
pub(super) struct GuardSocket(UnixStream);

impl GuardSocket {
    /// A socket, and the guard's standard input.
    pub(super) fn new() -> io::Result<(Self, Stdio)> {
        let (own, guards) = UnixStream::pair()?;
        Ok((Self(own), Stdio::from(std::os::fd::OwnedFd::from(guards))))
    }

    /// The program's exit status; `None` if it has not ended within `limit`, or the guard was killed.
    pub(super) fn status(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut status = [0; 4];
        self.0.set_read_timeout(Some(limit)).ok()?;
        self.0.read_exact(&mut status).ok()?;
        Some(ExitStatus::from_raw(i32::from_ne_bytes(status)))
    }
}
