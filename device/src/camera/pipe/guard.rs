//! The process between the badge and a camera's program, which ends that program when the badge is killed.
//!
//! A badge that ends by itself closes its camera; one that is killed cannot. The guard leads the process group of the
//! program and of all that it starts, and its standard input is a socket from the badge. When the badge is gone, however
//! it ended, the socket is at its end.

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

/// The name of the verb that runs [`guard`].
pub const GUARD: &str = "camera-guard";

/// Runs `sh -c command`, and tells the badge when and how that ended; at the end of the socket that is its standard
/// input, kills all that is left of it, and itself.
///
/// It has to be the leader of its process group, as [`Pipe`](super::Pipe) starts it.
///
/// # Errors
/// Why the command could not be started.
pub fn guard(command: &OsStr) -> io::Result<()> {
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut program = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).spawn()?;
    // What the badge reads is at its end with the program's own output.
    let nothing = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    let mut told = socket.try_clone()?;
    thread::spawn(move || {
        if let Ok(status) = program.wait() {
            let _ = told.write_all(&status.into_raw().to_ne_bytes());
        }
    });
    // Nothing is ever said to it.
    let _ = io::copy(&mut &socket, &mut io::sink());
    kill_process_group(getpid(), Signal::KILL)?;
    Ok(())
}

/// The badge's end of a guard's socket.
pub(super) struct Leash(UnixStream);

impl Leash {
    /// A leash, and what the guard's standard input becomes.
    pub(super) fn new() -> io::Result<(Self, Stdio)> {
        let (own, guards) = UnixStream::pair()?;
        Ok((Self(own), Stdio::from(std::os::fd::OwnedFd::from(guards))))
    }

    /// How the program ended; nothing when it has not within `limit`, or the guard was killed.
    pub(super) fn status(&mut self, limit: Duration) -> Option<ExitStatus> {
        let mut status = [0; 4];
        self.0.set_read_timeout(Some(limit)).ok()?;
        self.0.read_exact(&mut status).ok()?;
        Some(ExitStatus::from_raw(i32::from_ne_bytes(status)))
    }
}
